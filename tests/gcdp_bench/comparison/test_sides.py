"""Which of two sides' points meet."""

import pytest

from gcdp_bench.comparison.points import point_sets
from gcdp_bench.comparison.sides import compare_points
from gcdp_bench.results.schema import to_frame


@pytest.fixture
def side(write, floor, tmp_path):
    """Points of models at one value of guidance with the given steps."""

    def points(**steps):
        rows = [
            write(model, 2.0, 0, fid=1.0, steps=num, config_hash=f"{model}{num}")
            for model, num in steps.items()
        ]
        return point_sets(to_frame([*rows, floor]), tmp_path)

    return points


def met(table):
    columns = ["a", "steps_a", "b", "steps_b"]
    return [tuple(line) for line in table[columns].drop_duplicates().itertuples(index=False)]


def test_steps_are_held_against_those_of_the_same_model(side):
    table = compare_points(side(ldm=25, imagen=100), side(ldm=100, imagen=25))
    assert met(table) == [("ldm @ 2", 25, "ldm @ 2", 100), ("imagen @ 2", 100, "imagen @ 2", 25)]


def test_one_point_on_each_side_meets_whatever_its_model(side):
    table = compare_points(side(ldm=25), side(imagen=100))
    assert met(table) == [("ldm @ 2", 25, "imagen @ 2", 100)]
    with pytest.raises(ValueError, match="got ldm @ 2 and imagen @ 2, palette @ 2; name one"):
        compare_points(side(ldm=25), side(imagen=100, palette=1))


def test_points_of_different_data_never_meet(side, write, tmp_path):
    elsewhere = point_sets(to_frame([write("ldm", 2.0, 0, fid=1.0, dataset="e")]), tmp_path)
    with pytest.raises(ValueError, match="expected points with a model"):
        compare_points(side(ldm=10), elsewhere)


@pytest.mark.parametrize(("prompted", "classes"), [(True, {"all", "car", "sky"}), (False, {"all"})])
def test_classes_are_compared_unless_unwanted(side, prompted, classes):
    assert set(compare_points(side(ldm=25), side(ldm=25), per_class=prompted)["class"]) == classes
