"""What callers claim: the plain values between the parsed request and the rules of intake.

Promise: amounts are minor units, times are aware UTC, texts have no NUL and no surrogates and are
within their lengths. What each request makes is a struct: a frozen dataclass is slower to make.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from shared.events import AdjustmentKind, ConversionKind, Quality, Source
from shared.ids import MAIN_STORE, ClickIdContents


@dataclass(frozen=True, slots=True)
class Flaw:
    """One field of a claim and what is wrong with it."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A claim that cannot become an event, with at least one flaw.

    `topic` is what a vendor calls the delivery that held the claim.
    """

    flaws: tuple[Flaw, ...]
    topic: str = ""


class Lookups(Protocol):
    """What the edge knows and the core may ask for: all of it in memory, none of it by a clock."""

    def email_hash(self, workspace_id: str, email: str) -> str:
        """The keyed hash under which an e-mail is known."""
        ...

    def click(self, click_id: str) -> ClickIdContents | None:
        """What a genuine click id says; None when it is not one of ours."""
        ...

    def link_workspace(self, link_id: str) -> str | None:
        """Whose a link is; None while it is unknown here."""
        ...

    def link_id(self, workspace_id: str, code: str) -> str | None:
        """The workspace's link with that code."""
        ...

    def agent_flags(self, user_agent: str) -> tuple[Quality, ...]:
        """Whether the agent declares itself a crawler or previewer."""
        ...


class Caller(Struct, frozen=True):
    """Who sent a claim and when it came.

    `source_class` stands in event ids and keeps the versions of different sources apart: the kind
    of the key, or the name of the vendor. `fresh_id` is minted for events that have no other
    identity. `retry_key` is the caller's Idempotency-Key, with its place in a batch. `store` is
    the shop or till that the claim is about.
    """

    workspace_id: str
    source: Source
    source_class: str
    now: datetime
    fresh_id: str
    retry_key: str | None = None
    store: str = MAIN_STORE


class PersonClaim(Struct, frozen=True):
    """Keys of a person as sent, the e-mail still in clear."""

    visitor_id: str | None = None
    click_id: str | None = None
    customer_id: str | None = None
    email: str | None = None


class ConversionClaim(Struct, frozen=True):
    """A conversion as sent. `natural_id` is the order id or conversion id.

    `version` orders the versions of one source; None means that `occurred_at` does. `natural_key`
    is what the event id is made of where one source has several versions of one conversion: an
    adapter says it (order, vendor's clock, ...). None means `natural_id`.
    """

    kind: ConversionKind
    natural_id: str
    occurred_at: datetime
    net_minor: int | None = None
    currency: str | None = None
    person: PersonClaim = PersonClaim()
    codes: tuple[str, ...] = ()
    new_customer: bool | None = None
    taxes_included: bool = False
    version: int | None = None
    natural_key: str | None = None


class AdjustmentClaim(Struct, frozen=True):
    """An adjustment as sent."""

    conversion_kind: ConversionKind
    natural_id: str
    adjustment_id: str
    kind: AdjustmentKind
    occurred_at: datetime
    amount_minor: int | None = None
    net_after_minor: int | None = None
    tax_minor: int = 0
    capped: bool = False
    currency: str | None = None


TouchType = Literal["clicked", "viewed", "visited", "engaged", "identified", "referred", "surveyed"]


class TouchClaim(Struct, frozen=True):
    """Evidence as sent; which fields are present depends on `type` and was checked by the wire."""

    type: TouchType
    occurred_at: datetime
    person: PersonClaim = PersonClaim()
    event_id: str | None = None
    link: str = ""
    user_agent: str | None = None
    placement_id: str = ""
    page: str | None = None
    action: str = ""
    product_id: str | None = None
    code: str = ""


AnyClaim = ConversionClaim | AdjustmentClaim | TouchClaim
