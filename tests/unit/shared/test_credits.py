"""Credits records: the envelope of any version is read, an unknown version is refused."""

import json
from typing import Any

import pytest

from shared.credits import CreditsRejected, Envelope, decode_credits, read_envelope
from shared.ids import natural_id

WORKSPACE = natural_id("tests", "credits", "workspace", "main")


def written(**fields: Any) -> bytes:
    return json.dumps({"type": "?", "workspace_id": WORKSPACE, "sequence": 4} | fields).encode()


def test_a_record_of_a_newer_version_still_names_its_workspace_and_number() -> None:
    newer = written(v=9, type="something new", entries="of another shape")
    assert read_envelope(newer) == Envelope(v=9, workspace_id=WORKSPACE, sequence=4)
    with pytest.raises(CreditsRejected, match="version 9"):
        decode_credits(newer)


def test_a_record_without_a_version_is_of_version_1() -> None:
    touches = written(type="touches", recorded_at="2026-03-01T12:00:00Z", tallies=[])
    assert read_envelope(touches).v == decode_credits(touches).v == 1


@pytest.mark.parametrize("value", [b"", b"[]", b"\xff", b"{}", written(sequence="4"), b'{"v": 2}'])
def test_bytes_without_an_envelope_are_refused(value: bytes) -> None:
    with pytest.raises(CreditsRejected):
        read_envelope(value)
    with pytest.raises(CreditsRejected):
        decode_credits(value)
