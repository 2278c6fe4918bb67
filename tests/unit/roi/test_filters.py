"""Filters as text: one of, none of, no value, plain commas and minus signs, and what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.dictionary import DIMENSIONS
from services.roi.answers.filters import FILTER_WORDS_MAX, WrongFilter, check_known, read_filter

CODE = DIMENSIONS["code"]


@pytest.mark.parametrize(
    ("text", "words", "negated"),
    [
        ("a", {"a"}, False),
        ("a,b", {"a", "b"}, False),
        ("-a", {"a"}, True),
        ("-a,-b", {"a", "b"}, True),
        ("", {None}, False),
        ("-", {None}, True),
        (",a", {None, "a"}, False),
        ("a,", {None, "a"}, False),
        (r"a\,b", {"a,b"}, False),
        (r"\-10%", {"-10%"}, False),
        (r"-\-10%", {"-10%"}, True),
        (r"back\\slash", {"back\\slash"}, False),
        ("10-20", {"10-20"}, False),
    ],
)
def test_a_filter_is_read(text: str, words: set[str | None], negated: bool) -> None:
    found = read_filter(CODE, text)
    assert (set(found.words), found.negated) == (words, negated)
    assert found.field == "filter.code"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("code", "a,-b", "and not both"),
        ("code", "a\\", "backslash"),
        ("code", "a\x00", "cannot be shown"),
        ("code", ",".join(map(str, range(FILTER_WORDS_MAX + 1))), f"more than {FILTER_WORDS_MAX}"),
        ("stage", "sale", "advocacy, awareness"),
        ("kind", "order", "download, lead, purchase"),
        ("evidence", "luck", "click"),
        ("customer", "old", "new, returning, unknown"),
        ("weekday", "Monday", "friday, monday"),
        ("hour", "24", "0, 1, 10"),
        ("tier", "giant", "macro, mega"),
        ("part", "overhead", "brand, organic, program"),
        ("day", "today", "looks like"),
        ("day", "2026-03-1", "looks like"),
        ("month", "2026-3", "looks like"),
        ("week", "2026-11", "looks like"),
        ("quarter", "2026-Q5", "looks like"),
    ],
)
def test_a_wrong_filter_says_what_to_send(name: str, text: str, message: str) -> None:
    with pytest.raises(WrongFilter, match=message):
        read_filter(DIMENSIONS[name], text)


def escaped(word: str) -> str:
    return "".join(f"\\{one}" if one in ",\\-" else one for one in word)


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S"])), min_size=1, max_size=5))
def test_every_word_can_be_named(words: list[str]) -> None:
    found = read_filter(CODE, ",".join(map(escaped, words)))
    opposite = read_filter(CODE, ",".join(f"-{escaped(word)}" for word in words))
    assert found.words == opposite.words == {word or None for word in words}
    for value in [*found.words, "never named by chance", None]:
        assert found.passes([value]) is not opposite.passes([value])


def test_a_value_among_several_is_enough() -> None:
    one, none = read_filter(CODE, "a"), read_filter(CODE, "-a")
    assert one.passes(["a", "b"])
    assert not none.passes(["a", "b"])
    assert none.passes(["b", None])


def test_an_unknown_value_is_named_with_the_known_ones() -> None:
    asked = read_filter(DIMENSIONS["platform"], "tiktok,myspace")
    with pytest.raises(
        WrongFilter, match="no platform of this workspace: send one of reel, tiktok"
    ):
        check_known(asked, {"tiktok", "reel"})
    check_known(asked, {"tiktok", "myspace"})
    check_known(read_filter(DIMENSIONS["platform"], ""), set())
