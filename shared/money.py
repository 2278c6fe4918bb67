"""Money as integer minor units of an ISO 4217 currency: parse, format, and split exactly.

Promise: there is no float. The parts of `split` always sum to the amount. What can go wrong:
`parse_minor` raises `MoneyError` with a sentence that says what to send.
"""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import moneyed

# A bigint column of the ledger holds 2^63 - 1. One conversion may use a millionth of that, so the
# sum of a million of the largest conversions still fits.
AMOUNT_MINOR_MAX: Final = (2**63 - 1) // 1_000_000

_DECIMAL: Final = re.compile(r"(-?\d{1,15})(?:\.(\d{1,6}))?", re.ASCII)
_ISO_CODE: Final = re.compile(r"[A-Z]{3}", re.ASCII)
# No shop sells in these. The library gives them a country: units of account and of bonds of one
# country, and the market of one currency outside its country.
_NOT_IN_SHOPS: Final = frozenset(
    {"BOV", "CHE", "CHW", "CLF", "CNH", "COU", "MXV", "USN", "UYI", "UYW"}
)
# The library lists a currency of the past without a country, and metals, test codes and units of
# account of banks with one of these.
_NO_COUNTRY: Final = re.compile(r"UNKNOWN REGION|ZZ.*")


def _is_in_use(code: str, countries: Sequence[str]) -> bool:
    """Return whether people pay with the currency in a country today."""
    named = [country for country in countries if not _NO_COUNTRY.fullmatch(country)]
    return bool(named) and code not in _NOT_IN_SHOPS


# The decimal places of every currency: what was stored in one of the past is still shown. Computed
# once, because a conversion needs the exponent several times.
_EXPONENTS: Final = {
    code: len(str(currency.sub_unit)) - 1
    for code, currency in moneyed.CURRENCIES.items()
    if _ISO_CODE.fullmatch(code)
}
# The currencies that callers may send.
CURRENCIES: Final = frozenset(
    code for code in _EXPONENTS if _is_in_use(code, moneyed.CURRENCIES[code].countries)
)


class MoneyError(ValueError):
    """The text is not an amount of that currency; the message says what to send."""


def exponent(currency: str) -> int:
    """Return the decimal places of a currency (JPY 0, EUR 2); `MoneyError` if it is not in use."""
    if currency not in CURRENCIES:
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency in use, send one like 'EUR'")
    return _EXPONENTS[currency]


def minor_decimals(currency: str) -> int:
    """Return the decimal places of a stored currency, which may be one of the past."""
    return _EXPONENTS[currency]


def parse_minor(text: str, currency: str) -> int:
    """Return the minor units of a decimal string: `parse_minor("49.90", "EUR") == 4990`.

    More decimals than the currency has are refused, unless they are zeros ("10.000" EUR is 10).
    Raises `MoneyError`.
    """
    places = exponent(currency)
    parts = _DECIMAL.fullmatch(text)
    if parts is None:
        raise MoneyError("send a decimal string such as '49.90'")
    whole, decimals = parts[1], parts[2] or ""
    if decimals[places:].strip("0"):
        raise MoneyError(f"{currency} has {places} decimal places, '{text}' has more")
    # The sign and the digits without the point, at most 15 + 6.
    return check_minor(int(whole + decimals[:places].ljust(places, "0")))


def check_minor(amount_minor: int) -> int:
    """Return the amount; `MoneyError` when it is beyond `AMOUNT_MINOR_MAX`."""
    if abs(amount_minor) > AMOUNT_MINOR_MAX:
        raise MoneyError(f"the amount is beyond {AMOUNT_MINOR_MAX} minor units")
    return amount_minor


def format_minor(amount_minor: int, currency: str) -> str:
    """Return the decimal string of an amount: `format_minor(4990, "EUR") == "49.90"`.

    Amounts of the past may be in a currency that is no longer accepted.
    """
    places = _EXPONENTS[currency]
    return f"{Decimal(amount_minor).scaleb(-places):.{places}f}"


def split(amount_minor: int, shares: Sequence[Fraction]) -> list[int]:
    """Split an amount by shares that sum to 1; the parts sum to the amount exactly.

    Method: largest remainder (Hamilton's apportionment). It is sign-symmetric: the parts of -x are
    the negated parts of x, so a reversal cancels to zero. When remainders are equal the earlier
    share gets the unit, so callers pass the shares in a canonical order. Raises `ValueError` for
    shares that are negative or do not sum to 1.
    """
    common = math.lcm(*(share.denominator for share in shares))
    weights = [share.numerator * (common // share.denominator) for share in shares]
    if any(weight < 0 for weight in weights) or sum(weights) != common:
        raise ValueError("shares must be non-negative and sum to 1")
    sign = -1 if amount_minor < 0 else 1
    exact = [divmod(abs(amount_minor) * weight, common) for weight in weights]
    parts = [whole for whole, _ in exact]
    left = abs(amount_minor) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (-exact[i][1], i))
    for index in by_remainder[:left]:
        parts[index] += 1
    return [sign * part for part in parts]
