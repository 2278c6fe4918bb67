"""The HTTP body of a survey answer, and the claim it gives.

Promise: an answer names at most one creator or placement, and has words if it names nothing.
"""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from typing_extensions import override

from services.tracking.domain.claims import TouchClaim
from services.tracking.wire.event_bodies import ClaimToken, Text, not_blank
from services.tracking.wire.touch_bodies import Id, TouchIn
from shared.http.problems import field_problem

ANSWER_LENGTH_MAX: Final = 500  # what a person types into a field of a form
AnswerText = Annotated[
    str, Field(min_length=1, max_length=ANSWER_LENGTH_MAX), AfterValidator(not_blank)
]
# Whom or what an answer may name by id.
_NAMED: Final = ("creator_id", "placement_id")


class SurveyedIn(TouchIn):
    """A person answered the question how they heard of the brand."""

    type: Literal["surveyed"]
    """A survey answer."""
    order_id: Text | None = None
    """The purchase that the question belonged to. The answer counts for it if it was given up to 7
    days after it; of several answers the latest counts."""
    answer: AnswerText | None = None
    """The answer in the person's own words. The name or a handle of a creator names this creator;
    other words are sealed, and listed under `unmatched_surveys` of `GET /v1/attention`."""
    creator_id: Id | None = None
    """The creator that the person named."""
    placement_id: Id | None = None
    """The placement that the person named."""
    platform: Text | None = None
    """The platform that the person named. It earns nobody credit."""
    claim_token: ClaimToken | None = None
    """The claim token of the order. The answer of a public key counts only with it."""

    @override
    def claim(self) -> TouchClaim:
        """Return the claim. Raises the 422 that names a missing or superfluous field."""
        named = [name for name in _NAMED if getattr(self, name) is not None]
        if not named and self.answer is None and self.platform is None:
            raise field_problem("answer", "give answer, creator_id, placement_id or platform")
        if len(named) > 1:
            raise field_problem("placement_id", "give creator_id or placement_id, not both")
        return super().claim()
