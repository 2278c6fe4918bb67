"""The body of one report of social counts, and the claim it gives.

Promise: a report has at least one count, and a count that is left out stays missing. A report that
is withdrawn has none: nothing counts any more that its source told for this moment. What can go
wrong: a count that is no whole number from 0 to `COUNT_MAX` is a 422 that names it.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from services.tracking.domain.claims import SocialClaim
from services.tracking.wire.event_bodies import Text
from services.tracking.wire.touch_bodies import Id
from shared.api.openapi import example_id
from shared.api.shapes import Moment, StrictModel
from shared.credits import COUNT_NAMES
from shared.events import COUNT_MAX, CountQuality
from shared.http.problems import field_problem

Count = Annotated[int, Field(strict=True, ge=0, le=COUNT_MAX)]


class SocialIn(StrictModel):
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
    source: Text
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
    withdrawn: Annotated[bool, Field(strict=True)] = False
    """Whether what this source told of this placement for this moment was wrong: no counts are sent
    then, and none of its counts for this moment is used. A report that comes again counts again."""

    def claim(self) -> SocialClaim:
        """Return the claim. Raises the 422 of a report without any count, or with too many."""
        sent = {name: getattr(self, name) for name in COUNT_NAMES}
        counts = {name: count for name, count in sent.items() if count is not None}
        if counts and self.withdrawn:
            raise field_problem(next(iter(counts)), "a report that is withdrawn has no counts")
        if not counts and not self.withdrawn:
            raise field_problem("views", f"give at least one of {', '.join(COUNT_NAMES)}")
        return SocialClaim(self.placement_id, self.as_of, self.source, self.quality, counts)
