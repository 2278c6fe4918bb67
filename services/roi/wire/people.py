"""Bodies and answers of creators, campaigns and placements.

Promise: money is stored as minor units and currency; free words are stored in lower case.
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
from shared.api.shapes import Moment, MoneyIn, MoneyOut, StrictModel

# More than the number of people: a greater value is a typing error.
FOLLOWERS_MAX: Final = 10_000_000_000
# A week. The longest live streams run for some days; a greater value is a typing error.
LENGTH_SECONDS_MAX: Final = 604_800
# An audience profile has shares by country, age and so on, in the customer's own shape.
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
    """The platform, such as `instagram`."""
    handle: Name
    """The name of the account."""
    followers: Annotated[int, Field(strict=True, ge=0, le=FOLLOWERS_MAX)] | None = None
    """How many follow it."""


class CreatorBody(Named):
    """A creator as sent."""

    name: Name
    """The creator's name."""
    handle: Name | None = None
    """The handle that people know, such as `@mia`."""
    platform_accounts: Annotated[list[PlatformAccount], Field(max_length=LIST_ITEMS_MAX)] = Field(
        default_factory=list
    )
    """The creator's accounts on platforms."""
    country: Country | None = None
    """The creator's country, as two letters of ISO 3166."""
    topics: Words = Field(default_factory=list)
    """What the creator talks about."""
    audience: Audience | None = None
    """Data on the audience, in your own shape."""


class CreatorAnswer(Stored):
    """A creator as answered."""

    name: str
    """The creator's name."""
    handle: str | None
    """The handle that people know, such as `@mia`."""
    platform_accounts: list[PlatformAccount]
    """The creator's accounts on platforms."""
    country: str | None
    """The creator's country, as two letters of ISO 3166."""
    topics: list[str]
    """What the creator talks about."""
    audience: JsonObject | None
    """Data on the audience, in your own shape."""
    automatic_placement_id: str
    """The placement that gets credit for links and codes that name none."""


class CampaignBody(Named):
    """A campaign as sent. `budget` has its own `currency` or the workspace's."""

    name: Name
    """The campaign's name."""
    objective: Word | None = None
    """What the campaign is for, such as `sales`."""
    starts_on: LocalDate | None = None
    """The first local day."""
    ends_on: LocalDate | None = None
    """The last local day."""
    budget: MoneyIn | None = None
    """What may be spent."""
    currency: str | None = None
    """The currency of the budget, where it names none of its own."""


class CampaignAnswer(Stored):
    """A campaign as answered."""

    name: str
    """The campaign's name."""
    objective: str | None
    """What the campaign is for, such as `sales`."""
    starts_on: LocalDate | None
    """The first local day."""
    ends_on: LocalDate | None
    """The last local day."""
    budget: MoneyOut | None
    """What may be spent."""


class PlacementBody(Named):
    """A placement as sent."""

    creator_id: EntityId | None = None
    """The creator whose content it is; null for the brand's own."""
    campaign_id: EntityId | None = None
    """The campaign that it belongs to."""
    platform: Word
    """Where it is published, such as `instagram`."""
    content_type: Word | None = None
    """What kind of content it is, such as `reel` or `story`."""
    length_seconds: Annotated[int, Field(strict=True, ge=1, le=LENGTH_SECONDS_MAX)] | None = None
    """How many seconds it runs; null for what has no length, such as a picture."""
    format: Word | None = None
    """The format, such as `vertical_video`."""
    planned_at: Moment | None = None
    """When it should be published."""
    published_at: Moment | None = None
    """When it was published."""
    url: WebUrl | None = None
    """The address of the content."""
    cta: Note | None = None
    """The call to action in it."""
    topics: Words = Field(default_factory=list)
    """What it is about."""
    is_brand: Flag = False
    """Whether the brand itself made it."""


def _refuse_a_date(value: object) -> object:
    del value
    raise ValueError(
        "the owner of a placement cannot change from a date on. Create a new placement and give it"
        " the link (PATCH the link with placement_id and valid_from) or the code (end it with"
        " valid_to and create a code for the new placement). A correction without valid_from"
        " changes the past"
    )


# `valid_from` in a PATCH of a placement: every value is refused. The OpenAPI document omits it.
NeverDated = Annotated[SkipJsonSchema[Any], BeforeValidator(_refuse_a_date)]


class PlacementAnswer(Stored):
    """A placement as answered. `automatic`: a creator's "always on" placement."""

    creator_id: str | None
    """The creator whose content it is; null for the brand's own."""
    campaign_id: str | None
    """The campaign that it belongs to."""
    platform: str | None
    """Where it is published, such as `instagram`."""
    content_type: str | None
    """What kind of content it is, such as `reel` or `story`."""
    length_seconds: int | None = None
    """How many seconds it runs; null for what has no length, such as a picture."""
    format: str | None
    """The format, such as `vertical_video`."""
    planned_at: datetime | None
    """When it should be published."""
    published_at: datetime | None
    """When it was published."""
    url: str | None
    """The address of the content."""
    cta: str | None
    """The call to action in it."""
    topics: list[str]
    """What it is about."""
    is_brand: bool
    """Whether the brand itself made it."""
    automatic: bool
    """Whether it is a creator's automatic placement."""
