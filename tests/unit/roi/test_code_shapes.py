"""The discount codes that a brand may register: what a shopper can type, and some more."""

import pytest
from pydantic import TypeAdapter, ValidationError

from services.roi.wire.link_shapes import DiscountCode

ACCEPTS = TypeAdapter[str](DiscountCode).validate_python


@pytest.mark.parametrize(
    "text",
    [
        "MIA10",
        "Μαΐου",
        "ten off",
        "👩\u200d💻10",
        "LOVE❤️",
        "\U0001fae910",
        "TEN\u00a0OFF",
        "İNDİRİM",
    ],
)
def test_a_code_that_people_see_is_taken_as_it_is(text: str) -> None:
    assert ACCEPTS(f" {text} ") == text


@pytest.mark.parametrize("text", ["", "  ", "\u200b", "\ufe0f\u2800", "MIA\x0010", "ﷺ" * 10])
def test_a_code_that_nobody_sees_or_that_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        ACCEPTS(text)
