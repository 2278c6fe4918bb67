"""The records of the topic `laurel.credits`: attribution publishes them, roi adds them to rollups.

Promise: a record is one whole decision revision (all its reversals and entries), or the touch
counts of one batch. It carries the next `sequence` of its workspace. A reader applies
`last + 1`, drops smaller numbers, and stops with an error on a gap. `recorded_at` never falls
while `sequence` grows. `person_ref` is a pseudonym: it is equal for one person at that moment and
reveals nothing.
What can go wrong: `CreditsRejected` for bytes that are no credits record. The envelope
(`read_envelope`) can often still be read then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec import Struct

from shared.errors import Permanent
from shared.events import (
    CONVERSIONS,
    LATER_PURCHASE,
    LATER_PURCHASE_STAGE,
    Clicked,
    ConversionKind,
    Currency,
    Event,
    Moment,
    Referred,
    Stage,
    Surveyed,
    Uuid,
    Viewed,
)

VERSION: Final = 1
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
        "survey": TouchDefinition("awareness", "named it when asked", Surveyed, 30),
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

if TYPE_CHECKING:
    TouchKind = str
else:
    # The closed list for decoders and schemas.
    TouchKind = Literal[tuple(TOUCHES)]


class CreditEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ledger entry.

    A reversal repeats an entry of an earlier revision with both signs inverted.
    `account` is a placement id or `organic`. `units` are millionths of a conversion. `stage` is
    the stage of the conversion, `touch_stage` the stage of the touch. `touched_at` is None on
    organic credit: both time bases then use the time of the conversion. `occurred_at` None means
    the record's `occurred_at`. When the time of a conversion was corrected, a reversal carries the
    old time, so that it subtracts from the day to which the entry was added.
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


class DecisionCredited(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="decision"
):
    """One revision of one decision: every entry that it adds to the ledger, reversals first.

    `memos` have the form of entries and belong to models that are not additive. They are not in
    the ledger and are never summed. `currency` is None for a conversion without money.
    """

    v: int = VERSION
    workspace_id: Uuid
    sequence: int
    recorded_at: Moment
    decision_id: Uuid
    revision: int
    conversion_id: Uuid
    kind: ConversionKind
    natural_id: str
    occurred_at: Moment
    currency: Currency | None
    person_ref: str
    new_customer: bool | None = None
    entries: tuple[CreditEntry, ...]
    memos: tuple[CreditEntry, ...] = ()


class Tally(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The change in the touch counts of one account, kind, stage and quarter of an hour.

    Offsets of time zones are whole quarters of an hour, so local days and hours can be summed.
    `counted` are touches that can earn credit. `flagged` are touches of bots, previews and
    prefetches. Both are negative when a corrected owner moves touches to another account.
    """

    account: str
    kind: TouchKind
    stage: Stage
    quarter_at: Moment
    counted: int
    flagged: int = 0


class TouchesTallied(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="touches"
):
    """The changes in the touch counts of a workspace by one batch or one corrected owner."""

    v: int = VERSION
    workspace_id: Uuid
    sequence: int
    recorded_at: Moment
    tallies: tuple[Tally, ...]


AnyCredits = DecisionCredited | TouchesTallied


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
    try:
        return _envelope_decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CreditsRejected(str(error)) from error


def decode_credits(value: bytes) -> AnyCredits:
    """Return the record in the value of a log record. Raises `CreditsRejected`."""
    try:
        record: AnyCredits = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CreditsRejected(str(error)) from error
    return record
