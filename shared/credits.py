"""The vocabulary of `laurel.credits`: what attribution publishes and roi, or anyone's warehouse, folds.

Promise: a record is one whole decision revision (all reversals and entries) or one batch's touch tallies of one workspace, and carries
that workspace's contiguous `sequence`: a reader folds `last + 1`, drops what it has, and stops loudly on a gap. `recorded_at` is
monotone in the sequence. `person_ref` is a pseudonym: equal for one person at that moment, worthless outside.
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
ORGANIC: Final = "organic"  # the account of what nobody is credited for
UNITS_PER_CONVERSION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class TouchDefinition:
    """What Laurel knows about a kind of touch.

    `stage` is its stage of the customer journey unless a policy says otherwise. `word` says what
    the person did. `event` is the event that is such a touch, None when none is. `window_days` is
    the look-back of the default policy, 0: the kind does not count there; None: it has no window,
    because its events are no person's touches or, for a code, its effective dates are the window.
    """

    stage: Stage
    word: str
    event: type[Event] | None = None
    window_days: int | None = None


# The home of the kinds of touch: one entry a kind.
TOUCHES: Final[Mapping[str, TouchDefinition]] = MappingProxyType(
    {
        "click": TouchDefinition("consideration", "clicked a link", Clicked, 30),
        "view": TouchDefinition("awareness", "saw it", Viewed, 0),
        # A code is typed when the order is paid.
        "code": TouchDefinition("purchase", "typed the code"),
        "referral": TouchDefinition("advocacy", "came by a referral", Referred, 30),
        # The question "how did you hear of us?" asks for the first meeting.
        "survey": TouchDefinition("awareness", "named it when asked", Surveyed, 30),
        "social": TouchDefinition("engagement", "interacted with it"),
    }
)
# The look-back of the default policy, of each kind that has a window.
WINDOWS_DAYS: Final[Mapping[str, int]] = MappingProxyType(
    {kind: facts.window_days for kind, facts in TOUCHES.items() if facts.window_days is not None}
)
# Everything that has a stage, and which: what the stage map of a policy may override.
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
    """One ledger entry. A reversal repeats an entry of `revision` − 1 or older with both signs turned.

    `account` is a placement id or `organic`; `units` are millionths of a conversion; `stage` is the conversion's, `touch_stage` the touch's.
    `touched_at` None on organic credit: it is dated by the conversion under both bases of time. `occurred_at` None: the record's; a
    reversal carries the old one when the conversion's own time was corrected, so it takes away where it was once added.
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
    """One revision of one decision: every entry it adds to the ledger, reversals first.

    `memos` have the form of entries and belong to models that are not additive: they are beside
    the ledger and are never summed with it. `currency` None: a conversion without money.
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
    """Touches of one account in one quarter of an hour (every time zone's hour is a whole number of them), by kind and stage.

    `counted` are touches that can earn, `flagged` those of bots, previews and prefetches; both may be negative when a corrected
    owner moves them to another account.
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
    """What one batch, or one corrected owner, changed in the touch counts of a workspace."""

    v: int = VERSION
    workspace_id: Uuid
    sequence: int
    recorded_at: Moment
    tallies: tuple[Tally, ...]


AnyCredits = DecisionCredited | TouchesTallied

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(AnyCredits)


class CreditsRejected(Permanent):
    """The bytes are no credits record: a bug or a newer writer, so the reader stops."""


def encode_credits(record: AnyCredits) -> bytes:
    """The bytes that travel on the log."""
    return _encoder.encode(record)


def decode_credits(value: bytes) -> AnyCredits:
    """The record in a value; raises `CreditsRejected`."""
    try:
        record: AnyCredits = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CreditsRejected(str(error)) from error
    return record
