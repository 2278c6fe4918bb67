"""The cells of imports: what people write in sheets, as the API takes it. Pure.

Promise: a cell becomes exactly one value or a `CellRefused` that says what to write. Nothing is
guessed: 1,234 is refused, because it may be a thousand or one and a bit.
"""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

# As shops write them: a blank before the offset, and the word UTC.
_BLANK_BEFORE_OFFSET: Final = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_UTC_WORD: Final = re.compile(r"\s*UTC$")
SEND_TIME: Final = "send a time such as 2024-03-01T12:00:00Z, 2024-03-01 12:00:00 or 2024-03-01"
# A sheet writes 12 as 12.0 sometimes. With a separator of thousands it is unknown what 1.234 is.
_WHOLE: Final = re.compile(r"([0-9]{1,20})(\.0+)?", re.ASCII)
SEND_WHOLE: Final = "write a whole number without separators, such as 12500"
_SEND_AMOUNT: Final = "write an amount with a decimal point and without separators, such as 1250.50"
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SEND_FLAG: Final = "write yes or no"


class CellRefused(ValueError):
    """The text of a cell cannot be read; the message says what to write."""


def local_moment(text: str, zone: ZoneInfo) -> datetime:
    """Return a time in UTC; without an offset it is in `zone`. Raises `CellRefused`."""
    try:
        moment = datetime.fromisoformat(_UTC_WORD.sub("Z", _BLANK_BEFORE_OFFSET.sub("", text)))
        known = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        return known.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CellRefused(SEND_TIME) from None


def whole_number(text: str) -> int:
    """Return a whole number. Raises `CellRefused`."""
    whole = _WHOLE.fullmatch(text)
    if whole is None:
        raise CellRefused(SEND_WHOLE)
    return int(whole[1])


def amount(text: str) -> str:
    """Return the text of an amount of money, which the API parses. Raises `CellRefused`."""
    if not text.isascii() or "," in text or " " in text:
        raise CellRefused(_SEND_AMOUNT)
    return text


def flag(text: str) -> bool:
    """Return yes or no. Raises `CellRefused`."""
    found = _FLAGS.get(text.casefold())
    if found is None:
        raise CellRefused(_SEND_FLAG)
    return found


def words(text: str) -> list[str]:
    """Return the parts of a list, which semicolons or commas separate."""
    parts = text.split(";") if ";" in text else text.split(",")
    return [part.strip() for part in parts if part.strip()]


def choice(text: str) -> str:
    """Return a word of a vocabulary: `Paid boost` is `paid_boost`."""
    return "_".join(text.replace("-", " ").replace("_", " ").casefold().split())
