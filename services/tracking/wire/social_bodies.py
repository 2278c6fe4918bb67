"""The body of one report of social counts, and the claim it gives.

Promise: a report has at least one count. A report that is withdrawn has none: nothing counts any
more that its source told for this moment. What can go wrong: a 422 that names a count.
"""

from typing import Annotated

from pydantic import Field

from services.tracking.domain.claims import SocialClaim
from shared.api.social_report import SocialReport
from shared.credits import COUNT_NAMES
from shared.http.problems import field_problem


class SocialIn(SocialReport):
    """The counts of one placement from its beginning until `as_of`, as one source tells them."""

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
        return SocialClaim(
            self.placement_id, self.as_of, self.source, self.quality, counts, self.import_id
        )
