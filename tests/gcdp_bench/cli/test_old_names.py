"""Names of the last release still work, and no help shows them."""

import pytest
from click.testing import CliRunner

from gcdp_bench.cli import OLD_OPTIONS, OLD_VERBS, VERBS, _renamed, main


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("score s --dataset d", "evaluate s --dataset d"),
        ("train ldm --quarantine q", "train ldm --exclude q"),
        ("train ldm --quarantine=q", "train ldm --exclude=q"),
        ("data check d --quarantine q", "data check d --faulty q"),
        ("report r --mix-subsets", "report r --allow-subsets"),
        ("sweep --extractors shipped", "sweep --extractors pretrained"),
        ("sweep --extractors=shipped", "sweep --extractors=pretrained"),
        ("sweep --dataset shipped", "sweep --dataset shipped"),
        ("", ""),
    ],
)
def test_old_names_are_translated(old, new):
    assert _renamed(old.split()) == new.split()


def test_an_old_verb_runs():
    result = CliRunner().invoke(main, ["score", "--explain", "miou"])
    assert result.exit_code == 0 and "miou" in result.output


@pytest.mark.parametrize("verb", ["", "evaluate", "train", "sweep", "report"])
def test_help_shows_the_names_of_today(verb):
    output = CliRunner().invoke(main, [*verb.split(), "--help"]).output
    assert not any(name in output for name in OLD_OPTIONS)
    assert not set(OLD_VERBS) & set(VERBS)
