"""The types of single fields: names, free words, ids, dates, addresses, and what every stored object answers.

Promise: what passes is stored as it will be shown: trimmed, words in lower case, ids and times in their one spelling.
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

# A name is shown in tables and legends; a note is a sentence or two of a person.
NAME_CHARACTERS_MAX: Final = 200
NOTE_CHARACTERS_MAX: Final = 2_000
# Lists that people type: topics, accounts, origins. Longer ones are imports gone wrong.
LIST_ITEMS_MAX: Final = 50

# The grain of touch tallies; every time zone's days begin and end on one.
QUARTER: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BEGINS_WITH_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def parse_date(value: object) -> date:
    """A date as ISO 8601 writes it, between 1970 and 8999."""
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
    """The beginning of the quarter of an hour that a moment lies in. Offsets are whole quarters, but one may send any."""
    return moment - (moment - _EPOCH) % QUARTER


def parse_day_or_time(value: object) -> date | datetime:
    """A date, or a time with offset on a whole quarter of an hour, with the offset that it was sent with."""
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
    """The error to raise in the validator of a field when one part of its value is wrong.

    pydantic puts the place of the field before `part`: `stages` and `click` give `stages.click`.
    """
    problem = PydanticCustomError("wrong_part", "{sentence}", {"sentence": sentence})
    return ValidationError.from_exception_data(
        "field", [InitErrorDetails(type=problem, loc=(part,), input=None)]
    )


def canonical_id(value: str) -> str:
    """An id in its one spelling; ValueError when it cannot be one."""
    if not _ID.fullmatch(value):
        raise ValueError("this is not an id")
    return str(UUID(value))


def _shown(value: str) -> str:
    # The replacement character stands where a path's bytes were no UTF-8: two such texts would become one.
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
    """What every body may hold."""

    external_id: ExternalId | None = None
    """Your own id of the object, unique among objects of its kind."""


class Stored(AnswerModel):
    """What every answered object holds. `deleted_at` is set once it is archived."""

    id: str
    """Laurel's id of the object."""
    external_id: str | None = None
    """Your own id of the object."""
    created_at: datetime
    """When it was made."""
    deleted_at: datetime | None = None
    """When it was archived; null while it is in use."""
