"""The vocabulary of `laurel.catalog`: what roi publishes and tracking and attribution keep.

Promise: one record per entity carries its whole state, a link and a code with all their periods, so
compaction loses nothing; `revision` grows by one at each change and a reader keeps the greatest.
Nothing is tombstoned: `deleted_at` is set instead. Secrets in it are sealed, API keys are SHA-256.
Periods are half-open `[valid_from, valid_to)`, None means unbounded; those of one entity do not
overlap. A placement has no periods: it never changes hands. Its records of version 1 had them; they
are still read (`decode_catalog`).
"""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, structs

from shared.credits import WINDOWS_DAYS
from shared.errors import Permanent
from shared.events import Currency, Moment, Text, Uuid
from shared.models import DEFAULT_MODELS, ModelRef

# The version of a kind whose record does not name one; `VERSIONS` has those of the others.
VERSION: Final = 1
PLACEMENT_VERSION: Final = 2

# What a link's code may be; codes are compared in lower case.
LINK_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# First path segments that tracking or a shared host name needs for itself, now or in later releases, in lower case.
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
    """Which evidence wins when an order has both a code and a link's touch of other creators."""

    CODE_WINS = "code_wins"
    LINK_WINS = "link_wins"
    BOTH_SHARE = "both_share"
    UNIQUE_CODE_WINS = "unique_code_wins"  # the code wins only when one creator owned it then


class Period(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The time in which a row of facts holds."""

    valid_from: Moment | None = None
    valid_to: Moment | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether `moment` lies in `[valid_from, valid_to)`."""
        after = self.valid_from is None or self.valid_from <= moment
        return after and (self.valid_to is None or moment < self.valid_to)


class CatalogRecord(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity"):
    """What every catalog record carries."""

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
    """An influencer."""

    name: str
    automatic_placement_id: Uuid


class Campaign(CatalogRecord, frozen=True, kw_only=True, tag="campaign"):
    """A budgeted effort."""

    name: str


class Placement(CatalogRecord, frozen=True, kw_only=True, tag="placement"):
    """One piece of content by one creator in one campaign on one platform.

    `creator_id` is None only for the brand's own content. `automatic` marks a creator's "always on"
    placement. `v` is always on the wire, because a record without it is of version 1.
    """

    v: int = msgspec.field(default_factory=lambda: PLACEMENT_VERSION)
    creator_id: Uuid | None = None
    campaign_id: Uuid | None = None
    platform: Text | None = None
    is_brand: bool = False
    automatic: bool = False


class _PlacementPeriod(Struct, frozen=True, kw_only=True):
    """The facts of a placement in one period, as version 1 has them."""

    creator_id: Uuid | None = None
    campaign_id: Uuid | None = None
    platform: Text | None = None
    is_brand: bool = False


class _PlacementVersion1(Struct, frozen=True, kw_only=True):
    """What version 1 of a placement's record says in another way than version 2."""

    v: int = VERSION
    periods: tuple[_PlacementPeriod, ...] = ()


class LinkPeriod(Period, frozen=True, kw_only=True):
    """Which placement a link belongs to, in a period (a creator's link names the automatic placement)."""

    placement_id: Uuid


class Link(CatalogRecord, frozen=True, kw_only=True, tag="link"):
    """A short code. `destination` is canonical; `host` None means the short host that all share; `enabled` False answers 410."""

    code: str
    destination: str
    periods: tuple[LinkPeriod, ...]
    host: str | None = None
    enabled: bool = True


class CodePeriod(Period, frozen=True, kw_only=True):
    """Who owns a discount code, in a period."""

    creator_id: Uuid
    placement_id: Uuid


class Code(CatalogRecord, frozen=True, kw_only=True, tag="code"):
    """A discount code as `normalise_code` leaves it. Two `Code` records with one text and overlapping periods mean "shared"."""

    code: str
    periods: tuple[CodePeriod, ...]


class Connection(CatalogRecord, frozen=True, kw_only=True, tag="connection"):
    """A storefront's webhook connection. `kind` is the name of the vendor's adapter."""

    kind: Text
    # Newest first, at most two valid at once, sealed with `id` as context.
    sealed_secrets: tuple[str, ...]
    shop_domain: str | None = None


# Two years: longer than any window in the market (Impact and Awin stop at one), short enough for
# the query of a journey.
WINDOW_DAYS_MAX: Final = 730

# The types of policy fields. `services/roi/wire/policy_shapes.py` gives each its form over HTTP.
ShareMillionths = Annotated[
    int, Meta(ge=0, le=1_000_000, description="A share from 0 to 1, exact to six decimals.")
]
WindowsDays = Annotated[
    dict[str, int],
    Meta(
        description="Look-back per touch kind in days; 0 means that kind never counts, a kind left"
        " out has its default. The window of a code is its effective dates."
    ),
]
ModelRefs = Annotated[
    tuple[ModelRef, ...],
    Meta(description="The credit models: names, or objects with a name and its parameters."),
]
StageMap = Annotated[
    dict[str, str],
    Meta(
        description="The stage of a touch kind, a conversion kind or `later_purchase`, where it is"
        " not the usual one."
    ),
]


class Policy(CatalogRecord, frozen=True, kw_only=True, tag="policy"):
    """The rules that bind conversions occurring from `valid_from` (None: always).

    A field here is the whole definition of a policy field: the stored facts, the body and the
    answer over HTTP, the view `roi.policy_versions` and the OpenAPI document follow from it.
    `..._millionths` is the share without the suffix over HTTP.
    """

    valid_from: Annotated[
        Moment | None,
        Meta(description="From when on the policy binds conversions; null is always."),
    ] = None
    margin_millionths: ShareMillionths = 1_000_000
    windows_days: WindowsDays = msgspec.field(default_factory=lambda: {**WINDOWS_DAYS})
    precedence: Annotated[
        Precedence,
        Meta(description="What wins when a code and a link name different creators."),
    ] = Precedence.CODE_WINS
    models: ModelRefs = DEFAULT_MODELS
    stages: StageMap = {}


AnyCatalogRecord = (
    Workspace | ApiKey | Creator | Campaign | Placement | Link | Code | Connection | Policy
)

# The version in which each kind is written, by the word in `entity`.
VERSIONS: Final = {"placement": PLACEMENT_VERSION}

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(AnyCatalogRecord)
_version_1_decoder: Final = msgspec.json.Decoder(_PlacementVersion1)


class CatalogRejected(Permanent):
    """The bytes are no catalog record."""


def normalise_code(text: str) -> str:
    """How discount codes are compared: NFKC, trimmed, upper-case. " tenoff " and "TENOFF" are one code."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def encode_catalog(record: AnyCatalogRecord) -> bytes:
    """The bytes that travel on the log."""
    return _encoder.encode(record)


def decode_catalog(value: bytes) -> AnyCatalogRecord:
    """The record in a value; raises `CatalogRejected`.

    A placement of version 1 gets the facts of its last period. roi's migration 0006 splits a
    placement with several periods: the last one keeps the id, the others are published as
    placements of their own, and links and codes are published again to name them.
    """
    try:
        record: AnyCatalogRecord = _decoder.decode(value)
        if isinstance(record, Placement):
            return _as_written_now(record, _version_1_decoder.decode(value))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CatalogRejected(str(error)) from error
    return record


def _as_written_now(record: Placement, old: _PlacementVersion1) -> Placement:
    if old.v != VERSION:
        return record
    if not old.periods:
        raise CatalogRejected("a placement of version 1 has at least one period")
    return structs.replace(record, v=PLACEMENT_VERSION, **structs.asdict(old.periods[-1]))


def catalog_key(record: AnyCatalogRecord) -> bytes:
    """The compaction key: workspace and entity id."""
    return f"{record.workspace_id}/{record.id}".encode()
