"""The types of the core, all frozen: touches, edges, versions, adjustments, facts, decisions.

Promise: everything that `decide_scope` reads and returns is defined here, so the pipeline, the test
oracle and the explanations use the same types. All times are aware UTC; all money is minor units.
The types are structs: each event and each order makes several, and a frozen dataclass or a named
tuple takes three times as long or more.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final, Literal

from msgspec import Struct, field

from services.attribution.domain.reasons import Reason
from shared.catalog import CodePeriod, LinkPeriod, Policy
from shared.code_texts import CodeText
from shared.credits import CreditEntry, EvidenceClass, TouchKind
from shared.events import AdjustmentKind, ClickRef, ConversionKind, Quality, SourceKind, Stage
from shared.ids import MAIN_STORE

TRUSTED_SOURCES: Final[frozenset[SourceKind]] = frozenset(("edge", "webhook", "secret"))


def is_trusted_source(kind: SourceKind | None) -> bool:
    """Whether evidence of this source may join keys. Stored evidence without a source may not.

    The redirect (`edge`) saw its click itself. Any visitor of a page can use its public key.
    """
    return kind in TRUSTED_SOURCES


class Touch(Struct, frozen=True, gc=False):
    """Stored evidence that a person met a placement.

    `anon_key` is the key of the visitor, else of the click; it is None without consent, and the
    touch is then counted but never joined. `click_key` is the key of the click id. Exactly one of
    link, placement and code is set. `derived`: rebuilt from the click id of an order.
    """

    touch_id: str
    kind: TouchKind
    occurred_at: datetime
    anon_key: bytes | None
    click_key: bytes | None = None
    link_id: str | None = None
    placement_id: str | None = None
    code: CodeText | None = None
    quality: tuple[Quality, ...] = ()
    consent: bool = True
    derived: bool = False
    source_kind: SourceKind | None = None


class Edge(Struct, frozen=True, gc=False):
    """Two keys seen together on one event; `key_a` < `key_b`.

    An edge of an untrusted source is a tie between anonymous keys (see `ties`).
    """

    event_id: str
    key_a: bytes
    key_b: bytes
    source_kind: SourceKind | None = None


class ConversionKey(Struct, frozen=True, order=True, omit_defaults=True):
    """The identity of a conversion in a workspace. `store` is `main` or the id of another store.

    Stored decisions of the store `main` leave the store out.
    """

    kind: ConversionKind
    natural_id: str
    store: str = MAIN_STORE


class ConversionVersion(Struct, frozen=True, gc=False):
    """One version of a conversion from one source. `keys` are its person keys.

    `token` is the key of its claim token. The fields from `tie_break` on are those of
    `shared.events.Converted`.
    """

    event_id: str
    key: ConversionKey
    source_kind: SourceKind
    source_id: str
    version: int
    occurred_at: datetime
    net_minor: int | None
    currency: str | None
    codes: tuple[CodeText, ...] = ()
    keys: tuple[bytes, ...] = ()
    click_touch_id: str | None = None
    click: ClickRef | None = None
    new_customer: bool | None = None
    taxes_included: bool = False
    token: bytes | None = None
    tie_break: tuple[int, ...] = ()
    cancelled: bool | None = None
    test: bool = False
    unpaid: bool = False
    customer_orders: int | None = None
    history: bool = False
    received_at: datetime | None = None


class Adjustment(Struct, frozen=True, gc=False):
    """A later change of a net; the fields are those of `shared.events.OrderAdjusted`."""

    event_id: str
    key: ConversionKey
    adjustment_id: str
    kind: AdjustmentKind
    occurred_at: datetime
    amount_minor: int | None = None
    net_after_minor: int | None = None
    tax_minor: int = 0
    capped: bool = False
    currency: str | None = None
    source_kind: SourceKind | None = None
    source_id: str = ""
    version: int = 0
    pending: bool = False


class SurveyAnswer(Struct, frozen=True, gc=False):
    """What the buyer of one order answered. Without a placement it names no creator.

    `token` is the key of the claim token that it came with. An answer of a public key counts only
    with that of its order.
    """

    event_id: str
    key: ConversionKey
    occurred_at: datetime
    placement_id: str | None = None
    source_kind: SourceKind | None = None
    token: bytes | None = None


class Scope(Struct, frozen=True, gc=False):
    """All evidence that may matter for a set of conversions.

    `hubs` are keys with more than 50 distinct neighbours in the workspace; their edges may be
    missing here. `alone` are the conversions of dissolved components: they are decided from the
    keys that they carry themselves.
    """

    workspace_id: str
    touches: tuple[Touch, ...] = ()
    edges: tuple[Edge, ...] = ()
    versions: tuple[ConversionVersion, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    hubs: frozenset[bytes] = frozenset()
    alone: frozenset[ConversionKey] = frozenset()
    answers: tuple[SurveyAnswer, ...] = ()


class CatalogFacts(Struct, frozen=True, gc=False):
    """The catalog facts of one workspace that a scope needs.

    `placements` maps a placement to its creator, "" for content of the brand. `codes` maps a
    code to the periods of all its owners.
    """

    links: Mapping[str, tuple[LinkPeriod, ...]] = field(default_factory=dict)
    placements: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[CodeText, tuple[CodePeriod, ...]] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()


class Status(StrEnum):
    """The state of a conversion.

    A `test` order is a trial of the shop and never counts. A `history` order is from before Laurel:
    it is evidence that its customer has bought, and counts for nobody.
    """

    CREDITED = "credited"
    ORGANIC = "organic"
    AWAITING_ORDER = "awaiting_order"
    UNCONFIRMED = "unconfirmed"
    TEST = "test"
    HISTORY = "history"


class Candidate(Struct, frozen=True, gc=False):
    """One piece of evidence, kept or rejected.

    A code of an order has the touch id `code:<TEXT>:<placement id>`. `link_id` and `code` are those
    of the touch. `carried`: the order itself names it, by its click id or as its code.
    """

    touch_id: str
    kind: TouchKind
    placement_id: str | None
    creator_id: str | None
    occurred_at: datetime
    verdict: Literal["kept", "rejected"]
    reason: Reason | None = None
    link_id: str | None = None
    code: str | None = None
    carried: bool = False


class Unlisted(Struct, frozen=True, gc=False):
    """How many candidates a stored decision does not list; `reason` None: they were kept."""

    reason: Reason | None
    count: int


class Credit(Struct, frozen=True, gc=False):
    """The share of one account in one conversion under one model, for one touch or organic.

    A stored decision has one for each ledger slot: `touches` are then added up, `touch_id` and
    `touched_at` are those of the oldest. `placed_units` is None on a credit that was stored before
    version 2 of `laurel.credits`; such a credit has no kind, class, link and code.
    """

    model: str
    account: str
    touch_id: str | None
    share: Fraction
    amount_minor: int
    units: int
    touch_stage: Stage | None
    touched_at: datetime | None
    touch_kind: TouchKind | None = None
    evidence_class: EvidenceClass | None = None
    link_id: str | None = None
    code: str | None = None
    sub_source: str | None = None
    placed_units: int | None = None
    touches: int = 1


Doubt = Literal["above_rest", "told_elsewhere", "pending", "unpaid", "disagrees"]


class Note(Struct, frozen=True, gc=False):
    """What is doubtful about a conversion; `event_id` None: the conversion itself."""

    doubt: Doubt
    event_id: str | None
    occurred_at: datetime
    detail: str


class Decision(Struct, frozen=True, gc=False):
    """The decision on one conversion: the candidates with their verdicts, and the credits.

    `credits` are those of additive models: for each model they sum to the net. `memos` are those
    of other models: they are shown and never summed. A conversion that counts in no sum has none.
    `mismatched` are adjustments in another currency. `bought_at` is the time of the person's first
    standing order, at or before this conversion. `unlisted` counts the candidates that a stored
    decision leaves out. `notes` are what a person should look at. `acquired_from` is the first
    order of the customer, if the touches of that order earned this one.
    """

    key: ConversionKey
    conversion_id: str
    status: Status
    occurred_at: datetime
    currency: str | None
    net_minor: int
    units: int
    stage: Stage
    person_ref: str
    new_customer: bool | None
    policy_id: str | None
    candidates: tuple[Candidate, ...] = ()
    credits: tuple[Credit, ...] = ()
    memos: tuple[Credit, ...] = ()
    mismatched: tuple[str, ...] = ()
    bought_at: datetime | None = None
    unlisted: tuple[Unlisted, ...] = ()
    notes: tuple[Note, ...] = ()
    acquired_from: ConversionKey | None = None


class Posting(Struct, frozen=True, gc=False):
    """The rows that a new decision revision adds to the ledger and to the memos.

    Both hold the reversals of the old rows, then the new rows, of the slots that changed; they are
    empty without a change. `standing` are the entries, then the memos, that stand afterwards; rows
    that did not change keep their revision.
    """

    revision: int
    entries: tuple[CreditEntry, ...] = ()
    memos: tuple[CreditEntry, ...] = ()
    standing: tuple[CreditEntry, ...] = ()
