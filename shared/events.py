"""The vocabulary of `laurel.events`: one struct per kind of event, JSON on the wire, CloudEvents 1.0 attributes as headers.

Promise: every event decodes to exactly one of these types or to an `EventRejected` with a reason from a closed list; a golden sample of
each kind and version stands in `tests/golden/events`. Facts (link id, code text, keys) are on the event; who owned them is decided later.
E-mails are keyed hashes already; no name, full address or IP is ever here.
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

VERSION: Final = 1
TEXT_LENGTH_MAX: Final = 128  # ids and codes that people and shops choose; longer ones are mistakes
KEY_LENGTH_MAX: Final = 256  # visitor and customer ids of other systems
CODES_MAX: Final = 20  # discount codes on one order; Shopify allows five

Text = Annotated[str, Meta(min_length=1, max_length=TEXT_LENGTH_MAX)]
Key = Annotated[str, Meta(min_length=1, max_length=KEY_LENGTH_MAX)]
_UUID_PATTERN: Final = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
Uuid = Annotated[str, Meta(pattern=_UUID_PATTERN)]
# The same where every event has one: `decode_event` checks all of them at once, because three patterns took half of its time.
_Uuid = Annotated[
    str, Meta(min_length=36, max_length=36, extra_json_schema={"pattern": _UUID_PATTERN})
]
Moment = Annotated[datetime, Meta(tz=True)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]

AdjustmentKind = Literal["refund", "cancel", "edit", "chargeback"]
SourceKind = Literal["edge", "webhook", "secret", "public"]


class Quality(StrEnum):
    """Flags on an event; a flag never deletes."""

    BOT = "bot"  # a self-declared crawler
    PREVIEW = "preview"  # a messenger or social network drawing a card
    PREFETCH = "prefetch"  # the browser guessed; the person may never arrive
    CLAMPED = "clamped"  # its time lay more than 5 minutes in the future
    FOREIGN_CLICK_ID = (
        "foreign_click_id"  # carries a click id that is not ours or not of this workspace
    )


class Source(Struct, frozen=True):
    """Where an event came in: `edge` (the redirect), a webhook connection, a secret key or a public key; `id` is the connection's or key's."""

    kind: SourceKind
    id: str


class Person(Struct, frozen=True, omit_defaults=True):
    """Keys of a person on one event. Weak: visitor id, click id. Strong: customer id, keyed hash of an e-mail."""

    visitor_id: Key | None = None
    click_id: Key | None = None
    customer_id: Key | None = None
    email_hash: Key | None = None


class ClickRef(Struct, frozen=True):
    """What the genuine click id on a conversion says, read by the edge, so a lost click can be rebuilt: link and time."""

    link_id: Uuid
    occurred_at: Moment


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every event carries. `occurred_at` is the world's time, `received_at` ours."""

    v: int = VERSION
    event_id: _Uuid
    workspace_id: _Uuid
    occurred_at: Moment
    received_at: Moment
    source: Source
    person: Person = Person()
    consent: bool = True
    quality: tuple[Quality, ...] = ()


class Clicked(Event, frozen=True, kw_only=True, tag="clicked"):
    """A person followed a link. `person.click_id` is the minted click id, absent without consent."""

    link_id: _Uuid
    sub_source: Text | None = None


class Viewed(Event, frozen=True, kw_only=True, tag="viewed"):
    """A person saw a placement (pixel or beacon)."""

    placement_id: Uuid


class Visited(Event, frozen=True, kw_only=True, tag="visited"):
    """A person opened a page of the brand; joins the visitor to a click id in the address."""

    page: Annotated[str, Meta(max_length=2048)] | None = None
    click: ClickRef | None = None


class Engaged(Event, frozen=True, kw_only=True, tag="engaged"):
    """A person did something short of converting: looked at a product, filled a cart."""

    action: Text
    product_id: Text | None = None


class Converted(Event, frozen=True, kw_only=True):
    """What the five kinds of conversion share.

    `natural_id` is the order id, or the conversion id of a lead, sign-up or download. `net_minor` (subtotal − discount, no tax, no
    shipping) and `currency` are present for purchases and renewals. `version` orders the versions of one source (the vendor's own
    clock in microseconds, else `occurred_at`'s). `taxes_included` tells whether refunds of this order carry tax to be taken out.
    """

    natural_id: Text
    net_minor: int | None = None
    currency: Currency | None = None
    version: int = 0
    codes: Annotated[tuple[Text, ...], Meta(max_length=CODES_MAX)] = ()
    click: ClickRef | None = None
    new_customer: bool | None = None
    taxes_included: bool = False


class Ordered(Converted, frozen=True, kw_only=True, tag="ordered"):
    """A purchase."""


class Renewed(Converted, frozen=True, kw_only=True, tag="renewed"):
    """A subscription renewed."""


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
    """What Laurel knows about a kind of conversion.

    `event` is its event, `stage` its stage of the customer journey unless a policy says otherwise,
    `word` what people call it. `is_order`: it has money and an order id, and its person has bought.
    """

    event: type[AnyConversion]
    stage: Stage
    word: str
    is_order: bool = False


# The home of the kinds of conversion: one entry a kind, in the order in which they are looked up.
CONVERSIONS: Final[Mapping[str, ConversionDefinition]] = MappingProxyType(
    {
        "purchase": ConversionDefinition(Ordered, "purchase", "Order", is_order=True),
        "lead": ConversionDefinition(Lead, "consideration", "Lead"),
        "sign_up": ConversionDefinition(SignedUp, "consideration", "Sign-up"),
        "download": ConversionDefinition(Downloaded, "consideration", "Download"),
        "renewal": ConversionDefinition(Renewed, "retention", "Renewal", is_order=True),
    }
)
# A purchase of a person who bought before: a kind of its own for stages, and for nothing else.
LATER_PURCHASE: Final = "later_purchase"
LATER_PURCHASE_STAGE: Final[Stage] = "retention"

if TYPE_CHECKING:
    ConversionKind = str
else:
    # The closed list for decoders and schemas.
    ConversionKind = Literal[tuple(CONVERSIONS)]


class OrderAdjusted(Event, frozen=True, kw_only=True, tag="order_adjusted"):
    """A conversion's net changed after the fact.

    `amount_minor` > 0 takes away; `net_after_minor` sets (edit) and beats the deltas before it; neither means net 0. `tax_minor` is the
    tax inside `amount_minor`, taken out when the order's prices include tax. `capped`: never takes more than what is left.
    `currency` None means the order's.
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


class Identified(Event, frozen=True, kw_only=True, tag="identified"):
    """Keys of one person seen together."""


class Referred(Event, frozen=True, kw_only=True, tag="referred"):
    """A person came by somebody's referral code."""

    code: Text


class Surveyed(Event, frozen=True, kw_only=True, tag="surveyed"):
    """A person answered "how did you hear of us?" with a placement."""

    placement_id: Uuid


class SocialReported(Event, frozen=True, kw_only=True, tag="social_reported"):
    """Aggregate counts of one placement as of a moment; a later report of the same source replaces an earlier one."""

    placement_id: Uuid
    views: int | None = None
    reach: int | None = None
    impressions: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    saves: int | None = None


class Erased(Event, frozen=True, kw_only=True, tag="erased"):
    """A person asked to be forgotten; `person` names whom."""


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
)
CONVERSION_KINDS: Final[Mapping[type[Event], ConversionKind]] = {
    facts.event: kind for kind, facts in CONVERSIONS.items()
}


class RejectReason(StrEnum):
    """Why a record of the events topic is no event."""

    NOT_AN_EVENT = "not_an_event"  # not JSON, or a field is missing or of the wrong type
    UNKNOWN_VERSION = "unknown_version"  # written by a newer Laurel
    BAD_TEXT = "bad_text"  # NUL or a lone surrogate, which no database stores


class EventRejected(Permanent):
    """The bytes are no event of this vocabulary; `reason` is from the closed list, the message names the field."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(AnyEvent)
# An escape sequence proper: a backslash that a backslash escapes is text, as in the customer id "SHOP\\udo".
_ESCAPED_TROUBLE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?:0000|[dD][89a-fA-F])")


def encode_event(event: AnyEvent) -> bytes:
    """The bytes that travel on the log."""
    return _encoder.encode(event)


def decode_event(value: bytes) -> AnyEvent:
    """The event in a record's value; raises `EventRejected`."""
    # One byte is found ten times as fast as two, and nearly no event has it.
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


# Hexadecimal digits become 0, so that every UUID has one shape.
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


Headers = tuple[tuple[str, bytes], ...]


def event_headers(event: AnyEvent) -> Headers:
    """CloudEvents 1.0 attributes in Kafka's binary binding (`ce_` names)."""
    return _headers(
        event.event_id.encode(),
        f"laurel.{event_type(event)}.v{event.v}".encode(),
        event.occurred_at.isoformat().replace("+00:00", "Z").encode(),
    )


def _headers(event_id: bytes, type_name: bytes, occurred_at: bytes) -> Headers:
    return (
        _SPECIFICATION,
        ("ce_id", event_id),
        _SOURCE,
        ("ce_type", type_name),
        ("ce_time", occurred_at),
        _CONTENT,
    )


_SPECIFICATION: Final = ("ce_specversion", b"1.0")
_SOURCE: Final = ("ce_source", b"/laurel/tracking")
_CONTENT: Final = ("content-type", b"application/json")
# How every event begins that `encode_event` or the redirect's template wrote in this version.
_BEGINNING: Final = re.compile(
    rb'\{"type":"([a-z_]+)","event_id":"([0-9a-f-]{36})","workspace_id":"([0-9a-f-]{36})",'
    rb'"occurred_at":"([0-9T:.Z+-]+)"'
)


def key_and_headers(value: bytes) -> tuple[bytes, Headers]:
    """What the log shows of an encoded event: the key and the headers, read from its first fields, a tenth of the cost of decoding it.

    Raises `EventRejected` for what is no event; whether the rest of it is sound is for its reader to judge.
    """
    begun = _BEGINNING.match(value)
    if begun is None:
        event = decode_event(value)
        return event.workspace_id.encode(), event_headers(event)
    name, event_id, workspace_id, occurred_at = begun.groups()
    return workspace_id, _headers(event_id, b"laurel.%b.v%d" % (name, VERSION), occurred_at)


def event_type(event: AnyEvent) -> str:
    """The tag on the wire: `clicked`, `ordered`, …"""
    return tag_of(type(event))


def tag_of(kind: type[Event]) -> str:
    """The tag on the wire of a kind of event."""
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def event_kinds() -> tuple[type[Event], ...]:
    """Every kind, for samples and schemas."""
    return get_args(AnyEvent)


def fingerprint(event: AnyEvent) -> bytes:
    """16 bytes that tell two payloads under one id apart: a hash of the event without `received_at`, `quality` and `source`.

    A clamped time is ours, another at each delivery, so it does not count. A conversion's own time stands in its `version`, clamped or not.
    """
    has_own_time = isinstance(event, Converted) and event.version != 0
    is_moved = Quality.CLAMPED in event.quality or has_own_time
    moment = _NO_MOMENT if is_moved else event.occurred_at
    same = structs.replace(
        event, occurred_at=moment, received_at=moment, quality=(), source=_ANYWHERE
    )
    digest = _FINGERPRINT.copy()
    digest.update(_encoder.encode(same))
    return digest.digest()


# Copied for each event: making one costs more than using it.
_FINGERPRINT: Final = hashlib.blake2b(digest_size=16)
_ANYWHERE: Final = Source("edge", "")
_NO_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
