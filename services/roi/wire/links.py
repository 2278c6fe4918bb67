"""Bodies and answers of links and discount codes."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from services.roi.domain.link_codes import check_link_code
from services.roi.wire.fields import EntityId, Flag, Named, Stored, WebUrl
from shared.catalog import normalise_code
from shared.events import TEXT_LENGTH_MAX
from shared.http.wire import AnswerModel, Moment


def _comparable(value: str) -> str:
    """A code must still be there, and no longer than an event may carry, after the form in which it is compared."""
    if not value.isprintable():
        raise ValueError("holds characters that cannot be shown")
    if not 1 <= len(normalise_code(value)) <= TEXT_LENGTH_MAX:
        raise ValueError(f"must have 1 to {TEXT_LENGTH_MAX} characters")
    return value


LinkCode = Annotated[str, AfterValidator(check_link_code)]
DiscountCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LENGTH_MAX),
    AfterValidator(_comparable),
]


class LinkBody(Named):
    """A link as sent: of a placement, or of a creator (then of the automatic placement). `enabled` false answers 410."""

    placement_id: EntityId | None = None
    creator_id: EntityId | None = None
    destination: WebUrl
    code: LinkCode | None = None
    enabled: Flag = True


class LinkPeriodAnswer(AnswerModel):
    """Whose the link is from when to when."""

    valid_from: datetime | None
    valid_to: datetime | None
    placement_id: str | None
    creator_id: str | None


class LinkAnswer(Stored):
    """A link as answered; owner fields are those of its last period."""

    placement_id: str | None
    creator_id: str | None
    destination: str
    code: str
    short_url: str
    enabled: bool
    periods: list[LinkPeriodAnswer]


class CodeBody(Named):
    """A discount code as sent: whose it is in `[valid_from, valid_to)`; null is unbounded."""

    code: DiscountCode
    creator_id: EntityId
    placement_id: EntityId | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None


class CodeAnswer(Stored):
    """A discount code as answered."""

    code: str
    creator_id: str
    placement_id: str | None
    valid_from: datetime | None
    valid_to: datetime | None
