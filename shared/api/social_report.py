"""One report of social counts, as `POST /v1/social` takes it and an import of counts answers it.

Promise: a count that is left out stays missing.
What can go wrong: a count that is no whole number from 0 to `COUNT_MAX` is a 422 that names it.
"""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from shared.api.openapi import example_id
from shared.api.shapes import Moment, StrictModel
from shared.events import COUNT_MAX, TEXT_LENGTH_MAX, CountQuality
from shared.ids import clean_id

Count = Annotated[int, Field(strict=True, ge=0, le=COUNT_MAX)]
Id = Annotated[str, Field(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
SourceName = Annotated[
    str, Field(min_length=1, max_length=TEXT_LENGTH_MAX), AfterValidator(clean_id)
]


class SocialReport(StrictModel):
    """The counts of one placement from its beginning until `as_of`, as one source tells them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "placement_id": example_id("placement"),
                    "as_of": "2026-03-02T09:00:00Z",
                    "source": "Instagram",
                    "quality": "observed",
                    "views": 12_500,
                    "likes": 830,
                }
            ]
        }
    )

    placement_id: Id
    """The placement that was counted."""
    as_of: Moment
    """The time until which was counted: a time with its UTC offset, not in the future."""
    source: SourceName
    """Who counted, such as the platform, an agency, or the name of an export. Of several sources
    of one count, one counts: observed before manual before estimated, then the one that was
    counted last."""
    quality: CountQuality
    """How the counts came about: `observed` was read from the platform, `manual` was typed in by a
    person, `estimated` was computed."""
    impressions: Count | None = None
    """How often it was shown, repeats included."""
    reach: Count | None = None
    """How many people it was shown to. Added over placements it is gross: each counts its own."""
    views: Count | None = None
    """How often it was viewed, by the platform's own rule."""
    watch_seconds: Count | None = None
    """How long it was watched by all together, in seconds."""
    likes: Count | None = None
    """How many likes it has."""
    comments: Count | None = None
    """How many comments it has."""
    shares: Count | None = None
    """How often it was shared."""
    saves: Count | None = None
    """How often it was saved."""
    link_taps: Count | None = None
    """How often its link was tapped, by the platform's count."""
    followers_gained: Count | None = None
    """How many people began to follow the account from it."""
    import_id: Id | None = None
    """The import that the report belongs to, as `POST /v1/imports/social` answers it. When that
    import is undone, the report does not count any more, also if it arrives later."""
