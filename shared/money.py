"""Money as integer minor units of an ISO 4217 currency: parse, show as a decimal string, split exactly.

Promise: no float ever; `split` loses and invents nothing. What can go wrong: `parse_minor` raises `MoneyError` with a sentence
for the person who sent the figure.
"""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import moneyed

# 2^63 - 1 is what the ledger's bigint columns hold; one conversion may use a millionth of that, so a
# workspace's sum of a million of the largest conversions still fits.
AMOUNT_MINOR_MAX: Final = (2**63 - 1) // 1_000_000

_DECIMAL: Final = re.compile(r"(-?\d{1,15})(?:\.(\d{1,6}))?", re.ASCII)
_ISO_CODE: Final = re.compile(r"[A-Z]{3}", re.ASCII)
# Looked up once: a conversion asks for its currency's several times.
_EXPONENTS: Final = {
    code: len(str(currency.sub_unit)) - 1
    for code, currency in moneyed.CURRENCIES.items()
    if _ISO_CODE.fullmatch(code)
}


class MoneyError(ValueError):
    """The text is not an amount of that currency; the message says what to send."""


def exponent(currency: str) -> int:
    """Decimal places of an ISO 4217 currency (JPY 0, EUR 2, KWD 3). Raises `MoneyError` for an unknown code."""
    places = _EXPONENTS.get(currency)
    if places is None:
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code, send one like 'EUR'")
    return places


def parse_minor(text: str, currency: str) -> int:
    """Minor units of a decimal string: `parse_minor("49.90", "EUR") == 4990`.

    More decimals than the currency has are refused unless they are zeros ("10.000" is ten euros).
    """
    places = exponent(currency)
    parts = _DECIMAL.fullmatch(text)
    if parts is None:
        raise MoneyError("send a decimal string such as '49.90'")
    whole, decimals = parts[1], parts[2] or ""
    if decimals[places:].strip("0"):
        raise MoneyError(f"{currency} has {places} decimal places, '{text}' has more")
    # The digits without the point, at most 15 + 6 of them; the sign stands before them.
    return check_minor(int(whole + decimals[:places].ljust(places, "0")))


def check_minor(amount_minor: int) -> int:
    """The amount itself when it is within `AMOUNT_MINOR_MAX`, else `MoneyError`."""
    if abs(amount_minor) > AMOUNT_MINOR_MAX:
        raise MoneyError(f"the amount is beyond {AMOUNT_MINOR_MAX} minor units")
    return amount_minor


def format_minor(amount_minor: int, currency: str) -> str:
    """The decimal string of an amount: `format_minor(4990, "EUR") == "49.90"`."""
    places = exponent(currency)
    return f"{Decimal(amount_minor).scaleb(-places):.{places}f}"


def split(amount_minor: int, shares: Sequence[Fraction]) -> list[int]:
    """Split an amount by shares that sum to 1, by largest remainder; the parts sum to the amount exactly.

    Sign-symmetric: the parts of −x are the negated parts of x, so a reversal cancels to zero. Ties of remainders go
    to the earlier share, so callers pass shares in a canonical order. Method: Hamilton's apportionment.
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
