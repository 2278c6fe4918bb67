"""The attention list over HTTP, and conversions that the worker sets aside and retries."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.attribution.pipeline.recompute import Recomputer
from services.attribution.store.attention import KINDS
from shared.events import AnyEvent
from shared.ids import new_id
from tests.factories import NOON
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_http import Service, key_record, serving

QUEUE = (
    "SELECT c.natural_id, r.attempts, r.problem, extract(epoch FROM r.retry_at - r.failed_at)::int"
    " FROM attribution.recomputes AS r JOIN attribution.conversions AS c"
    " USING (own_key, workspace_id) ORDER BY 1"
)
# The attempts are pretended to be over, as if the time had passed.
DUE = "UPDATE attribution.recomputes SET retry_at = '-infinity'"


@pytest.fixture
async def service(fresh_database: str, secret_key: str) -> AsyncIterator[Service]:
    async with serving(fresh_database, secret_key) as found:
        yield found


async def items(service: Service, **parameters: str) -> dict[str, Any]:
    """Return the items of the list by kind."""
    answer = await service.reader.get("/v1/attention", params=parameters)
    assert answer.status_code == 200, answer.text
    return {item["kind"]: item for item in answer.json()["items"]}


async def test_everything_that_changes_no_figure_is_listed(service: Service) -> None:
    assert await items(service) == {}
    story = service.story
    await service.send(
        story.adjusted("r1", of="unknown", at=NOON),
        story.adjusted("r2", of="unknown", at=NOON + timedelta(days=1)),
        story.order("claimed", source="public", source_id="page"),
        story.order("sold"),
    )
    await service.send_bytes(b"nonsense")

    async def listed() -> bool:
        return len(await items(service)) == 3

    await service.until(listed)
    found = await items(service)
    assert {kind: item["count"] for kind, item in found.items()} == {
        "adjustments_without_order": 2,
        "dead_letters": 1,
        "unconfirmed_claims": 1,
    }
    waiting = found["adjustments_without_order"]
    newest = (NOON + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert waiting["newest_at"] == newest
    first = waiting["examples"][0]
    assert (first["order_id"], first["occurred_at"]) == ("unknown", newest)
    assert first["event_id"] == story.ident("adjustment", "unknown/r2")
    assert found["unconfirmed_claims"]["examples"][0]["order_id"] == "claimed"
    assert "not_an_event" in found["dead_letters"]["examples"][0]["detail"]
    for kind, item in found.items():
        assert (item["sentence"], item["what_to_do"]) == (
            KINDS[kind].sentence,
            KINDS[kind].what_to_do,
        )
    # What comes later takes its item off the list. The claim still proves nothing.
    await service.send(story.order("unknown"), story.order("claimed"))

    async def only_the_letter_and_the_claim() -> bool:
        return set(await items(service)) == {"dead_letters", "claims_without_proof"}

    await service.until(only_the_letter_and_the_claim)


def doubtful(story: Story) -> list[AnyEvent]:
    """Return events with everything that is doubtful about the value of an order."""
    old = NOON - timedelta(days=30)

    def corrected(name: str) -> AnyEvent:
        clock: dict[str, Any] = {"version": 5, "tie_break": (1,)}
        return story.order(name, net=120, source="secret", source_id="key", **clock)

    return [
        story.order("twice", net=5000),
        story.adjusted("r1", of="twice", amount=3000),
        story.adjusted("r2", of="twice", amount=3000),
        story.adjusted("r3", of="twice", amount=100, source_id="bank"),
        story.order("trial", test=True),
        story.order("unpaid", at=old, unpaid=True),
        story.order("unpaid today", at=datetime.now(UTC), unpaid=True),
        story.order("pending"),
        story.adjusted("r4", of="pending", pending=True, version=1),
        story.order("corrected", net=100, source="secret", source_id="key", same="old"),
        corrected("corrected"),
        story.order("two sources", net=100),
        corrected("two sources"),
        story.order("told again", net=100, source="secret", source_id="key"),
        story.order("told again", net=130, source="secret", source_id="key"),
        story.noticed("n1", "products/update"),
        story.noticed("n2", "products/update", at=NOON + timedelta(hours=1)),
        story.noticed("n3", "customers/redact", "erase_customer", reference="191167"),
    ]


async def test_what_is_doubtful_about_the_value_of_an_order_is_listed(service: Service) -> None:
    story = service.story
    await service.send(*doubtful(story))
    expected = {
        "refunds_above_rest": {"twice"},
        "refunds_told_twice": {"twice"},
        "test_orders": {"trial"},
        "unpaid_orders": {"unpaid"},
        "pending_refunds": {"pending"},
        "versions_disagree": {"two sources"},
        "orders_with_another_body": {"told again"},
        "unused_topics": {None},
        "privacy_requests": {None},
    }

    async def listed() -> bool:
        found = await items(service)
        return expected == {
            kind: {example["order_id"] for example in item["examples"]}
            for kind, item in found.items()
        }

    await service.until(listed)
    twice = (await items(service))["refunds_above_rest"]["examples"][0]
    assert twice["event_id"] == story.ident("adjustment", "twice/r2")
    assert twice["detail"] == "the refund r2 takes 30.00 EUR"
    other = (await items(service))["versions_disagree"]["examples"][0]
    assert other["detail"] == "secret tells 1.20 EUR, 1.00 EUR counts"
    found = await items(service)
    topics, requests = (found[kind]["examples"] for kind in ("unused_topics", "privacy_requests"))
    assert [item["detail"] for item in topics] == ["shopify products/update: 2"]
    assert [item["detail"] for item in requests] == ["shopify erase_customer 191167"]
    # A later state of the refund takes it off the list.
    await service.send(story.adjusted("r4", of="pending", amount=0, version=2, same="failed"))

    async def not_pending() -> bool:
        return "pending_refunds" not in await items(service)

    await service.until(not_pending)


async def test_one_kind_can_be_asked_for(service: Service) -> None:
    await service.send_bytes(b"nonsense")
    await service.send(service.story.adjusted("r1", of="unknown"))

    async def listed() -> bool:
        return len(await items(service)) == 2

    await service.until(listed)
    assert set(await items(service, kind="dead_letters")) == {"dead_letters"}
    assert await items(service, kind="unconfirmed_claims") == {}
    refused = await service.reader.get("/v1/attention", params={"kind": "boredom"})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["kind"]
    nobody = await service.client.get("/v1/attention", headers={"authorization": "Bearer nobody"})
    assert nobody.status_code == 401


async def test_another_workspace_sees_none_of_it(service: Service) -> None:
    await service.send_bytes(b"nonsense")
    other, secret = Story(new_id()), f"lrl_sec_other000_{new_id()}{'x' * 8}"
    await service.tell(key_record(other, secret, "read"))

    async def listed() -> bool:
        headers = {"authorization": f"Bearer {secret}"}
        answer = await service.client.get("/v1/attention", headers=headers)
        return (
            bool(await items(service)) and answer.status_code == 200 and not answer.json()["items"]
        )

    await service.until(listed)


async def test_a_key_needs_the_scope_read(service: Service) -> None:
    secret = f"lrl_sec_tracker0_{new_id()}{'x' * 8}"
    await service.tell(key_record(service.story, secret, "track"))

    async def refused() -> bool:
        headers = {"authorization": f"Bearer {secret}"}
        return (await service.client.get("/v1/attention", headers=headers)).status_code == 403

    await service.until(refused)


async def test_a_conversion_that_cannot_be_decided_is_set_aside_and_its_neighbours_are_not(
    pipeline: AttributionPipeline, story: Story
) -> None:
    """The policy of one day names a model that does not exist; orders of other days are decided."""
    bad_from, good_from = NOON + timedelta(days=1), NOON + timedelta(days=2)
    await pipeline.learn(*story.cast())
    orders = [story.order(f"{n}", at=NOON + timedelta(hours=8 * n + 1), net=100) for n in range(9)]
    await pipeline.feed(*orders)
    wrong = story.policy(since=bad_from, models=("crystal_ball",))
    after = story.policy(name="after", since=good_from, models=("linear",))
    await pipeline.learn(wrong, after)
    aside = await pipeline.rows(QUEUE, story.workspace_id)
    assert [row[0] for row in aside] == ["3", "4", "5"]
    assert {row[1] for row in aside} == {1}
    assert {row[3] for row in aside} == {60}
    assert all("crystal_ball" in row[2] for row in aside)
    models = {row[1] for row in await pipeline.net_ledger(story.workspace_id) if row[0] == "8"}
    assert models == {"linear"}
    # Not due: nothing is tried. Due: it fails again and waits for twice the time.
    await drain(pipeline.worker, story)
    assert await pipeline.rows(QUEUE, story.workspace_id) == aside
    await make_due(pipeline, story)
    await drain(pipeline.worker, story)
    again = await pipeline.rows(QUEUE, story.workspace_id)
    assert [(row[1], row[3]) for row in again] == [(2, 120)] * 3
    # The corrected fact makes them due at once.
    await pipeline.learn(story.policy(since=bad_from, revision=2, models=("first",)))
    assert await pipeline.rows(QUEUE, story.workspace_id) == []
    decided = {row[0]: row[1] for row in await pipeline.net_ledger(story.workspace_id)}
    assert {decided[name] for name in ("3", "4", "5")} == {"first"}


async def drain(worker: Recomputer, story: Story) -> None:
    worker.call([story.workspace_id])
    await worker.drain()


async def make_due(pipeline: AttributionPipeline, story: Story) -> None:
    async with pipeline.database.write([story.workspace_id]) as connection:
        await connection.exec_driver_sql(DUE)
