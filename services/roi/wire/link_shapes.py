"""Bodies and answers of links and discount codes."""

import unicodedata
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from services.roi.domain.link_codes import check_link_code
from services.roi.wire.fields import EntityId, Flag, Named, Stored, WebUrl
from shared.api.shapes import AnswerModel, Moment
from shared.code_texts import code_text
from shared.events import TEXT_LENGTH_MAX


def _comparable(value: str) -> str:
    """Check the code in the form in which it is compared: not empty, and it fits in an event."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise ValueError("holds characters that cannot be shown")
    if not 1 <= len(code_text(value).text) <= TEXT_LENGTH_MAX:
        raise ValueError(f"must have 1 to {TEXT_LENGTH_MAX} characters")
    return value


LinkCode = Annotated[str, AfterValidator(check_link_code)]
DiscountCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LENGTH_MAX),
    AfterValidator(_comparable),
]


class LinkBody(Named):
    """A link as sent: of a placement, or of a creator through the automatic placement."""

    placement_id: EntityId | None = None
    """The placement that the link belongs to. Give this or `creator_id`."""
    creator_id: EntityId | None = None
    """The creator that the link belongs to, through the automatic placement."""
    destination: WebUrl
    """The address that the link leads to. It is stored in its canonical form."""
    code: LinkCode | None = None
    """The short code in the link's address; generated when left out. It never changes."""
    enabled: Flag = True
    """Whether the link works; a disabled one answers 410."""


class LinkPeriodAnswer(AnswerModel):
    """One period of a link with its owner."""

    valid_from: datetime | None
    """From when on this owner holds; null is from the beginning."""
    valid_to: datetime | None
    """Until when this owner holds (exclusive); null is without end."""
    placement_id: str | None
    """The placement that owns the link in this period."""
    creator_id: str | None
    """The creator that owns the link in this period."""


class LinkAnswer(Stored):
    """A link as answered; owner fields are those of its last period."""

    placement_id: str | None
    """The placement that owns the link in its last period."""
    creator_id: str | None
    """The creator that owns the link in its last period."""
    destination: str
    """The address that the link leads to, in its canonical form."""
    code: str
    """The short code in the link's address."""
    short_url: str
    """The link as it is published."""
    enabled: bool
    """Whether the link works; a disabled one answers 410."""
    periods: list[LinkPeriodAnswer]
    """The owners of the link over time, oldest first."""


class CodeBody(Named):
    """A discount code as sent: its owner in `[valid_from, valid_to)`; null is unbounded."""

    code: DiscountCode
    """The discount code as shoppers type it. Case and spelling of accents make no difference."""
    creator_id: EntityId
    """The creator who published the code."""
    placement_id: EntityId | None = None
    """The placement that the code belongs to; else the creator's automatic one."""
    valid_from: Moment | None = None
    """From when on the code is the creator's; null is from the beginning."""
    valid_to: Moment | None = None
    """Until when (exclusive); null is without end."""


class CodeAnswer(Stored):
    """A discount code as answered."""

    code: str
    """The discount code as shoppers type it. Case and spelling of accents make no difference."""
    creator_id: str
    """The creator who published the code."""
    placement_id: str | None
    """The placement that the code belongs to; else the creator's automatic one."""
    valid_from: datetime | None
    """From when on the code is the creator's; null is from the beginning."""
    valid_to: datetime | None
    """Until when (exclusive); null is without end."""
