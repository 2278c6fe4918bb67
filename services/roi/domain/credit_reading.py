"""Read one credits record from its bytes, or say why it cannot be folded. Pure.

Promise: the envelope (workspace, sequence) is read before the body, so a record that cannot be read
stops only its workspace, at its sequence.
"""

from typing import Final
from uuid import UUID

from services.roi.domain.rollup import Offered, Unreadable, account_id
from shared.credits import (
    AnyCredits,
    CreditsRejected,
    DecisionCredited,
    TouchesTallied,
    decode_credits,
    read_envelope,
)

# The largest number of a bigint column.
_INTEGER_MAX: Final = 2**63 - 1


def read_credits(value: bytes, key: bytes) -> Offered | None:
    """Return the record in a value of the log, or why it cannot be folded.

    The key of the record names its workspace when the value does not. None: neither does.
    """
    try:
        record = decode_credits(value)
        _check(record)
    except CreditsRejected as error:
        return _unreadable(value, key, str(error))
    return record


def _check(record: AnyCredits) -> None:
    """Raise `CreditsRejected` for a record that has no place in the rollups."""
    if not 1 <= record.sequence <= _INTEGER_MAX:
        raise CreditsRejected(f"sequence {record.sequence} of {record.workspace_id}")
    accounts: list[str] = []
    if isinstance(record, DecisionCredited):
        accounts = [entry.account for entry in (*record.entries, *record.memos)]
    elif isinstance(record, TouchesTallied):
        accounts = [tally.account for tally in record.tallies]
    for account in accounts:
        account_id(account)


def _unreadable(value: bytes, key: bytes, problem: str) -> Unreadable | None:
    try:
        envelope = read_envelope(value)
    except CreditsRejected:
        try:
            workspace_id = str(UUID(key.decode()))
        except ValueError:
            return None
        return Unreadable(workspace_id, 0, value, problem)
    sequence = envelope.sequence if 1 <= envelope.sequence <= _INTEGER_MAX else 0
    return Unreadable(envelope.workspace_id, sequence, value, problem)
