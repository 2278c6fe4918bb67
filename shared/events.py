"""The events of the topic `laurel.events`: one struct for each kind, JSON, CloudEvents 1.0 headers.

Promise: every value decodes to exactly one of these types, or raises `EventRejected` with a reason
from a closed list. `tests/golden/events` has a sample of each kind and version. An event carries
evidence (link id, code text, keys); attribution decides later who owned it. An e-mail is a keyed
hash; an event holds no name, no full address and no IP address.
What can go wrong: `EventRejected`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct, structs

from shared.errors import Permanent
from shared.ids import MAIN_STORE

VERSION: Final = 1
TEXT_LENGTH_MAX: Final = 128  # ids and codes that people and shops choose
KEY_LENGTH_MAX: Final = 256  # visitor and customer ids of other systems
CODES_MAX: Final = 20  # discount codes on one order; Shopify allows five
TIE_BREAKS_MAX: Final = 8
# The greatest count of a placement: the video with the most views has been watched for a fifth of
# this many seconds.
COUNT_MAX: Final = 10_000_000_000_000

Text = Annotated[str, Meta(min_length=1, max_length=TEXT_LENGTH_MAX)]
Key = Annotated[str, Meta(min_length=1, max_length=KEY_LENGTH_MAX)]
_UUID_PATTERN: Final = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
Uuid = Annotated[str, Meta(pattern=_UUID_PATTERN)]
# For the ids of every event. `decode_event` checks their pattern in one step, because three
# patterns took half of its time.
_Uuid = Annotated[
    str, Meta(min_length=36, max_length=36, extra_json_schema={"pattern": _UUID_PATTERN})
]
Moment = Annotated[datetime, Meta(tz=True)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
# The hash is hexadecimal or base64; the token itself never enters an event.
ClaimTokenHash = Annotated[str, Meta(min_length=16, max_length=TEXT_LENGTH_MAX)]

# A sealed text of at most 500 characters, in base64.
SealedText = Annotated[str, Meta(min_length=1, max_length=3_000)]

AdjustmentKind = Literal["refund", "cancel", "edit", "chargeback"]
SourceKind = Literal["edge", "webhook", "secret", "public"]
# How a count came about: read from the platform, typed in by a person, or computed. The first of
# them that reports a count of a placement is the one that counts.
CountQuality = Literal["observed", "manual", "estimated"]
Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)]


class Quality(StrEnum):
    """Flags on an event. A flagged event is kept."""

    BOT = "bot"  # a self-declared crawler
    PREVIEW = "preview"  # a messenger or social network that renders a card
    PREFETCH = "prefetch"  # loaded by the browser in advance; perhaps never seen
    # Its time is the received time, because the sent one lay more than 5 minutes in the future or,
    # with a public key, in the past.
    CLAMPED = "clamped"
    FOREIGN_CLICK_ID = "foreign_click_id"  # its click id is forged or of another workspace
    # Its sender named no store, and the workspace has several. It counts in the store `main`.
    UNNAMED_STORE = "unnamed_store"


class Source(Struct, frozen=True):
    """How an event arrived: `edge` (a redirect), a webhook connection, a secret or a public key.

    `id` is the id of the connection or of the key.
    """

    kind: SourceKind
    id: str


class Person(Struct, frozen=True, omit_defaults=True):
    """The keys of a person on one event.

    Weak: visitor id, click id. Strong: customer id, keyed hash of an e-mail. `is_proven`: the page
    of a public key proved the customer id by the identity secret of the workspace.
    """

    visitor_id: Key | None = None
    click_id: Key | None = None
    customer_id: Key | None = None
    email_hash: Key | None = None
    is_proven: bool = False


class ClickRef(Struct, frozen=True):
    """The link and the time in the click id of a conversion, as tracking read and verified it.

    A lost click can be rebuilt from them.
    """

    link_id: Uuid
    occurred_at: Moment


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """The fields of every event.

    `occurred_at` is when it happened; `received_at` is when tracking received it. `store` is the
    store to which the conversion and the customer id belong: `main`, which is left out, or the id
    of another store.
    """

    v: int = VERSION
    event_id: _Uuid
    workspace_id: _Uuid
    occurred_at: Moment
    received_at: Moment
    source: Source
    person: Person = Person()
    consent: bool = True
    quality: tuple[Quality, ...] = ()
    store: Text = MAIN_STORE


class Clicked(Event, frozen=True, kw_only=True, tag="clicked"):
    """A person followed a link. `person.click_id` is the new click id, None without consent."""

    link_id: _Uuid
    sub_source: Text | None = None


class Viewed(Event, frozen=True, kw_only=True, tag="viewed"):
    """A person saw a placement (pixel or beacon)."""

    placement_id: Uuid


class Visited(Event, frozen=True, kw_only=True, tag="visited"):
    """A person opened a page of the brand. It joins the visitor to the click id in the address."""

    page: Annotated[str, Meta(max_length=2048)] | None = None
    click: ClickRef | None = None


class Engaged(Event, frozen=True, kw_only=True, tag="engaged"):
    """A person acted without a conversion: looked at a product, filled a cart."""

    action: Text
    product_id: Text | None = None


class Converted(Event, frozen=True, kw_only=True):
    """The fields of all five kinds of conversion.

    `natural_id` is the order id, or the conversion id of a lead, sign-up or download. Purchases and
    renewals have `net_minor` (subtotal − discount, no tax, no shipping) and `currency`. `version`
    orders the versions of one source: the vendor's own time in microseconds, else that of
    `occurred_at`. `tie_break` orders versions with one time; the longer list of two is greater.
    `taxes_included`: refunds of this order contain tax, which is subtracted. `cancelled`: the order
    was cancelled or its payment voided; None: the source does not tell. `test`: a trial of the
    shop. `unpaid`: the money has not come yet. `customer_orders`: how many orders the customer had.
    `claim_token_hash`: the hash of a token that only the shop and the browser of the order know,
    such as the token of its cart. It proves that what a public key says belongs to the order.
    `history`: a past order, from before Laurel. It tells that its customer has bought, and counts
    for nobody.
    """

    natural_id: Text
    net_minor: int | None = None
    currency: Currency | None = None
    version: int = 0
    codes: Annotated[tuple[Text, ...], Meta(max_length=CODES_MAX)] = ()
    click: ClickRef | None = None
    new_customer: bool | None = None
    taxes_included: bool = False
    claim_token_hash: ClaimTokenHash | None = None
    tie_break: Annotated[tuple[int, ...], Meta(max_length=TIE_BREAKS_MAX)] = ()
    cancelled: bool | None = None
    test: bool = False
    unpaid: bool = False
    customer_orders: int | None = None
    history: bool = False


class Ordered(Converted, frozen=True, kw_only=True, tag="ordered"):
    """A purchase."""


class Renewed(Converted, frozen=True, kw_only=True, tag="renewed"):
    """A subscription was renewed."""


class Lead(Converted, frozen=True, kw_only=True, tag="lead"):
    """A person left contact details."""


class SignedUp(Converted, frozen=True, kw_only=True, tag="signed_up"):
    """A person made an account."""


class Downloaded(Converted, frozen=True, kw_only=True, tag="downloaded"):
    """A person downloaded or installed."""


Stage = Literal["awareness", "engagement", "consideration", "purchase", "retention", "advocacy"]
AnyConversion = Ordered | Renewed | Lead | SignedUp | Downloaded


@dataclass(frozen=True, slots=True)
class ConversionDefinition:
    """The definition of one kind of conversion.

    `event` is its event type. `stage` is its default stage of the customer journey; a policy may
    change it. `word` is its name for people. `is_order`: it has money and an order id, and the
    person has bought.
    """

    event: type[AnyConversion]
    stage: Stage
    word: str
    is_order: bool = False


# All kinds of conversion, in the order in which they are looked up. To add a kind, add an entry.
CONVERSIONS: Final[Mapping[str, ConversionDefinition]] = MappingProxyType(
    {
        "purchase": ConversionDefinition(Ordered, "purchase", "Order", is_order=True),
        "lead": ConversionDefinition(Lead, "consideration", "Lead"),
        "sign_up": ConversionDefinition(SignedUp, "consideration", "Sign-up"),
        "download": ConversionDefinition(Downloaded, "consideration", "Download"),
        "renewal": ConversionDefinition(Renewed, "retention", "Renewal", is_order=True),
    }
)
# A purchase by a person who bought before. Only stages treat it as a kind of its own.
LATER_PURCHASE: Final = "later_purchase"
LATER_PURCHASE_STAGE: Final[Stage] = "retention"

if TYPE_CHECKING:
    ConversionKind = str
else:
    # The closed list for decoders and schemas.
    ConversionKind = Literal[tuple(CONVERSIONS)]


class OrderAdjusted(Event, frozen=True, kw_only=True, tag="order_adjusted"):
    """The net of a conversion changed later.

    `amount_minor` is subtracted. `net_after_minor` (an edit) sets the net and replaces the
    amounts before it. Without either the net becomes 0. `tax_minor` is the tax inside
    `amount_minor`; it is taken out of it when the prices of the order include tax. `capped`: at
    most the remaining net is subtracted. `currency` None means the currency of the order.
    `version` orders what one source told about one adjustment; 0 is the oldest. `pending`: the
    money is not paid back yet.
    """

    conversion_kind: ConversionKind
    natural_id: Text
    adjustment_id: Text
    kind: AdjustmentKind
    amount_minor: int | None = None
    net_after_minor: int | None = None
    tax_minor: int = 0
    capped: bool = False
    currency: Currency | None = None
    version: int = 0
    pending: bool = False


class Identified(Event, frozen=True, kw_only=True, tag="identified"):
    """Keys of one person were seen together."""


class Referred(Event, frozen=True, kw_only=True, tag="referred"):
    """A person came by the referral code of another person."""

    code: Text


class Surveyed(Event, frozen=True, kw_only=True, tag="surveyed"):
    """A person answered "how did you hear of us?".

    `natural_id` is the order that was asked about, if any. `placement_id` is what the person named:
    a placement, or the automatic placement of the creator. A `platform` earns nobody credit. An
    answer in words that names no creator is sealed; `answer_hash` tells two of them apart.
    `claim_token_hash` proves that the answer of a public key belongs to its order.
    """

    placement_id: Uuid | None = None
    natural_id: Text | None = None
    platform: Text | None = None
    sealed_answer: SealedText | None = None
    answer_hash: Text | None = None
    claim_token_hash: ClaimTokenHash | None = None


class SocialReported(Event, frozen=True, kw_only=True, tag="social_reported"):
    """The counts of one placement from its beginning until `occurred_at`, as one source tells them.

    `source_name` is who counted. None is a count that the source does not tell; it is not 0. Of the
    reports of one source for one moment, the one that was received last counts. `import_id` is the
    import that it belongs to; when that is undone, the report does not count any more.
    """

    placement_id: Uuid
    source_name: Text = "unknown"
    count_quality: CountQuality = "estimated"
    impressions: Count | None = None
    reach: Count | None = None
    views: Count | None = None
    watch_seconds: Count | None = None
    likes: Count | None = None
    comments: Count | None = None
    shares: Count | None = None
    saves: Count | None = None
    link_taps: Count | None = None
    followers_gained: Count | None = None
    import_id: Uuid | None = None


class Erased(Event, frozen=True, kw_only=True, tag="erased"):
    """A person asked for erasure; `person` has the keys to erase."""


PrivacyTask = Literal["erase_customer", "show_customer_data", "erase_shop"]


class Noticed(Event, frozen=True, kw_only=True, tag="noticed"):
    """A vendor sent something that changes no figure.

    `task` is what a person has to do about it; without one the vendor's `topic` is not used.
    `reference` is the vendor's id of the customer.
    """

    vendor: Text
    topic: Text
    task: PrivacyTask | None = None
    reference: Text | None = None


AnyEvent = (
    Clicked
    | Viewed
    | Visited
    | Engaged
    | Ordered
    | Renewed
    | Lead
    | SignedUp
    | Downloaded
    | OrderAdjusted
    | Identified
    | Referred
    | Surveyed
    | SocialReported
    | Erased
    | Noticed
)
CONVERSION_KINDS: Final[Mapping[type[Event], ConversionKind]] = {
    conversion.event: kind for kind, conversion in CONVERSIONS.items()
}


class RejectReason(StrEnum):
    """Why a record of the events topic is not an event."""

    NOT_AN_EVENT = "not_an_event"  # not JSON, or a field is missing or of the wrong type
    UNKNOWN_VERSION = "unknown_version"  # written by a newer Laurel
    BAD_TEXT = "bad_text"  # NUL or a lone surrogate, which Postgres cannot store


class EventRejected(Permanent):
    """The bytes are not an event; the message names the field."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(AnyEvent)
# An escape sequence. An escaped backslash is text, as in the customer id "SHOP\\udo".
_ESCAPED_TROUBLE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?:0000|[dD][89a-fA-F])")


def encode_event(event: AnyEvent) -> bytes:
    """Return the JSON bytes of an event for the log."""
    return _encoder.encode(event)


def decode_event(value: bytes) -> AnyEvent:
    """Return the event in the value of a log record. Raises `EventRejected`."""
    # Searching one byte is ten times as fast as two, and almost no event has it.
    if b"\\" in value and _ESCAPED_TROUBLE.search(value) is not None:
        raise EventRejected(RejectReason.BAD_TEXT, "the text holds NUL or a surrogate")
    try:
        event: AnyEvent = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EventRejected(RejectReason.NOT_AN_EVENT, str(error)) from error
    if event.v != VERSION:
        raise EventRejected(RejectReason.UNKNOWN_VERSION, f"version {event.v}, known is {VERSION}")
    _check_uuids(event)
    return event


# Every hexadecimal digit becomes 0, so that every UUID becomes the same text.
_DIGITS: Final = bytes.maketrans(b"123456789abcdef", b"0" * 15)
_SHAPE: Final = b"00000000-0000-0000-0000-000000000000"


def _check_uuids(event: AnyEvent) -> None:
    ids, shape = event.event_id + event.workspace_id, _SHAPE + _SHAPE
    if type(event) is Clicked:
        ids, shape = ids + event.link_id, shape + _SHAPE
    if ids.encode().translate(_DIGITS) == shape:
        return
    for name in ("event_id", "workspace_id", "link_id"):
        if getattr(event, name).encode().translate(_DIGITS) != _SHAPE:
            raise EventRejected(RejectReason.NOT_AN_EVENT, f"Expected a UUID - at `$.{name}`")


def event_type(event: AnyEvent) -> str:
    """Return the `type` of an event on the wire: `clicked`, `ordered`, …"""
    return tag_of(type(event))


def tag_of(kind: type[Event]) -> str:
    """Return the `type` of a kind of event on the wire."""
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def event_kinds() -> tuple[type[Event], ...]:
    """Return every kind of event, for samples and schemas."""
    return get_args(AnyEvent)


def fingerprint(event: AnyEvent) -> bytes:
    """Return a 16-byte hash that tells two payloads with one event id apart.

    `received_at`, `quality` and `source` are left out, and so is a sealed text, which differs each
    time that it is sealed. So is a time that may be clamped, because it
    differs at each delivery: one that was, and each of a public key. A conversion carries its own
    time in `version`, so its `occurred_at` is left out; a notice has none. `tie_break` and `topic`
    hold what no signature covers, and a delivery can be repeated with other headers.
    """
    has_own_time = isinstance(event, Converted) and event.version != 0
    is_public = event.source.kind == "public"
    is_notice = isinstance(event, Noticed)
    ignores_time = is_public or has_own_time or is_notice or Quality.CLAMPED in event.quality
    moment = _NO_MOMENT if ignores_time else event.occurred_at
    same = structs.replace(
        event, occurred_at=moment, received_at=moment, quality=(), source=_ANYWHERE
    )
    if isinstance(same, Converted) and same.tie_break:
        same = structs.replace(same, tie_break=())
    elif isinstance(same, Noticed):
        same = structs.replace(same, topic="")
    elif isinstance(same, Surveyed):
        same = structs.replace(same, sealed_answer=None)
    digest = _FINGERPRINT.copy()
    digest.update(_encoder.encode(same))
    return digest.digest()


# Copied for each event: a copy is cheaper than a new hash object.
_FINGERPRINT: Final = hashlib.blake2b(digest_size=16)
_ANYWHERE: Final = Source("edge", "")
_NO_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
