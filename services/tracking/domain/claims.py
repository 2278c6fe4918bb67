"""Claims: what callers report, as plain values between the parsed request and the rules.

Promise: amounts are minor units and times are aware UTC. Texts have no NUL and no surrogates and
are within their lengths. Values made per request are msgspec structs, because a frozen dataclass
is slower to make.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

from msgspec import Struct

from shared.code_texts import CodeText
from shared.events import (
    AdjustmentKind,
    ConversionKind,
    CountQuality,
    PrivacyTask,
    Quality,
    Source,
)
from shared.ids import MAIN_STORE, ClickIdContents


@dataclass(frozen=True, slots=True)
class Flaw:
    """One field of a claim and what is wrong with it."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A claim that cannot become an event, with at least one flaw.

    `topic` is the vendor's name for the kind of delivery that held the claim.
    """

    flaws: tuple[Flaw, ...]
    topic: str = ""


class Lookups(Protocol):
    """What the rules look up. Every answer comes from memory, at once."""

    def email_hash(self, workspace_id: str, email: str) -> str:
        """Return the keyed hash of an e-mail address."""
        ...

    def text_hash(self, workspace_id: str, text: str) -> str:
        """Return the keyed hash of a text that may name a person."""
        ...

    def is_code(self, workspace_id: str, code: CodeText) -> bool:
        """Return whether the catalog has this discount code."""
        ...

    def claim_token_hash(self, workspace_id: str, token: str) -> str:
        """Return the keyed hash of a claim token."""
        ...

    def proves(self, workspace_id: str, customer_id: str, proof: str) -> bool:
        """Return whether the proof of a customer id is right."""
        ...

    def click(self, click_id: str) -> ClickIdContents | None:
        """Return the contents of a click id; None when Laurel did not sign it."""
        ...

    def link_workspace(self, link_id: str) -> str | None:
        """Return the id of a link's workspace; None when the link is unknown."""
        ...

    def link_id(self, workspace_id: str, code: str) -> str | None:
        """Return the id of the workspace's link with that code; None when there is none."""
        ...

    def named_placement(self, workspace_id: str, words: str) -> str | None:
        """Return the automatic placement of the one creator with this name or handle.

        `words` is the result of `spoken_name`. None when no creator, or several, have it.
        """
        ...

    def sealed(self, workspace_id: str, text: str) -> str:
        """Return a text that a person wrote, sealed."""
        ...

    def store(self, workspace_id: str, named: str) -> str | None:
        """Return the store that a text names, as it is on events; None when it names none."""
        ...

    def has_several_stores(self, workspace_id: str) -> bool:
        """Return whether the workspace has more than one store in use."""
        ...

    def agent_flags(self, user_agent: str) -> tuple[Quality, ...]:
        """Return a flag when the user agent declares itself a crawler or a previewer."""
        ...


class Caller(Struct, frozen=True):
    """Who sent a claim, and when it arrived (`now`).

    `source_class` is part of event ids and separates the versions of different sources: the kind
    of the key, or the name of the vendor. `fresh_id` is a new id, for an event without any other
    identity. `retry_key` is the caller's Idempotency-Key, in a batch with the index of the event.
    `store` is the shop or till of the conversion; `flags` belong on each conversion and adjustment.
    """

    workspace_id: str
    source: Source
    source_class: str
    now: datetime
    fresh_id: str
    retry_key: str | None = None
    store: str = MAIN_STORE
    flags: tuple[Quality, ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether a public key sent it, which every visitor can read in the brand's pages."""
        return self.source.kind == "public"


# A shorter token could be guessed.
CLAIM_TOKEN_LENGTH_MIN: Final = 16


class PersonClaim(Struct, frozen=True):
    """Keys of a person as sent. The e-mail address is still in clear.

    `click_ids` are further values that may be a click id; the first genuine one counts. `proof`
    lets a page with a public key name the customer (see `proofs`).
    """

    visitor_id: str | None = None
    click_id: str | None = None
    customer_id: str | None = None
    email: str | None = None
    click_ids: tuple[str, ...] = ()
    proof: str | None = None


class ConversionClaim(Struct, frozen=True):
    """A conversion as sent. `natural_id` is the order id or conversion id.

    `version` orders the versions from one source, then `tie_break`; `version` None means the order
    of `occurred_at`. `cancelled`, `test`, `unpaid`, `customer_orders` and `history`: see
    `Converted`. The event id is made of `natural_key`. An adapter sets it where one source sends
    several versions of one conversion (for example order id and time of the update); None means
    `natural_id`. `claim_token` is in clear: a text of at least `CLAIM_TOKEN_LENGTH_MIN` characters
    that only the shop and the browser of the order know. `store` is the text with which the sender
    named the store of the order.
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
    claim_token: str | None = None
    store: str | None = None
    tie_break: tuple[int, ...] = ()
    cancelled: bool | None = None
    test: bool = False
    unpaid: bool = False
    customer_orders: int | None = None
    history: bool = False


class AdjustmentClaim(Struct, frozen=True):
    """An adjustment as sent. `capped` means at most the value that is left of the conversion.

    `version` orders the versions of one adjustment from one source. An adapter sets `natural_key`
    where it sends several of them; None means the ids of the conversion and of the adjustment.
    """

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
    store: str | None = None
    version: int = 0
    pending: bool = False
    natural_key: str | None = None


class NoticeClaim(Struct, frozen=True):
    """What a vendor sent that changes no figure; see `Noticed`. It happens when it arrives."""

    topic: str
    natural_key: str
    task: PrivacyTask | None = None
    reference: str | None = None


TouchType = Literal["clicked", "viewed", "visited", "engaged", "identified", "referred", "surveyed"]


class TouchClaim(Struct, frozen=True):
    """A touch or another piece of evidence, as sent. `type` decides which fields are set."""

    type: TouchType
    occurred_at: datetime
    person: PersonClaim = PersonClaim()
    event_id: str | None = None
    link: str = ""
    user_agent: str | None = None
    placement_id: str | None = None
    page: str | None = None
    action: str = ""
    product_id: str | None = None
    code: str = ""
    order_id: str | None = None
    answer: str | None = None
    creator_id: str | None = None
    platform: str | None = None
    claim_token: str | None = None
    store: str | None = None


class SocialClaim(Struct, frozen=True):
    """The counts of a placement until `as_of`, as sent, by name; `import_id`: of an import."""

    placement_id: str
    as_of: datetime
    source: str
    quality: CountQuality
    counts: Mapping[str, int]
    import_id: str | None = None


# What may name a store.
StoreReport = ConversionClaim | AdjustmentClaim | TouchClaim
# What a call by API key reports.
Report = StoreReport | SocialClaim
AnyClaim = StoreReport | NoticeClaim
