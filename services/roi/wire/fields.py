"""The types of single fields, and the base classes of bodies and answers.

Promise: an accepted value is stored as it will be shown: trimmed, free words in lower case, ids and
times in canonical form.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.roi.wire.destinations import canonical_url
from shared.api.shapes import AnswerModel, StrictModel, parse_moment
from shared.events import TEXT_LENGTH_MAX

# A name must fit in tables and legends; a note is one sentence or two.
NAME_CHARACTERS_MAX: Final = 200
NOTE_CHARACTERS_MAX: Final = 2_000
# Topics, accounts and origins are lists that people type. A longer list is a failed import.
LIST_ITEMS_MAX: Final = 50

# The grain of touch tallies. In every time zone, days begin on a quarter of an hour.
QUARTER: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BEGINS_WITH_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def parse_date(value: object) -> date:
    """Return a date from ISO 8601 text, between 1970 and 8999; ValueError when invalid."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("send a date such as 2026-03-01")
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise ValueError("this date does not exist") from None
    if not 1970 <= found.year < 9000:
        raise ValueError("the year must be between 1970 and 8999")
    return found


def quarter_of(moment: datetime) -> datetime:
    """Return the start of the quarter of an hour that contains a moment, in UTC quarters."""
    return moment - (moment - _EPOCH) % QUARTER


def parse_day_or_time(value: object) -> date | datetime:
    """Return a date, or a time on a whole quarter of an hour with the offset as sent.

    Raises ValueError for anything else.
    """
    if not isinstance(value, str) or _DATE.fullmatch(value):
        return parse_date(value)
    if not _BEGINS_WITH_DATE.match(value):
        raise ValueError("send a date such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z")
    parse_moment(value)
    moment = datetime.fromisoformat(value.upper())
    before = quarter_of(moment)
    if before != moment:
        after = before + QUARTER
        raise ValueError(
            "clicks are counted by whole quarters of an hour:"
            f" send {before.isoformat()} or {after.isoformat()}"
        )
    return moment


def wrong_part(part: str, sentence: str) -> ValidationError:
    """Return the error to raise in a field's validator when one part of the value is wrong.

    pydantic puts the name of the field before `part`: `stages` and `click` give `stages.click`.
    """
    problem = PydanticCustomError("wrong_part", "{sentence}", {"sentence": sentence})
    return ValidationError.from_exception_data(
        "field", [InitErrorDetails(type=problem, loc=(part,), input=None)]
    )


def canonical_id(value: str) -> str:
    """Return an id in canonical form; ValueError when it is not an id."""
    if not _ID.fullmatch(value):
        raise ValueError("this is not an id")
    return str(UUID(value))


def _shown(value: str) -> str:
    # Bytes of a path that are not UTF-8 become the replacement character, so two different ids
    # could become the same text.
    if not value.isprintable() or "\ufffd" in value:
        raise ValueError("holds characters that cannot be shown")
    return value


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_CHARACTERS_MAX),
    AfterValidator(_shown),
]
Word = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, min_length=1, max_length=TEXT_LENGTH_MAX
    ),
    AfterValidator(_shown),
]
Note = Annotated[str, StringConstraints(max_length=NOTE_CHARACTERS_MAX)]
ExternalId = Annotated[
    str, StringConstraints(min_length=1, max_length=TEXT_LENGTH_MAX), AfterValidator(_shown)
]
EntityId = Annotated[
    str, AfterValidator(canonical_id), WithJsonSchema({"type": "string", "format": "uuid"})
]
LocalDate = Annotated[
    date, BeforeValidator(parse_date), WithJsonSchema({"type": "string", "format": "date"})
]
DayOrTime = Annotated[
    date | datetime,
    PlainValidator(parse_day_or_time),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
            ]
        }
    ),
]
WebUrl = Annotated[
    str, AfterValidator(canonical_url), WithJsonSchema({"type": "string", "format": "uri"})
]
Words = Annotated[list[Word], Field(max_length=LIST_ITEMS_MAX)]
Flag = Annotated[bool, Field(strict=True)]
JsonObject = dict[str, Any]


class Named(StrictModel):
    """The base class of bodies: every object may have an external id."""

    external_id: ExternalId | None = None
    """Your own id of the object, unique among objects of its kind."""


class Stored(AnswerModel):
    """The base class of answers. `deleted_at` is set when the object is archived."""

    id: str
    """Laurel's id of the object."""
    external_id: str | None = None
    """Your own id of the object."""
    created_at: datetime
    """When it was made."""
    deleted_at: datetime | None = None
    """When it was archived; null while it is in use."""
