"""What captions deny is not prompted; what only looks like a denial is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.captions import parse_caption

NAMES = ("person", "car", "truck", "bus", "sky", "tree", "road", "traffic light")

CASES = {
    "no cars": "",
    "no cars and trees": "",
    "a road without people or trees": "road",
    "no cars, trees": "tree",
    "no cars, trees or people": "",
    "no cars and a tree": "tree",
    "without cars, trees": "tree",
    "A road without people.": "road",
    "no people or cars, blue sky": "sky",
    "no cars, trucks or buses on the road": "road",
    "without cars, trucks and people": "",
    "no cars, trees and a blue sky": "tree sky",
    "no cars and trucks on the road": "road",
    "no cars but trees": "tree",
    "There are no people on the road": "road",
    "the road is not wet and cars pass": "road car",
    "a person not looking at the car": "person car",
    "There isn't a car. A bus stops.": "bus",
    "does not show any people or cars": "",
    "doesn’t have a single car": "",
    "not only cars but also trucks": "car truck",
    "a car-free road": "road",
    "a road free of cars": "road",
    "neither cars nor people": "",
    "cars are not visible": "",
    "no cars on the left, a car on the right": "car",
    "no sign of people": "",
    "a no-parking traffic light": "traffic light",
    "no visible parked cars or moving trucks": "",
    "without any other large trucks": "",
    "a street with no one and a car": "car",
    "a car with no driver": "car",
    "zero cars on the road": "road",
    "0 cars": "",
    "zero-emission cars": "car",
    "hardly any cars or people": "",
    "barely any cars, a tree": "tree",
    "a car with hardly any rust, a tree": "car tree",
    "not a single car": "",
    "nary a car": "",
    "free of cars": "",
    "the absence of any cars": "",
    "lacking cars": "",
    "devoid of cars, people and trees": "",
    "a road void of cars": "road",
    "bereft of people": "",
    "a road clear of cars": "road",
    "sans people": "",
    "cars absent, a tree": "tree",
    "cars nowhere to be seen": "",
    "people do not appear": "",
    "a car missing a wheel": "car",
    "few cars": "car",
    "nothing but cars": "car",
}


@pytest.mark.parametrize("caption", CASES)
def test_denied_classes_are_not_prompted(caption):
    found = {NAMES[i] for i in parse_caption(caption, NAMES)}
    expected = CASES[caption].replace("traffic light", "traffic_light").split()
    assert found == {name.replace("_", " ") for name in expected}


OTHERS = ("人", "汽车", "汽車", "行人", "道路", "車", "木", "자동차", "사람", "도로", "รถ", "ถนน")

OTHER_CASES = {
    "道路上没有汽车": "道路",
    "无行人的道路": "道路",
    "路上沒有汽車": "",
    "不见行人": "",
    "看不到行人，道路": "道路",
    "没有一辆汽车": "",
    "没有任何汽车": "",
    "没有汽车和行人": "",
    "没有汽车、行人或道路": "",
    "没有汽车也没有行人": "",
    "没有汽车，只有行人": "行人",
    "没有行人，汽车在道路上": "汽车 道路",
    "没有人的汽车": "汽车",
    "人没有汽车": "人",
    "汽车不可见": "",
    "这不是汽车": "",
    "有没有汽车": "汽车",
    "不仅有汽车": "汽车",
    "被水淹没的汽车": "汽车",
    "水淹没汽车": "汽车",
    "有行人和汽车": "行人 汽车",
    "車がない": "",
    "車のない道路": "道路",
    "車なし": "",
    "人はいない": "",
    "人がいない道路": "道路",
    "人が見えません": "",
    "車が一台もない": "",
    "車ではない": "",
    "車も人もいない": "",
    "人や車のない道路": "道路",
    "木と車がない": "",
    "木と車のない道路": "木 道路",
    "人はおらず、車がある": "車",
    "車が少ない道路に人がいる": "車 道路 人",
    "도로에 자동차가 없다": "도로",
    "사람이나 자동차가 없는 도로": "도로",
    "사람은 보이지 않는다": "",
    "도로에 사람과 자동차가 있다": "도로 사람 자동차",
    "ถนนไม่มีรถ": "ถนน",
}


@pytest.mark.parametrize("caption", OTHER_CASES)
def test_denials_in_chinese_japanese_korean_and_thai(caption):
    expected = {OTHERS.index(name) for name in OTHER_CASES[caption].split()}
    assert parse_caption(caption, OTHERS) == expected
    assert parse_caption(caption, OTHERS, count_denied=True) >= expected


WORDS = (
    "no",
    "without",
    "not",
    "n't",
    "or",
    "and",
    ",",
    ".",
    "but",
    "a",
    "the",
    "blue",
    "on",
    "cars",
    "people",
    "trees",
)


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_a_denial_only_takes_away_and_the_switch_counts_it(words):
    caption = " ".join(words)
    counted = parse_caption(caption, NAMES, count_denied=True)
    assert parse_caption(caption, NAMES) <= counted
    assert counted == {
        NAMES.index(n)
        for n, w in (("car", "cars"), ("person", "people"), ("tree", "trees"))
        if w in words
    }
    if not {"no", "without", "not", "n't"} & set(words):
        assert parse_caption(caption, NAMES) == counted
