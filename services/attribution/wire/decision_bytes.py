"""Decisions and standing ledger entries as stored bytes (JSON).

Promise: encoded bytes decode to an equal value, and equal values have equal bytes.
What can go wrong: bytes of an older release that lack a field decode with the default of the field;
the next recompute of the conversion then writes a new revision.
"""

import base64
from fractions import Fraction
from typing import Final

import msgspec

from services.attribution.domain.model import Decision
from shared.credits import CreditEntry


def _encode_other(value: object) -> object:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"a decision holds a {type(value).__name__}, which has no stored form")


def _decode_other(kind: type, value: object) -> object:
    if kind is Fraction and isinstance(value, str):
        return Fraction(value)
    raise TypeError(f"a stored decision holds a {kind.__name__}, which has no form in memory")


_encoder: Final = msgspec.json.Encoder(enc_hook=_encode_other)
_decision_decoder: Final = msgspec.json.Decoder(Decision, dec_hook=_decode_other)
_standing_decoder: Final = msgspec.json.Decoder(tuple[CreditEntry, ...])


def encode_decision(decision: Decision) -> bytes:
    """Return the stored bytes of a decision."""
    return _encoder.encode(decision)


def encode_notes(decision: Decision) -> str | None:
    """Return the stored notes of a decision; None when it has none."""
    return _encoder.encode(decision.notes).decode() if decision.notes else None


def decode_decision(body: bytes) -> Decision:
    """Return the decision of stored bytes."""
    return _decision_decoder.decode(body)


def encode_standing(entries: tuple[CreditEntry, ...]) -> bytes:
    """Return the stored bytes of the entries that stand after a posting."""
    return _encoder.encode(entries)


def decode_standing(body: bytes) -> tuple[CreditEntry, ...]:
    """Return the entries that stood after the last posting."""
    return _standing_decoder.decode(body)
