"""Ids of events: their form on the log and their formulas."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import EventRejected, RejectReason, decode_event, encode_event, fingerprint
from shared.ids import (
    click_event_id,
    conversion_id,
    conversion_key,
    customer_key,
    natural_id,
    person_key,
)

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
    """The joined text of the ids stays the same."""
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


# Ids of the first release. Stored ids never expire, so the formulas must not change.
WORKSPACE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c"
GOLDEN = {
    ("secret", "ordered", "1001"): "7a0a1f0b-2019-5bf7-8e56-93e081e0a5f3",
    ("secret", "lead", "1001"): "451741aa-e7e5-587c-b8a9-e6e4f8500409",
    ("public", "ordered", "1001"): "4b6e6727-87f5-5cff-a6b3-2f7f1666775b",
    ("shopify", "ordered", "1001"): "db1a37a3-3c5b-55e9-8d4c-f78008e2da04",
    ("shopify", "order_adjusted", "8:purchase4:10012:r1"): "b358bf57-b1f9-50b8-9601-117edf1fd69c",
    ("catalog", "automatic_placement", "x"): "1191eecd-1262-549f-baab-a8051ce870f4",
}


def test_ids_of_the_first_release_stay_and_the_first_store_adds_nothing() -> None:
    for parts, expected in GOLDEN.items():
        assert natural_id(WORKSPACE, *parts) == expected
        assert natural_id(WORKSPACE, *parts, store="main") == expected
    assert click_event_id(WORKSPACE, "c1") == "a5c5f01e-2024-5df7-83f5-cfb11feffe16"
    assert natural_id(WORKSPACE, "edge", "clicked", "c1") == click_event_id(WORKSPACE, "c1")


def test_conversions_of_the_first_release_keep_their_ids_and_keys() -> None:
    for store in ({}, {"store": "main"}):
        purchase = conversion_id(WORKSPACE, "purchase", "1001", **store)
        assert purchase == "103136ab-2b2e-58d1-98a0-4764a318969e"
        assert conversion_key("purchase", "1001", **store).hex() == (
            "6fffa54f723c0aad91216a4e252e1fde"
        )
        lead = conversion_id(WORKSPACE, "lead", "1001", **store)
        assert lead == "0f364e54-f165-5e6c-a9f7-e1628ff19f8c"
        assert conversion_key("lead", "1001", **store).hex() == "6f9ec6767109898fe2c626bc04441777"


names = st.text(st.sampled_from("0123456789:abmain"), max_size=8)


@given(st.tuples(names, names, names, names), st.tuples(names, names, names, names))
def test_no_two_stores_share_an_id(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Parts that contain lengths give no equal text for different parts."""
    ids = {natural_id("w", *parts[1:], store=parts[0]) for parts in (one, other)}
    keys = {conversion_key(*parts[1:3], store=parts[0]) for parts in (one, other)}
    published = {conversion_id("w", *parts[1:3], store=parts[0]) for parts in (one, other)}
    assert len(ids) == len({one, other})
    assert len(keys) == len(published) == len({one[:3], other[:3]})


def test_a_second_store_named_like_a_kind_has_conversions_of_its_own() -> None:
    second = conversion_key("purchase", "1001", store="purchase")
    assert second != conversion_key("purchase", "8:purchase1001")
    assert natural_id("w", "secret", "ordered", "1", store="b") != natural_id(
        "w", "b", "secret", "7:ordered1:1"
    )


def test_a_customer_of_the_first_store_keeps_the_key_of_the_first_release() -> None:
    assert customer_key("17", "main") == person_key("customer", "17")
    assert person_key("customer", "17").hex() == "635c3295e627be9fc61f76d3a96c5631"


@given(st.tuples(names, names), st.tuples(names, names))
def test_no_two_stores_share_a_customer(one: tuple[str, str], other: tuple[str, str]) -> None:
    found = {customer_key(customer, store) for store, customer in (one, other)} - {None}
    known = {(store, customer) for store, customer in (one, other) if customer != "0"}
    assert len(found) == len(known)


def test_a_guest_is_no_customer_of_any_store() -> None:
    assert customer_key("0", "main") is customer_key("0", "outlet") is None
    assert customer_key(None, "main") is None


def test_an_event_without_a_store_is_of_the_first_one_and_keeps_its_bytes() -> None:
    """Records of the releases before stores have no such field; `main` is left out."""
    ordered = CLICKED | {"type": "ordered", "natural_id": "1001", "net_minor": 1, "currency": "EUR"}
    del ordered["link_id"]
    old = decode_event(json.dumps(ordered).encode())
    named = decode_event(json.dumps(ordered | {"store": "main"}).encode())
    other = decode_event(json.dumps(ordered | {"store": "outlet"}).encode())
    assert old == named
    assert "store" not in json.loads(encode_event(old))
    assert fingerprint(old) != fingerprint(other)
