"""The HTTP bodies of touches and other evidence in `POST /v1/events`, and the claims they give.

Promise: a body has the fields of its `type` and no others. An event of the same name in
`shared/events.py` says what becomes of it.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from services.tracking.domain.claims import TouchClaim, TouchType
from services.tracking.wire.event_bodies import (
    CodeText,
    PersonIn,
    StoreName,
    Text,
    person_claim,
)
from shared.api.shapes import Moment, StrictModel

AGENT_LENGTH_MAX: Final = 2_048
PAGE_LENGTH_MAX: Final = 2_048

Id = Annotated[str, Field(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class TouchIn(StrictModel):
    """The fields that all other events have."""

    type: TouchType
    """The kind of the event."""
    event_id: Text | None = None
    """Your own id of the event. A second event with this id counts as the same one."""
    occurred_at: Moment
    """When it happened: a time with its UTC offset. With a public key, a time that is more than
    5 minutes off is replaced by the time at which the event was received."""
    person: PersonIn | None = None
    """The keys of the person, as far as you know them."""
    store: StoreName | None = None
    """The store whose customer `person.customer_id` is: its id, its external id, or its name. The
    default is `main`."""

    def claim(self) -> TouchClaim:
        """Return the claim. Its fields have the same names as the fields of this type."""
        sent = {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in ("type", "person")
        }
        return TouchClaim(type=self.type, person=person_claim(self.person), **sent)


class ClickedIn(TouchIn):
    """A click, reported by a server of the brand."""

    type: Literal["clicked"]
    """A click."""
    link: Text
    """The short code of the link."""
    user_agent: Annotated[str, Field(max_length=AGENT_LENGTH_MAX)] | None = None
    """The browser's User-Agent header. Clicks of crawlers do not count."""


class ViewedIn(TouchIn):
    """A person saw a placement."""

    type: Literal["viewed"]
    """A view."""
    placement_id: Id
    """The placement that was seen."""


class VisitedIn(TouchIn):
    """A person opened a page of the brand."""

    type: Literal["visited"]
    """A visit."""
    page: Annotated[str, Field(max_length=PAGE_LENGTH_MAX)] | None = None
    """The address of the page. A click id in it counts as the person's."""


class EngagedIn(TouchIn):
    """A person did something that is not a conversion."""

    type: Literal["engaged"]
    """An engagement."""
    action: Text
    """What the person did, such as `add_to_cart`."""
    product_id: Text | None = None
    """The product of the action."""


class IdentifiedIn(TouchIn):
    """Keys of one person seen together."""

    type: Literal["identified"]
    """An identification."""
    person: PersonIn
    """At least two keys of one person."""


class ReferredIn(TouchIn):
    """A person came with a referral code."""

    type: Literal["referred"]
    """A referral."""
    code: CodeText
    """The referral code."""
