"""The records of the topic `laurel.catalog`: roi publishes, tracking and attribution store.

Promise: a record carries the whole state of one entity; links and codes carry all their periods.
So compaction loses nothing. `revision` grows by one at each change, and a reader keeps the
greatest. A deleted entity has `deleted_at`; there are no tombstones. Secrets are sealed, of an API
key there is only the SHA-256. Periods are half-open `[valid_from, valid_to)`; None means
unbounded; periods of one entity do not overlap. A placement has no periods, because its owner
never changes. Its records of version 1 had periods; `decode_catalog` still reads them.
What can go wrong: `CatalogRejected` for bytes that are no catalog record.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, structs

from shared.credits import WINDOWS_DAYS
from shared.errors import Permanent
from shared.events import Currency, Moment, Text, Uuid
from shared.ids import MAIN_STORE, main_store_id
from shared.models import DEFAULT_MODELS, ModelRef

# The version of every kind that `VERSIONS` does not list.
VERSION: Final = 1
PLACEMENT_VERSION: Final = 2

# The form of a link's code. Link codes are compared in lower case.
LINK_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# First path segments, in lower case, that no link may use: tracking or a shared host name needs
# them, now or in later releases.
RESERVED_WORDS: Final = frozenset(
    {
        "v1",
        "health",
        "metrics",
        "docs",
        "openapi.json",
        "l.js",
        "p.gif",
        "track",
        "webhooks",
        "app",
        "static",
        "favicon.ico",
        "robots.txt",
        ".well-known",
    }
)

Scope = Literal["collect", "track", "read", "write", "admin"]


class Precedence(StrEnum):
    """Which evidence wins when the code and the link of one order belong to different creators."""

    CODE_WINS = "code_wins"
    LINK_WINS = "link_wins"
    BOTH_SHARE = "both_share"
    UNIQUE_CODE_WINS = "unique_code_wins"  # the code wins only if one creator owned it


class Surveys(StrEnum):
    """When an answer to "how did you hear of us?" counts."""

    OFF = "off"
    FALLBACK = "fallback"  # when no other evidence counts
    TOUCH = "touch"  # like any touch


class ZeroValueOrders(StrEnum):
    """Whether a purchase or renewal of net 0 is a conversion."""

    IGNORE = "ignore"
    COUNT = "count"


class Period(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The time in which an assignment is valid."""

    valid_from: Moment | None = None
    valid_to: Moment | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether `moment` lies in `[valid_from, valid_to)`."""
        after = self.valid_from is None or self.valid_from <= moment
        return after and (self.valid_to is None or moment < self.valid_to)


class CatalogRecord(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity"):
    """The fields of every catalog record."""

    v: int = VERSION
    workspace_id: Uuid
    id: Uuid
    revision: int
    recorded_at: Moment
    deleted_at: Moment | None = None


class Workspace(CatalogRecord, frozen=True, kw_only=True, tag="workspace"):
    """One brand; `id` equals `workspace_id`."""

    name: str
    time_zone: str
    currency: Currency


class ApiKey(CatalogRecord, frozen=True, kw_only=True, tag="key"):
    """An API key: SHA-256 in hex, scopes, and for public keys the allowed origins (empty: any)."""

    sha256: str
    scopes: tuple[Scope, ...]
    public: bool = False
    origins: tuple[str, ...] = ()


class Creator(CatalogRecord, frozen=True, kw_only=True, tag="creator"):
    """An influencer, with the handles of all platforms."""

    name: str
    automatic_placement_id: Uuid
    handles: tuple[str, ...] = ()


class Campaign(CatalogRecord, frozen=True, kw_only=True, tag="campaign"):
    """A budgeted effort of a workspace."""

    name: str


class Placement(CatalogRecord, frozen=True, kw_only=True, tag="placement"):
    """One piece of content by one creator in one campaign on one platform.

    `creator_id` is None only for the brand's own content. `automatic` marks the one
    placement of a creator without a campaign. `v` is always on the wire, because a record without
    it is of version 1.
    """

    v: int = msgspec.field(default_factory=lambda: PLACEMENT_VERSION)
    creator_id: Uuid | None = None
    campaign_id: Uuid | None = None
    platform: Text | None = None
    is_brand: bool = False
    automatic: bool = False


class _PlacementPeriod(Struct, frozen=True, kw_only=True):
    """The owner of a placement in one period, as version 1 wrote it."""

    creator_id: Uuid | None = None
    campaign_id: Uuid | None = None
    platform: Text | None = None
    is_brand: bool = False


class _PlacementVersion1(Struct, frozen=True, kw_only=True):
    """The fields of a placement's record that version 1 wrote in another form."""

    v: int = VERSION
    periods: tuple[_PlacementPeriod, ...] = ()


class LinkPeriod(Period, frozen=True, kw_only=True):
    """The placement of a link in a period; a creator's link names the automatic placement."""

    placement_id: Uuid


class Link(CatalogRecord, frozen=True, kw_only=True, tag="link"):
    """A short link. `destination` is canonical.

    `host` None means the short host that all workspaces share. `enabled` False is answered 410.
    """

    code: str
    destination: str
    periods: tuple[LinkPeriod, ...]
    host: str | None = None
    enabled: bool = True


class CodePeriod(Period, frozen=True, kw_only=True):
    """The owner of a discount code in a period."""

    creator_id: Uuid
    placement_id: Uuid


class Code(CatalogRecord, frozen=True, kw_only=True, tag="code"):
    """A discount code; `code` is the text of its `CodeText`.

    Earlier releases compared codes by other rules, so readers call `code_text` again. Two records
    with the same text and overlapping periods mean that the code is shared.
    """

    code: str
    periods: tuple[CodePeriod, ...]


class Store(CatalogRecord, frozen=True, kw_only=True, tag="store"):
    """One shop or till of a workspace; the id of the first one is `main_store_id`."""

    name: str
    external_id: Text | None = None

    @property
    def word(self) -> str:
        """The store on events, conversions and credits: `main` for the first one, else the id."""
        return _store_word(self.workspace_id, self.id)


class Connection(CatalogRecord, frozen=True, kw_only=True, tag="connection"):
    """A storefront's webhook connection. `kind` is the name of the vendor's adapter.

    `store_id` is the store of its deliveries; None is the first one.
    """

    kind: Text
    store_id: Uuid | None = None
    # Newest first, at most two valid at once, sealed with `id` as context.
    sealed_secrets: tuple[str, ...]
    shop_domain: str | None = None

    @property
    def store(self) -> str:
        """The store of the deliveries, as it is on events."""
        if self.store_id is None:
            return MAIN_STORE
        return _store_word(self.workspace_id, self.store_id)


def _store_word(workspace_id: str, store_id: str) -> str:
    return MAIN_STORE if store_id == main_store_id(workspace_id) else store_id


# Two years. Impact and Awin allow at most one year; a longer window makes the query of a journey
# slow.
WINDOW_DAYS_MAX: Final = 730

# The types of policy fields. `services/roi/wire/policy_shapes.py` gives each its form over HTTP.
ShareMillionths = Annotated[
    int, Meta(ge=0, le=1_000_000, description="A share from 0 to 1, exact to six decimals.")
]
WindowsDays = Annotated[
    dict[str, int],
    Meta(
        description="Look-back per touch kind in days. 0: the kind never counts. A kind that is"
        " left out has its default. A code has no window: its effective dates count."
    ),
]
# Ten years: as long as a subscription may last.
RETENTION_DAYS_MAX: Final = 3650
RetentionDays = Annotated[
    int,
    Meta(
        ge=0,
        le=RETENTION_DAYS_MAX,
        description="How many days after a customer's first order its winners are credited with"
        " later orders and renewals that no touch earns. 0: never.",
    ),
]
ModelRefs = Annotated[
    tuple[ModelRef, ...],
    Meta(description="The credit models: names, or objects with a name and its parameters."),
]
StageMap = Annotated[
    dict[str, str],
    Meta(
        description="The stage of a touch kind, of a conversion kind or of `later_purchase`, where"
        " it differs from the default."
    ),
]
# As many as a stage of the funnel can show on a screen.
KPIS_MAX: Final = 10
KpiMap = Annotated[
    dict[str, tuple[str, ...]],
    Meta(
        description="Metrics that a stage of the funnel shows besides its own, by stage: ids of"
        " `GET /v1/metrics`. A funnel takes those of the policy of its last day."
    ),
]


class Policy(CatalogRecord, frozen=True, kw_only=True, tag="policy"):
    """The rules for conversions that occurred at or after `valid_from` (None: all conversions).

    Each field is the whole definition of a policy field. The stored record, the request and
    answer over HTTP, the view `roi.policy_versions` and the OpenAPI document are derived from it.
    Over HTTP a field `..._millionths` is a decimal share and has no suffix.
    """

    valid_from: Annotated[
        Moment | None,
        Meta(description="From when on the policy binds conversions; null is always."),
    ] = None
    # None: profit counts revenue, and answers say so.
    margin_millionths: ShareMillionths | None = None
    windows_days: WindowsDays = msgspec.field(default_factory=lambda: {**WINDOWS_DAYS})
    precedence: Annotated[
        Precedence,
        Meta(description="What wins when a code and a link name different creators."),
    ] = Precedence.CODE_WINS
    models: ModelRefs = DEFAULT_MODELS
    stages: StageMap = {}
    # Read by roi alone: which figures are shown changes no decision.
    kpis: KpiMap = {}
    retention_days: RetentionDays = 365
    survey: Annotated[
        Surveys,
        Meta(description="When a survey answer counts: never, without other evidence, or always."),
    ] = Surveys.FALLBACK
    zero_value_orders: Annotated[
        ZeroValueOrders,
        Meta(description="Whether a purchase or renewal of net 0 counts as a conversion."),
    ] = ZeroValueOrders.IGNORE


AnyCatalogRecord = (
    Workspace | ApiKey | Creator | Campaign | Placement | Link | Code | Store | Connection | Policy
)

# The written version of the kinds that have left version 1, by the word in `entity`.
VERSIONS: Final = {"placement": PLACEMENT_VERSION}

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(AnyCatalogRecord)
_version_1_decoder: Final = msgspec.json.Decoder(_PlacementVersion1)


class CatalogRejected(Permanent):
    """The bytes are not a catalog record."""


def store_named(stores: Iterable[Store], named: str) -> str | None:
    """Return the store that a text names, as it is on events; None when it names none.

    The text is `main`, an id, an external id, or a name that only one store has. Stores in use
    come before archived ones, which old events may still name.
    """
    if named == MAIN_STORE:
        return MAIN_STORE
    known = sorted(stores, key=lambda store: store.deleted_at is not None)
    for store in known:
        if named in (store.id, store.external_id):
            return store.word
    words = [store.word for store in known if store.name == named]
    return words[0] if len(words) == 1 else None


def encode_catalog(record: AnyCatalogRecord) -> bytes:
    """Return the JSON bytes of a record for the log."""
    return _encoder.encode(record)


def decode_catalog(value: bytes) -> AnyCatalogRecord:
    """Return the record in the value of a log record. Raises `CatalogRejected`.

    A placement of version 1 gets the owner of its last period. roi's migration 0006 splits a
    placement with several periods: the last period keeps the id, each other one becomes a new
    placement, and the links and codes are published again with the new ids.
    """
    try:
        record: AnyCatalogRecord = _decoder.decode(value)
        if isinstance(record, Placement):
            return _as_version_2(record, _version_1_decoder.decode(value))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CatalogRejected(str(error)) from error
    return record


def _as_version_2(record: Placement, old: _PlacementVersion1) -> Placement:
    if old.v != VERSION:
        return record
    if not old.periods:
        raise CatalogRejected("a placement of version 1 has at least one period")
    return structs.replace(record, v=PLACEMENT_VERSION, **structs.asdict(old.periods[-1]))


def catalog_key(record: AnyCatalogRecord) -> bytes:
    """Return the compaction key: `<workspace id>/<entity id>`."""
    return f"{record.workspace_id}/{record.id}".encode()
