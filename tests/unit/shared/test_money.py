"""Money: parse with the exponent of the currency, format, and split without a lost unit."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import (
    AMOUNT_MINOR_MAX,
    CURRENCIES,
    MoneyError,
    check_minor,
    exponent,
    format_minor,
    parse_minor,
    split,
)

AMOUNTS = st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX)
WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any)
SOME_CURRENCIES = st.sampled_from(("JPY", "EUR", "USD", "KWD", "BHD", "KRW"))


def shares_of(weights: list[int]) -> list[Fraction]:
    """Return shares in proportion to whole weights."""
    return [Fraction(weight, sum(weights)) for weight in weights]


@given(AMOUNTS, WEIGHTS)
def test_parts_sum_to_the_amount(amount: int, weights: list[int]) -> None:
    assert sum(split(amount, shares_of(weights))) == amount


@given(AMOUNTS, WEIGHTS)
def test_a_split_is_sign_symmetric(amount: int, weights: list[int]) -> None:
    shares = shares_of(weights)
    assert split(-amount, shares) == [-part for part in split(amount, shares)]


@given(AMOUNTS, WEIGHTS)
def test_each_part_is_within_one_unit_of_its_exact_share(amount: int, weights: list[int]) -> None:
    shares = shares_of(weights)
    for part, share in zip(split(amount, shares), shares, strict=True):
        assert abs(part - amount * share) < 1
        assert share or part == 0


@given(SOME_CURRENCIES, st.integers(-(10**12), 10**12), WEIGHTS)
def test_a_split_amount_reads_back_in_every_exponent(
    currency: str, amount: int, weights: list[int]
) -> None:
    shown = [format_minor(part, currency) for part in split(amount, shares_of(weights))]
    assert sum(parse_minor(text, currency) for text in shown) == amount


@given(
    SOME_CURRENCIES,
    st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", fullmatch=True)
    | st.from_regex(r"-?[0-9]{1,9}\.[0-9]{0,2}0{1,4}", fullmatch=True),
)
def test_parsing_agrees_with_decimal_arithmetic(currency: str, text: str) -> None:
    exact = Decimal(text).scaleb(exponent(currency))
    if exact == exact.to_integral_value() and abs(exact) <= AMOUNT_MINOR_MAX:
        assert parse_minor(text, currency) == exact
    else:
        with pytest.raises(MoneyError):
            parse_minor(text, currency)


def test_ties_go_to_the_earlier_share() -> None:
    third = [Fraction(1, 3)] * 3
    assert split(100, third) == [34, 33, 33]
    assert split(-101, third) == [-34, -34, -33]
    assert split(0, third) == [0, 0, 0]


@pytest.mark.parametrize(
    "shares", [[], [Fraction(1, 2)], [Fraction(3, 2), Fraction(-1, 2)], [Fraction(1), Fraction(1)]]
)
def test_shares_that_are_no_partition_are_refused(shares: list[Fraction]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        split(100, shares)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("49.90", "EUR", 4990),
        ("49.9", "EUR", 4990),
        ("10.000", "EUR", 1000),
        ("-0.01", "USD", -1),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("0", "BHD", 0),
    ],
)
def test_parse(text: str, currency: str, minor: int) -> None:
    assert parse_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("49.905", "EUR"),
        ("0.5", "JPY"),
        ("1e3", "EUR"),
        ("1,50", "EUR"),
        (" 1", "EUR"),
        ("١", "EUR"),
        ("NaN", "EUR"),
        ("", "EUR"),
        ("1", "XYZ"),
        ("1", "XXX"),
        ("1", "XAU"),
        ("1", "USN"),
        ("1", "DEM"),
        ("1", "eur"),
        ("99999999999999", "EUR"),
    ],
)
def test_parse_refuses(text: str, currency: str) -> None:
    with pytest.raises(MoneyError):
        parse_minor(text, currency)


def test_the_currencies_are_those_that_people_pay_with() -> None:
    assert {"EUR", "USD", "JPY", "XAF", "XCD", "XOF", "XPF", "KWD", "CHF"} <= CURRENCIES
    special = "XXX XTS XBA XBB XBC XBD XAU XAG XPD XPT XDR XSU XUA XEU XFO XFU XRE"
    funds = "BOV CHE CHW CLF COU MXV USN USS UYI UYW CNH"
    past = "DEM FRF HRK ITL VEF ZWL"
    assert CURRENCIES.isdisjoint(f"{special} {funds} {past} IMP TVD".split())
    assert {code for code in CURRENCIES if code.startswith("X")} == {"XAF", "XCD", "XOF", "XPF"}
    # Amounts that were stored before are still shown.
    assert format_minor(150, "HRK") == "1.50"


def test_exponents_and_bounds() -> None:
    assert [exponent(c) for c in ("JPY", "EUR", "KWD")] == [0, 2, 3]
    assert [format_minor(-5, c) for c in ("JPY", "EUR", "KWD")] == ["-5", "-0.05", "-0.005"]
    assert check_minor(-AMOUNT_MINOR_MAX) == -AMOUNT_MINOR_MAX
    with pytest.raises(MoneyError):
        check_minor(AMOUNT_MINOR_MAX + 1)
