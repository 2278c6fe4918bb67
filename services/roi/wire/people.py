"""Bodies and answers of creators, campaigns and placements.

Promise: money stands as minor units and currency once stored; free words are in lower case.
"""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from services.roi.wire.fields import (
    LIST_ITEMS_MAX,
    EntityId,
    Flag,
    JsonObject,
    LocalDate,
    Name,
    Named,
    Note,
    Stored,
    WebUrl,
    Word,
    Words,
)
from shared.http.wire import Moment, MoneyIn, MoneyOut, StrictModel

# Beyond the number of people alive: a typing error.
FOLLOWERS_MAX: Final = 10_000_000_000
# An audience profile is shares by country, age and the like; its shape is the customer's.
AUDIENCE_ENTRIES_MAX: Final = 200


def _small(value: JsonObject) -> JsonObject:
    if len(value) > AUDIENCE_ENTRIES_MAX:
        raise ValueError(f"holds more than {AUDIENCE_ENTRIES_MAX} entries")
    return value


Country = Annotated[
    str, StringConstraints(strip_whitespace=True, to_upper=True, pattern="^[A-Za-z]{2}$")
]
Audience = Annotated[dict[str, Any], AfterValidator(_small)]


class PlatformAccount(StrictModel):
    """A creator's account on one platform."""

    platform: Word
    handle: Name
    followers: Annotated[int, Field(strict=True, ge=0, le=FOLLOWERS_MAX)] | None = None


class CreatorBody(Named):
    """A creator as sent."""

    name: Name
    handle: Name | None = None
    platform_accounts: Annotated[list[PlatformAccount], Field(max_length=LIST_ITEMS_MAX)] = Field(
        default_factory=list
    )
    country: Country | None = None
    topics: Words = Field(default_factory=list)
    audience: Audience | None = None


class CreatorAnswer(Stored):
    """A creator as answered."""

    name: str
    handle: str | None
    platform_accounts: list[PlatformAccount]
    country: str | None
    topics: list[str]
    audience: JsonObject | None
    automatic_placement_id: str


class CampaignBody(Named):
    """A campaign as sent. `budget` has its own `currency` or the workspace's."""

    name: Name
    objective: Word | None = None
    starts_on: LocalDate | None = None
    ends_on: LocalDate | None = None
    budget: MoneyIn | None = None
    currency: str | None = None


class CampaignAnswer(Stored):
    """A campaign as answered."""

    name: str
    objective: str | None
    starts_on: LocalDate | None
    ends_on: LocalDate | None
    budget: MoneyOut | None


class PlacementBody(Named):
    """A placement as sent."""

    creator_id: EntityId | None = None
    campaign_id: EntityId | None = None
    platform: Word
    content_type: Word | None = None
    format: Word | None = None
    planned_at: Moment | None = None
    published_at: Moment | None = None
    url: WebUrl | None = None
    cta: Note | None = None
    topics: Words = Field(default_factory=list)
    is_brand: Flag = False


def _refuse_a_date(value: object) -> object:
    del value
    raise ValueError(
        "a placement never changes hands from a date on. Create a new placement and move its link"
        " (PATCH the link with placement_id and valid_from) or its code (end it with valid_to and"
        " create a row for the new placement). A correction without valid_from restates the past"
    )


# What a PATCH of a placement may say in `valid_from`: nothing. It is not in the document.
NeverDated = Annotated[SkipJsonSchema[Any], BeforeValidator(_refuse_a_date)]


class PlacementAnswer(Stored):
    """A placement as answered. `automatic`: a creator's "always on" placement."""

    creator_id: str | None
    campaign_id: str | None
    platform: str | None
    content_type: str | None
    format: str | None
    planned_at: datetime | None
    published_at: datetime | None
    url: str | None
    cta: str | None
    topics: list[str]
    is_brand: bool
    automatic: bool
