"""Every id of an event has the one spelling of a UUID, however the ids are checked together."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import EventRejected, RejectReason, decode_event

CLICKED: dict[str, Any] = {
    "type": "clicked",
    "event_id": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
    "workspace_id": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c",
    "link_id": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5d",
    "occurred_at": "2026-03-01T12:00:00Z",
    "received_at": "2026-03-01T12:00:00Z",
    "source": {"kind": "edge", "id": "redirect"},
}
IDENTIFIED = {k: v for k, v in CLICKED.items() if k != "link_id"} | {"type": "identified"}
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def refusal(fields: dict[str, Any]) -> str:
    with pytest.raises(EventRejected) as caught:
        decode_event(json.dumps(fields).encode())
    assert caught.value.reason is RejectReason.NOT_AN_EVENT
    return str(caught.value)


@pytest.mark.parametrize("event", [CLICKED, IDENTIFIED])
@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "0190A1B2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
        "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b",
        "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5",
        "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b0",
        "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5ü",
        "0190a1b2-c3d47-e5f-8a9b-0c1d2e3f4a5b",
        "{0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a}",
    ],
)
def test_a_wrong_id_is_refused_and_named(event: dict[str, Any], wrong: str) -> None:
    for name in event.keys() & {"event_id", "workspace_id", "link_id"}:
        assert f"$.{name}" in refusal(event | {name: wrong})


@pytest.mark.parametrize("event", [CLICKED, IDENTIFIED])
def test_a_digit_that_moved_to_the_next_id_is_missed(event: dict[str, Any]) -> None:
    """Side by side the ids read the same."""
    first, second = event["event_id"], event["workspace_id"]
    refusal(event | {"event_id": first[:-1], "workspace_id": first[-1] + second})
    refusal(event | {"event_id": first + second[0], "workspace_id": second[1:]})


@given(st.text(st.sampled_from("0f-Ag"), min_size=36, max_size=36) | st.uuids().map(str))
def test_what_is_taken_is_a_uuid(text: str) -> None:
    fields = json.dumps(CLICKED | {"link_id": text}).encode()
    if UUID.fullmatch(text):
        decode_event(fields)
    else:
        with pytest.raises(EventRejected):
            decode_event(fields)
