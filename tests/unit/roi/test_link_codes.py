"""Link codes: the alphabet, the reserved words in any case, and the form of generated codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.domain.link_codes import (
    RANDOM_BYTES,
    LinkCodeRefused,
    check_link_code,
    folded,
    generated_link_code,
)
from shared.catalog import RESERVED_WORDS


@pytest.mark.parametrize("word", [*sorted(RESERVED_WORDS), "V1", "Health", "WEBHOOKS"])
def test_reserved_words_are_refused_in_any_case(word: str) -> None:
    with pytest.raises(LinkCodeRefused, match="reserved"):
        check_link_code(word)


@pytest.mark.parametrize("code", ["", "a b", "ä", "a/b", "a.b", "a" * 65, "a\n", "％", "١"])
def test_other_characters_are_refused(code: str) -> None:
    with pytest.raises(LinkCodeRefused, match="letters"):
        check_link_code(code)


@pytest.mark.parametrize("code", ["a", "Mia-10_x", "A" * 64, "v2", "--"])
def test_a_code_stands_as_it_is(code: str) -> None:
    assert check_link_code(code) == code


@given(st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES))
def test_a_generated_code_is_valid_and_folded_already(randomness: bytes) -> None:
    code = generated_link_code(randomness)
    assert check_link_code(code) == code == folded(code)
    assert len(code) == 12


def test_sixty_bits_decide_a_generated_code() -> None:
    codes = {generated_link_code((1 << bit).to_bytes(RANDOM_BYTES, "big")) for bit in range(60)}
    assert len(codes) == 60
