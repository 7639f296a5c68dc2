"""Round trips, overrides and every refusal of the configuration reader."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from gcdp_bench.core import config


@dataclass(frozen=True, kw_only=True)
class Inner:
    size: tuple[int, int] = (32, 64)
    name: Literal["cosine", "linear"] = "cosine"


@dataclass(frozen=True, kw_only=True)
class Text:
    width: int = 1


@dataclass(frozen=True, kw_only=True)
class Deep:
    inner: Inner = field(default_factory=Inner)
    text: Text = field(default_factory=Text)


@dataclass(frozen=True, kw_only=True)
class Outer:
    rate: float
    widths: tuple[int, ...] = (1, 2)
    path: str | None = None
    inner: Inner = field(default_factory=Inner)
    deep: Deep = field(default_factory=Deep)


def test_round_trip():
    original = Outer(rate=0.5, widths=(3,), path="x", inner=Inner(size=(1, 2), name="linear"))
    assert config.from_dict(Outer, config.to_dict(original)) == original


@pytest.mark.parametrize(
    ("assignment", "read", "expected"),
    [
        ("rate=2", lambda c: c.rate, 2.0),
        ("widths=[4,5,6]", lambda c: c.widths, (4, 5, 6)),
        ("inner.name=linear", lambda c: c.inner.name, "linear"),
        ("path=a/b", lambda c: c.path, "a/b"),
        ("path=null", lambda c: c.path, None),
        ("deep.inner.name=linear", lambda c: c.deep.inner.name, "linear"),
        ("deep.inner.size=[1,2]", lambda c: c.inner.size, (32, 64)),
        ("text.width=3", lambda c: c.deep.text.width, 3),
    ],
)
def test_override(assignment, read, expected):
    assert read(config.override(Outer(rate=1.0), [assignment])) == expected


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("rat=2", "did you mean 'rate'"),
        ("inner.nam=x", "did you mean 'name'"),
        ("rate.x=2", "rate: unknown key 'x'"),
        ("rate", "expected key=value"),
        ("rate=fast", "rate: expected float, got 'fast'"),
        ("widths=[1.5]", r"widths\[0\]: expected int, got 1.5"),
        ("inner.size=[1]", "inner.size: expected 2 values, got 1"),
        ("inner.name=sine", "expected one of 'cosine', 'linear', got 'sine'"),
        ("inner=3", "expected a table of Inner"),
        ("none.width=3", "unknown key 'none'"),
    ],
)
def test_override_refuses(assignment, message):
    with pytest.raises(ValueError, match=message):
        config.override(Outer(rate=1.0), [assignment])


def test_missing_key_is_named():
    with pytest.raises(ValueError, match="expected key 'rate'"):
        config.from_dict(Outer, {})


def test_digest_depends_on_values_only():
    assert config.digest({"a": 1, "b": (2,)}) == config.digest({"b": [2], "a": 1})
    assert config.digest(Outer(rate=1.0)) != config.digest(Outer(rate=1.5))


def test_broken_json_names_the_file(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(ValueError, match="broken.json: expected JSON"):
        config.read_json(path)


def test_a_key_that_several_settings_end_with_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Both:
        deep: Deep = field(default_factory=Deep)
        other: Deep = field(default_factory=Deep)

    with pytest.raises(ValueError, match=r"got deep\.text\.width, other\.text\.width"):
        config.override(Both(), ["text.width=3"])
