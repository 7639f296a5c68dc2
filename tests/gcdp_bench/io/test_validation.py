"""What a library says stands in one line, whole and without what a terminal obeys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.io.validation import reason

TORCH = (
    "Weights only load failed. \x1b[1mdo those steps only if you trust it\x1b[0m. \n\t(1) Re-run."
    "\n\tWeightsUnpickler error: Unsupported global: GLOBAL a.B was not an allowed global."
)
CODES = (
    "\x1b[1m",
    "\x1b[38;5;196m",
    "\x1b[0K",
    "\x1b]0;title\x07",
    "\x1b]8;;https://a.b\x1b\\",
    "\x1b(B",
    "\x1bM",
    "\x9b31m",
)


def test_the_end_of_a_long_message_is_not_cut():
    text = reason(RuntimeError(TORCH))
    assert text.startswith("Weights only load failed. do those steps only if you trust it. (1) Re-")
    assert text.endswith("GLOBAL a.B was not an allowed global.")


@pytest.mark.parametrize("code", CODES, ids=ascii)
def test_escape_codes_are_left_out(code):
    assert reason(RuntimeError(f"before {code}after")) == "before after"


@given(st.lists(st.one_of(st.sampled_from(CODES), st.text())))
def test_any_message_is_one_line_without_control_characters(parts):
    text = reason(ValueError("".join(parts)))
    assert text and not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", text)


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), min_size=1))
def test_plain_words_are_kept(words):
    assert reason(ValueError("\n".join(words))) == " ".join(words)


def test_of_an_endless_message_both_ends_are_kept():
    text = reason(ValueError("start " + "x" * 10**6 + " the reason"))
    assert len(text) < 5000 and text.startswith("start ") and text.endswith(" the reason")


def test_an_error_without_words_is_named():
    assert reason(KeyError()) == "KeyError"
