"""The words of the core as frozen values: touches, edges, conversion versions, adjustments, catalog facts, decisions.

Promise: everything `decide_scope` reads and returns is here, so the pipeline, the oracle of the tests and the explanations speak of the same
things. All times are aware UTC; all money is minor units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Literal

import msgspec

from shared.catalog import CodePeriod, LinkPeriod, Policy
from shared.credits import CreditEntry, TouchKind
from shared.events import AdjustmentKind, ClickRef, ConversionKind, Quality, SourceKind, Stage


class Touch(msgspec.Struct, frozen=True, gc=False):
    """Stored evidence that a person met a placement.

    A struct, because every event makes one: a named tuple takes three times as long to make, a frozen data class more. `anon_key` is the visitor's key,
    else the click's own, None without consent (counted, never joined). `click_key` is the click id's key. Exactly one of link, placement and code says where it leads. `derived`: rebuilt from an order's click id.
    """

    touch_id: str
    kind: TouchKind
    occurred_at: datetime
    anon_key: bytes | None
    click_key: bytes | None = None
    link_id: str | None = None
    placement_id: str | None = None
    code: str | None = None
    quality: tuple[Quality, ...] = ()
    consent: bool = True
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """Two person keys seen together on one event; `key_a` < `key_b`."""

    event_id: str
    key_a: bytes
    key_b: bytes


@dataclass(frozen=True, slots=True, order=True)
class ConversionKey:
    """What identifies a conversion inside a workspace."""

    kind: ConversionKind
    natural_id: str


@dataclass(frozen=True, slots=True)
class ConversionVersion:
    """What one source said of a conversion at one version of its own clock. `keys` are the person keys it carries."""

    event_id: str
    key: ConversionKey
    source_kind: SourceKind
    source_id: str
    version: int
    occurred_at: datetime
    net_minor: int | None
    currency: str | None
    codes: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    click_touch_id: str | None = None
    click: ClickRef | None = None
    new_customer: bool | None = None
    taxes_included: bool = False


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change to a conversion's net after the fact; the fields are those of `shared.events.OrderAdjusted`."""

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


@dataclass(frozen=True, slots=True)
class Scope:
    """All evidence that may bear on a set of conversions: a superset of the persons behind them.

    `hubs` are keys with more than 50 distinct neighbours in the whole workspace; their edges may be missing here.
    """

    workspace_id: str
    touches: tuple[Touch, ...] = ()
    edges: tuple[Edge, ...] = ()
    versions: tuple[ConversionVersion, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    hubs: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """Catalog facts of one workspace, as far as a scope needs them.

    `placements` maps a placement to its creator, "" for the brand's own content. `codes` maps a
    normalised text to the periods of all its owners.
    """

    links: Mapping[str, tuple[LinkPeriod, ...]] = field(default_factory=dict)
    placements: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, tuple[CodePeriod, ...]] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()


class Reason(StrEnum):
    """Why a candidate was rejected: the closed list."""

    OUTSIDE_WINDOW = "outside_window"
    BOT = "bot"
    PREFETCH = "prefetch"
    AFTER_CONVERSION = "after_conversion"
    SUPERSEDED_BY_CODE = "superseded_by_code"
    SUPERSEDED_BY_LINK = "superseded_by_link"
    CODE_NOT_OWNED_THEN = "code_not_owned_then"
    LINK_NOT_OWNED_THEN = "link_not_owned_then"
    SELF_REFERRAL = "self_referral"
    NO_CONSENT = "no_consent"
    JOURNEY_TOO_LONG = "journey_too_long"


class Status(StrEnum):
    """What became of a conversion."""

    CREDITED = "credited"
    ORGANIC = "organic"
    AWAITING_ORDER = "awaiting_order"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One piece of evidence, kept or rejected. A code on an order has the touch id `code:<TEXT>:<placement id>`."""

    touch_id: str
    kind: TouchKind
    placement_id: str | None
    creator_id: str | None
    occurred_at: datetime
    verdict: Literal["kept", "rejected"]
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """One account's share of one conversion under one model, for one touch (None: organic)."""

    model: str
    account: str
    touch_id: str | None
    share: Fraction
    amount_minor: int
    units: int
    touch_stage: Stage | None
    touched_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """How one conversion is credited now: every candidate with its verdict, and the credits.

    `credits` are those of additive models: for each model they sum to the net. `memos` are those
    of other models: they are shown and never summed. Without a trusted order (`awaiting_order`,
    `unconfirmed`) there are none. `mismatched` are adjustments in another currency.
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


@dataclass(frozen=True, slots=True)
class Posting:
    """What a new decision revision adds: to the ledger, and to the memos beside it.

    Each is the reversals of what stood, then what stands now; empty when nothing changed.
    """

    revision: int
    entries: tuple[CreditEntry, ...] = ()
    memos: tuple[CreditEntry, ...] = ()
