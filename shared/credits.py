"""The records of the topic `laurel.credits`: attribution publishes them, roi adds them to rollups.

Promise: a record is one whole decision revision (all its reversals and new entries), the touch
counts of one batch, or reports of social counts. It carries the next `sequence` of its workspace. A
reader applies `last + 1`, drops smaller numbers, and stops with an error on a gap. `recorded_at`
never falls while `sequence` grows. `person_ref` is a pseudonym: it is equal for one person at that
moment and reveals nothing.
Version 2 is written; versions 1 and 2 are read. In version 1 an entry belongs to one touch with
its exact time; a reader finds the fields that came with version 2 at their defaults.
What can go wrong: `CreditsRejected` for bytes that are no credits record, or that have a version
of a newer Laurel. The envelope (`read_envelope`) can still be read then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import msgspec
from msgspec import Struct, field, structs

from shared.errors import Permanent
from shared.events import (
    CONVERSIONS,
    LATER_PURCHASE,
    LATER_PURCHASE_STAGE,
    Clicked,
    ConversionKind,
    Count,
    CountQuality,
    Currency,
    Event,
    Moment,
    Referred,
    Stage,
    Surveyed,
    Text,
    Uuid,
    Viewed,
)
from shared.ids import MAIN_STORE

VERSION: Final = 2
READ_VERSIONS: Final = (1, 2)
ORGANIC: Final = "organic"  # the account of credit that no placement earned
UNITS_PER_CONVERSION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class TouchDefinition:
    """The definition of one kind of touch.

    `stage` is the default stage of the customer journey; a policy may change it. `word` says what
    the person did. `event` is the event type of the touch, or None. `window_days` is the look-back
    of the default policy. 0: the kind does not count. None: the kind has no window, because it is
    no touch of one person or, for a code, because its effective dates are the window.
    """

    stage: Stage
    word: str
    event: type[Event] | None = None
    window_days: int | None = None


# All kinds of touch. To add a kind, add an entry.
TOUCHES: Final[Mapping[str, TouchDefinition]] = MappingProxyType(
    {
        "click": TouchDefinition("consideration", "clicked a link", Clicked, 30),
        "view": TouchDefinition("awareness", "saw it", Viewed, 0),
        # People type a code when they pay the order.
        "code": TouchDefinition("purchase", "typed the code"),
        "referral": TouchDefinition("advocacy", "came by a referral", Referred, 30),
        # The question "how did you hear of us?" asks for the first contact.
        "survey": TouchDefinition("awareness", "answered a survey with content", Surveyed, 30),
        "social": TouchDefinition("engagement", "interacted with it"),
    }
)
# The look-back of the default policy for each kind that has a window.
WINDOWS_DAYS: Final[Mapping[str, int]] = MappingProxyType(
    {kind: touch.window_days for kind, touch in TOUCHES.items() if touch.window_days is not None}
)
# The default stage of everything that has one. The stage map of a policy may override them.
STAGES: Final[Mapping[str, Stage]] = MappingProxyType(
    {kind: touch.stage for kind, touch in TOUCHES.items()}
    | {kind: conversion.stage for kind, conversion in CONVERSIONS.items()}
    | {LATER_PURCHASE: LATER_PURCHASE_STAGE}
)

# Evidence classes that are no touch kind: a code and a click of one creator that say the same, and
# credit of a returning customer for those who won the customer.
CODE_AND_CLICK: Final = "code+click"
ACQUIRED: Final = "acquired"

if TYPE_CHECKING:
    TouchKind = str
    EvidenceClass = str
else:
    # The closed lists for decoders and schemas.
    TouchKind = Literal[tuple(TOUCHES)]
    EvidenceClass = Literal[(*TOUCHES, CODE_AND_CLICK, ACQUIRED)]


class CreditEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ledger entry: the credits of one decision in one slot.

    A slot is model, account, evidence class, touch kind, stage of the touch, link, code, sub-source
    and `touched_at`: the UTC quarter of an hour in which the touches happened. In version 1 it is
    the exact time of one touch. `account` is a placement id or `organic`. `stage` is the stage of
    the conversion, `touch_stage` the stage of the touches.

    `evidence_class` says by what the credit was earned: the touch kind, or `code+click` for a code
    whose creator's link was clicked; the account is then that of the link. With `acquired` the
    touch is one of the customer's first order. `link_id` is the clicked link. `code` is the
    discount or referral code, normalised. `sub_source` is what the sender said about the place of a
    link; touches do not carry it yet, so it is None. Organic credit has none of these and no
    `touched_at`: both time bases then use the time of the conversion.

    `units` are millionths of a conversion that was kept. `placed_units` are the same share of the
    order as it was placed: a cancellation does not take them away. `net_minor` is the net of the
    whole conversion in this revision; the sum of `amount_minor` times `net_minor` adds over any
    grouping, reversals included. Both are None on entries of version 1.

    A reversal repeats an entry with the signs of amount, units and placed units inverted;
    `reverses` is the revision that booked the entry, None on other entries and in version 1.
    `occurred_at` None means the record's `occurred_at`. When the time of a conversion was
    corrected, a reversal carries the old time, so that it subtracts from the day to which the entry
    was added.
    """

    model: str
    revision: int
    account: str
    amount_minor: int
    units: int
    currency: Currency | None
    stage: Stage
    touch_stage: Stage | None = None
    touched_at: Moment | None = None
    occurred_at: Moment | None = None
    touch_kind: TouchKind | None = None
    evidence_class: EvidenceClass | None = None
    link_id: Uuid | None = None
    code: str | None = None
    sub_source: str | None = None
    placed_units: int | None = None
    net_minor: int | None = None
    reverses: int | None = None


class DecisionCredited(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="decision"
):
    """One revision of one decision: every entry that it adds to the ledger, reversals first.

    An entry that the revision does not change is not repeated: it stays in the ledger under its
    earlier revision. `memos` have the form of entries and belong to models that are not additive.
    They are not in the ledger and are never summed. `currency` is None for a conversion without
    money. `store` is the store of the conversion: `main`, or the id of another store. `bought_at`
    is the time of the person's first standing order at or before this conversion, itself included;
    None: no such order is known, or the record is of version 1.
    """

    v: int = field(default_factory=lambda: VERSION)
    workspace_id: Uuid
    sequence: int
    recorded_at: Moment
    decision_id: Uuid
    revision: int
    conversion_id: Uuid
    kind: ConversionKind
    natural_id: str
    store: str = MAIN_STORE
    occurred_at: Moment
    currency: Currency | None
    person_ref: str
    new_customer: bool | None = None
    bought_at: Moment | None = None
    entries: tuple[CreditEntry, ...]
    memos: tuple[CreditEntry, ...] = ()


class Tally(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The change in the touch counts of one account, kind, stage, link, code and quarter hour.

    Offsets of time zones are whole quarters of an hour, so local days and hours can be summed.
    `link_id`, `code` and `sub_source` are those of a slot (see `CreditEntry`); in version 1 they
    are None and a tally counts the touches of all links and codes of the account.
    `counted` are touches that can earn credit. `flagged` are touches of bots, previews and
    prefetches, and repeat clicks: what a visitor clicked again on a link within 10 seconds. So all
    touches are the sum of both. Either is negative when a corrected owner moves touches to another
    account, and `counted` when an earlier click that comes late makes a later one a repeat.
    """

    account: str
    kind: TouchKind
    stage: Stage
    quarter_at: Moment
    counted: int
    flagged: int = 0
    link_id: Uuid | None = None
    code: str | None = None
    sub_source: str | None = None


class TouchesTallied(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="touches"
):
    """The changes in the touch counts of a workspace by one batch or one corrected owner."""

    v: int = field(default_factory=lambda: VERSION)
    workspace_id: Uuid
    sequence: int
    recorded_at: Moment
    tallies: tuple[Tally, ...]


class SocialCounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The counts of a placement from its beginning on; None is not told, and not 0."""

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


COUNT_NAMES: Final[tuple[str, ...]] = SocialCounts.__struct_fields__


class CountReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one source told about the counts of one placement at `counted_at`.

    Of the reports of one source for one moment, the one with the greatest (`received_at`,
    `event_id`) counts, in whatever order they come. An event that was received again comes again,
    with its later time. The placement may be unknown; its counts are in no figure then. A report of
    an import (`import_id`) that roi has undone does not count.
    """

    event_id: Uuid
    placement_id: Uuid
    source: Text
    quality: CountQuality
    counted_at: Moment
    received_at: Moment
    counts: SocialCounts
    import_id: Uuid | None = None


class CountsReported(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="counts"
):
    """Reports of social counts of a workspace, in no particular order."""

    v: int = field(default_factory=lambda: VERSION)
    workspace_id: Uuid
    sequence: int
    recorded_at: Moment
    reports: tuple[CountReport, ...]


AnyCredits = DecisionCredited | TouchesTallied | CountsReported


class Envelope(Struct, frozen=True, kw_only=True):
    """The fields that every version of a credits record has; records of version 1 omit `v`."""

    v: int = 1
    workspace_id: Uuid
    sequence: int


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(AnyCredits)
_envelope_decoder: Final = msgspec.json.Decoder(Envelope)


class CreditsRejected(Permanent):
    """The bytes are not a credits record: a bug or a newer writer.

    The reader stops the workspace of the record.
    """


def encode_credits(record: AnyCredits) -> bytes:
    """Return the JSON bytes of a record for the log."""
    return _encoder.encode(record)


def read_envelope(value: bytes) -> Envelope:
    """Return workspace, number and version of a record of any version. Raises `CreditsRejected`."""
    return _decoded(_envelope_decoder, value)


def decode_credits(value: bytes) -> AnyCredits:
    """Return the record in the value of a log record. Raises `CreditsRejected`."""
    version = read_envelope(value).v
    if version not in READ_VERSIONS:
        raise CreditsRejected(f"version {version}, known are {READ_VERSIONS}")
    record: AnyCredits = _decoded(_decoder, value)
    return record if record.v == version else structs.replace(record, v=version)


_Decoded = TypeVar("_Decoded")


def _decoded(decoder: msgspec.json.Decoder[_Decoded], value: bytes) -> _Decoded:
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CreditsRejected(str(error)) from error
