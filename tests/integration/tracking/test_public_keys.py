"""A public key over HTTP: it speaks only for the browser it runs in, now.

Anybody can read the key in a page. Each test is an attack: to date a touch before an order, to name
somebody else's customer, or to take the event id of another sender.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.events import Converted, Identified, Person, Quality, fingerprint
from shared.ids import new_id
from shared.sealing import IdentitySecrets
from tests.integration.tracking.world import Site

LONG_AGO = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = {"visitor_id": "v-7", "customer_id": "42", "email": "ana@shop.example"}
ORDER: dict[str, Any] = {
    "order_id": "1001",
    "occurred_at": LONG_AGO.isoformat(),
    "net": "49.90",
    "currency": "EUR",
    "person": PERSON,
}
TOKEN = "a token of 16 characters or more"


def touches(site: Site, occurred_at: datetime) -> list[dict[str, Any]]:
    facts = {"occurred_at": occurred_at.isoformat(), "person": PERSON}
    placement = site.world.brand.link_id
    return [
        {"type": "clicked", "link": "mia", **facts},
        {"type": "viewed", "placement_id": placement, **facts},
        {"type": "visited", "page": "https://shop.example/", **facts},
        {"type": "engaged", "action": "add_to_cart", **facts},
        {"type": "identified", **facts},
        {"type": "referred", "code": "FRIEND", **facts},
        {"type": "surveyed", "placement_id": placement, **facts},
        {"type": "ordered", **ORDER, **facts},
        {"type": "lead", "conversion_id": "L-1", **facts},
    ]


@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24 * 5, 60 * 24 * 5])
async def test_a_public_key_cannot_date_an_event(site: Site, minutes: int) -> None:
    sent = touches(site, site.world.brand.clock.now() + timedelta(minutes=minutes))
    answer = await site.post("/v1/events", sent, site.world.brand.public_key)
    assert answer.json()["accepted"] == len(sent)
    for event in await site.events(len(sent)):
        assert event.occurred_at == event.received_at
        assert event.quality == (Quality.CLAMPED,)


async def test_a_browser_clock_that_is_nearly_right_is_believed(site: Site) -> None:
    near = site.world.brand.clock.now() - timedelta(minutes=4)
    await site.post("/v1/events", touches(site, near), site.world.brand.public_key)
    events = await site.events(9)
    assert {(event.occurred_at, event.quality) for event in events} == {(near, ())}


async def test_a_secret_key_dates_its_events(site: Site) -> None:
    await site.post("/v1/events", touches(site, LONG_AGO))
    assert {(event.occurred_at, event.quality) for event in await site.events(9)} == {
        (LONG_AGO, ())
    }


async def test_a_public_key_names_no_customer(site: Site) -> None:
    public = site.world.brand.public_key
    sent = touches(site, site.world.brand.clock.now())
    assert (await site.post("/v1/events", sent, public)).json()["accepted"] == len(sent)
    assert (await site.post("/v1/conversions", ORDER, public)).status_code == 202
    for event in await site.events(len(sent) + 1):
        assert event.person.visitor_id == "v-7"
        assert (event.person.customer_id, event.person.email_hash) == (None, None)


async def test_an_identification_that_names_only_a_customer_is_refused(site: Site) -> None:
    moment = site.world.brand.clock.now().isoformat()
    strong = {"customer_id": "42", "email": "ana@shop.example"}
    sent = [{"type": "identified", "occurred_at": moment, "person": strong}]
    refused = await site.post("/v1/events", sent, site.world.brand.public_key)
    assert refused.json()["rejected"][0]["errors"][0]["field"] == "person"
    await site.post("/v1/events", sent)
    (event,) = await site.events(1)
    assert isinstance(event, Identified)
    assert event.person.customer_id == "42"


def proof(site: Site, customer_id: str = "42", workspace_id: str | None = None) -> str:
    brand = site.world.brand
    return brand.sealer.identity_secrets().prove(workspace_id or brand.workspace_id, customer_id)


async def test_a_wrong_proof_of_a_customer_is_refused_by_name(site: Site) -> None:
    """Without the identity secret nobody has a proof: not for this customer, not of this brand."""
    stranger = IdentitySecrets(b"not the key").prove(site.world.brand.workspace_id, "42")
    wrong = ["0" * 64, "not one", stranger, proof(site, "43"), proof(site, "42", new_id())]
    people = [PERSON | {"proof": text} for text in wrong]
    people.append({"visitor_id": "v-7", "proof": proof(site)})
    moment = site.world.brand.clock.now().isoformat()
    for person in people:
        for key in (site.world.brand.public_key, site.world.brand.secret_key):
            answer = await site.post("/v1/conversions", ORDER | {"person": person}, key)
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["field"] == "person.proof"
            sent = {"type": "identified", "occurred_at": moment, "person": person}
            refused = (await site.post("/v1/events", [sent], key)).json()["rejected"]
            assert refused[0]["errors"][0]["field"] == "person.proof"
    await site.events(0)


async def test_a_page_that_proves_its_customer_names_it_and_no_e_mail(site: Site) -> None:
    person = PERSON | {"proof": proof(site).upper()}
    moment = site.world.brand.clock.now().isoformat()
    sent = [{"type": "identified", "occurred_at": moment, "person": person}]
    accepted = await site.post("/v1/events", sent, site.world.brand.public_key)
    assert accepted.json()["accepted"] == 1
    (event,) = await site.events(1)
    assert event.person == Person(visitor_id="v-7", customer_id="42", is_proven=True)


async def test_a_claim_never_takes_the_id_of_another_event(site: Site) -> None:
    """An early claim with a guessed order number must not push out the honest one."""
    public = site.world.brand.public_key
    claims = [
        ORDER,
        ORDER | {"net": "0.01"},
        ORDER | {"person": {"visitor_id": "v-8"}},
        ORDER | {"claim_token": TOKEN},
        ORDER | {"claim_token": f"{TOKEN}!"},
        ORDER | {"codes": ["MIA10"]},
        ORDER | {"occurred_at": "2026-03-01T12:00:01Z"},
    ]
    for claim in (*claims, *claims):
        assert (await site.post("/v1/conversions", claim, public)).status_code == 202
    await site.post("/v1/conversions", ORDER)
    events = await site.events(2 * len(claims) + 1)
    contents = {event.event_id: fingerprint(event) for event in events}
    assert len(contents) == len(claims) + 1
    assert all(contents[event.event_id] == fingerprint(event) for event in events)


async def test_a_touch_of_a_public_key_never_takes_the_id_of_another(site: Site) -> None:
    moment = site.world.brand.clock.now()
    public = site.world.brand.public_key
    for visitor, seconds in (("v-1", 0), ("v-2", 0), ("v-1", 1), ("v-1", 3_600)):
        body = {
            "type": "referred",
            "event_id": "mine",
            "occurred_at": (moment - timedelta(seconds=seconds)).isoformat(),
            "code": "FRIEND",
            "person": {"visitor_id": visitor},
        }
        await site.post("/v1/events", [body], public)
    events = await site.events(4)
    contents = {event.event_id: fingerprint(event) for event in events}
    assert len(contents) == 2
    assert all(contents[event.event_id] == fingerprint(event) for event in events)


async def test_a_claim_token_is_stored_hashed_and_is_the_same_for_both_kinds_of_key(
    site: Site,
) -> None:
    body = ORDER | {"claim_token": TOKEN}
    await site.post("/v1/conversions", body, site.world.brand.public_key)
    await site.post("/v1/conversions", body | {"claim_token": f"  {TOKEN} "})
    await site.post("/v1/conversions", ORDER | {"order_id": "1002", "claim_token": TOKEN + "x"})
    events = [event for event in await site.events(3) if isinstance(event, Converted)]
    hashes = [event.claim_token_hash for event in events]
    assert hashes[0] is not None
    assert hashes[0] == hashes[1] != hashes[2]
    assert TOKEN not in repr(events)


@pytest.mark.parametrize("token", ["", "x" * 15, f"{'x' * 15} ", " " * 40, "x" * 257, 1, ["x"]])
async def test_a_bad_claim_token_is_named(site: Site, token: Any) -> None:
    body = ORDER | {"claim_token": token}
    for key in (site.world.brand.public_key, site.world.brand.secret_key):
        answer = await site.post("/v1/conversions", body, key)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "claim_token"
