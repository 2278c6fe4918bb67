"""The whole service over HTTP on the Postgres log: explanations, balance, dead letters and lag."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from services.attribution.app import Outside, running_attribution
from shared.catalog import AnyCatalogRecord, ApiKey, Scope, catalog_key, encode_catalog
from shared.clock import SystemClock
from shared.credits import DecisionCredited, decode_credits
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.events import AnyEvent, encode_event
from shared.ids import api_key_hash, new_id
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import EventLog, Record
from shared.log.postgres import PostgresLog
from shared.log.topics import ALL, CATALOG, CREDITS, EVENTS
from shared.sealing import Sealer
from tests.factories import NOON
from tests.fixtures.http import running
from tests.integration.attribution.story import Story

# A wait of the tests, not a promise.
SECONDS = 90.0


@dataclass
class Service:
    """A running attribution service, its log, and a client with an admin key."""

    story: Story
    log: EventLog
    broker: MemoryBroker
    client: httpx.AsyncClient
    reader: httpx.AsyncClient

    async def tell(self, *records: AnyCatalogRecord) -> None:
        await self.log.append(
            CATALOG, [Record(catalog_key(record), encode_catalog(record)) for record in records]
        )

    async def teach(self, *records: AnyCatalogRecord) -> None:
        """Append catalog records and wait for them: the two topics are read concurrently."""
        await self.tell(*records)

        async def read() -> bool:
            lag = (await self.get("/v1/lag"))["items"]
            return all(item["records"] == 0 for item in lag if item["topic"] == CATALOG.name)

        await self.until(read)

    async def send(self, *events: AnyEvent) -> None:
        await self.send_bytes(*(encode_event(event) for event in events))

    async def send_bytes(self, *values: bytes) -> None:
        key = self.story.workspace_id.encode()
        await self.log.append(EVENTS, [Record(key, value) for value in values])

    async def get(self, path: str, **parameters: Any) -> Any:
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(SECONDS):
            while not await holds():  # noqa: ASYNC110 - what is awaited lives in another process's part
                await asyncio.sleep(0.02)

    async def explained(self, order_id: str, revisions: int = 1) -> Any:
        """Return the explanation once it has this many revisions."""
        found: list[Any] = []

        async def holds() -> bool:
            answer = await self.client.get("/v1/explanations", params={"order_id": order_id})
            found[:] = [answer.json()]
            return answer.status_code == 200 and len(found[0]["revisions"]) >= revisions

        await self.until(holds)
        return found[0]


def key_record(story: Story, secret: str, *scopes: Scope) -> ApiKey:
    return ApiKey(
        workspace_id=story.workspace_id,
        id=new_id(),
        revision=1,
        recorded_at=NOON,
        sha256=api_key_hash(secret),
        scopes=scopes,
    )


@asynccontextmanager
async def serving(
    url: str, secret_key: str, *, on_postgres: bool = False
) -> AsyncIterator[Service]:
    """Run a service on the given database with a story; the owner writes the Postgres log."""
    broker = MemoryBroker(SystemClock())
    database = Database(
        service_url(url, "attribution", secret_key), application_name="test", pool_size=10
    )
    story, clock = Story(new_id()), SystemClock()
    log: EventLog = PostgresLog(url, clock) if on_postgres else MemoryLog(broker)
    inner: EventLog = MemoryLog(broker)
    if on_postgres:
        inner = PostgresLog(service_url(url, "attribution", secret_key), clock)
    admin, reader = (f"lrl_sec_{name}_{new_id()}{'x' * 8}" for name in ("adminkey", "reader00"))
    sealer = Sealer(secret_key)
    outside = Outside(database, inner, clock, sealer.text_hasher(), sealer.text_sealer())
    await log.open()
    await log.ensure_topics(ALL)
    async with (
        closing(log),
        running_attribution(outside) as app,
        running(app) as base,
        httpx.AsyncClient(base_url=base, headers={"authorization": f"Bearer {admin}"}) as one,
        httpx.AsyncClient(base_url=base, headers={"authorization": f"Bearer {reader}"}) as two,
    ):
        service = Service(story, log, broker, one, two)
        await service.tell(key_record(story, admin, "admin"), key_record(story, reader, "read"))

        async def known() -> bool:
            answers = [await client.get("/v1/ledger/balance") for client in (one, two)]
            return all(answer.status_code == 200 for answer in answers)

        await service.until(known)
        yield service


@asynccontextmanager
async def closing(log: EventLog) -> AsyncIterator[None]:
    """Close the log after the block."""
    try:
        yield
    finally:
        await log.close()


async def test_an_order_is_explained_down_to_the_cent(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast())
        first = story.click("k1", of="mia", by="v1")
        last = story.click("k2", of="tom", by="v1")
        await service.send(first, last, story.order("1001", click=last, net=4990))
        found = await service.explained("1001")
        mia, tom = story.ident("placement", "mia"), story.ident("placement", "tom")
        assert (found["status"], found["kind"]) == ("credited", "purchase")
        assert found["net"] == {"amount_minor": 4990, "currency": "EUR"}
        linear = [c for c in found["revisions"][-1]["credits"] if c["model"] == "linear"]
        assert {(c["account"], c["share"], c["amount"]["amount_minor"]) for c in linear} == {
            (mia, "1/2", 2495),
            (tom, "1/2", 2495),
        }
        candidates = found["revisions"][-1]["candidates"]
        assert {c["touch_id"] for c in candidates} == {first.event_id, last.event_id}
        assert {line["sequence"] for line in found["ledger"]} in ({1}, {2})
        await service.send(story.adjusted(amount=990))
        again = await service.explained("1001", revisions=2)
        assert again["net"]["amount_minor"] == 4000
        by_account = sum(
            line["amount"]["amount_minor"] for line in again["ledger"] if line["model"] == "last"
        )
        assert by_account == 4000


async def test_the_balance_holds_now_and_at_a_number(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast())
        click = story.click("k1", by="v1")
        await service.send(click, story.order("1", click=click, net=300))
        await service.send(story.order("2", net=50, currency="USD"), story.adjusted(of="9"))
        await service.explained("1")
        await service.explained("2")
        await service.explained("9")
        now = await service.get("/v1/ledger/balance")
        assert {(i["model"], i["currency"], i["net_minor"]) for i in now["items"]} == {
            (model, currency, amount)
            for model in ("first", "last", "linear")
            for currency, amount in (("EUR", 300), ("USD", 50))
        }
        assert all(item["difference_minor"] == 0 for item in now["items"])
        assert [item["order_id"] for item in now["unmatched_adjustments"]] == ["9"]
        split = await service.get(
            "/v1/ledger/balance", group_by="model,currency,account", sequence=now["sequence"]
        )
        mia = story.ident("placement", "mia")
        assert {(i["account"], i["credited_minor"], i["net_minor"]) for i in split["items"]} == {
            (mia, 300, None),
            ("organic", 50, None),
        }
        empty = await service.get("/v1/ledger/balance", sequence=0)
        assert empty["items"] == []


async def test_credits_reach_the_log(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        await service.send(service.story.order("1", net=300))

        async def published() -> bool:
            ends = await service.log.end_offsets(CREDITS)
            return sum(ends.values()) == 1

        await service.until(published)
        ends = await service.log.end_offsets(CREDITS)
        records = [r for p, end in ends.items() for r in service.broker.read(CREDITS, p, 0, end)]
        credit = decode_credits(records[0].value)
        assert isinstance(credit, DecisionCredited)
        assert (credit.sequence, credit.natural_id) == (1, "1")
        assert records[0].key == service.story.workspace_id.encode()


async def test_a_memo_is_explained_and_published_and_is_not_in_the_ledger(
    place: tuple[str, str],
) -> None:
    """Two accounts took part in an order of 300, of which 100 is refunded later."""
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast(), story.policy(models=("last", "participation")))
        first = story.click("k1", of="mia", by="v1", at=NOON - timedelta(hours=1))
        last = story.click("k2", of="tom", by="v1")
        await service.send(first, last, story.order("1001", click=last, net=300))
        await service.explained("1001")
        await service.send(story.adjusted(amount=100))
        found = await service.explained("1001", revisions=2)

        mia, tom = story.ident("placement", "mia"), story.ident("placement", "tom")
        credits = found["revisions"][-1]["credits"]
        assert {(c["model"], c["additive"], c["account"]) for c in credits} == {
            ("last", True, tom),
            ("participation", False, mia),
            ("participation", False, tom),
        }
        assert {c["amount"]["amount_minor"] for c in credits} == {200}
        assert {line["model"] for line in found["ledger"]} == {"last"}
        balance = await service.get("/v1/ledger/balance")
        assert [(i["model"], i["net_minor"], i["difference_minor"]) for i in balance["items"]] == [
            ("last", 200, 0)
        ]

        async def published() -> bool:
            ends = await service.log.end_offsets(CREDITS)
            return sum(ends.values()) >= int(balance["sequence"])

        await service.until(published)
        ends = await service.log.end_offsets(CREDITS)
        records = [r for p, end in ends.items() for r in service.broker.read(CREDITS, p, 0, end)]
        decided = [c for r in records if isinstance(c := decode_credits(r.value), DecisionCredited)]
        memos = [(memo.account, memo.amount_minor) for c in decided for memo in c.memos]
        assert sorted(memos) == sorted(
            (account, amount) for account in (mia, tom) for amount in (300, -300, 200)
        )
        assert {entry.model for c in decided for entry in c.entries} == {"last"}


async def test_the_same_on_the_postgres_log(place: tuple[str, str]) -> None:
    async with serving(*place, on_postgres=True) as service:
        story = service.story
        await service.teach(*story.cast())
        click = story.click("k1", of="mia", by="v1")
        await service.send(click, story.order("1001", click=click, net=4990))
        found = await service.explained("1001")
        assert found["revisions"][-1]["credits"][0]["account"] == story.ident("placement", "mia")

        async def published() -> bool:
            return sum((await service.log.end_offsets(CREDITS)).values()) == 2

        await service.until(published)


async def test_dead_letters_are_listed_and_tried_again(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        await service.send_bytes(b"nonsense", b"more", b"again")

        async def listed() -> bool:
            return len((await service.get("/v1/dead-letters"))["items"]) == 3

        await service.until(listed)
        page = await service.get("/v1/dead-letters", limit=2)
        rest = await service.get("/v1/dead-letters", limit=2, cursor=page["next_cursor"])
        assert sorted(item["value"] for item in page["items"] + rest["items"]) == [
            "again",
            "more",
            "nonsense",
        ]
        assert rest["next_cursor"] is None
        done = await service.client.post("/v1/dead-letters/retry", json={})
        assert done.status_code == 200
        assert done.json()["resolved"] == 0
        assert {item["reason"] for item in done.json()["items"]} == {"not_an_event"}
        refused = await service.reader.post("/v1/dead-letters/retry", json={})
        assert refused.status_code == 403


async def test_the_service_says_that_it_is_ready_and_how_far_it_is(place: tuple[str, str]) -> None:
    async with serving(*place) as service:

        async def ready() -> bool:
            return (await service.client.get("/health/ready")).status_code == 200

        await service.until(ready)
        lag = (await service.get("/v1/lag"))["items"]
        topics = {item["topic"] for item in lag}
        assert topics == {"laurel.events", "laurel.catalog"}
        assert {item["records"] for item in lag} == {0}
        metrics = (await service.client.get("/metrics")).text
        assert 'laurel_batch_records_total{outcome="stored",topic="laurel.catalog"} 2.0' in metrics


QUESTIONS: tuple[tuple[str, int, str | None], ...] = (
    ("/v1/explanations", 422, "order_id"),
    ("/v1/explanations?order_id=1&conversion_id=2", 422, "order_id"),
    ("/v1/explanations?order_id=unknown", 404, None),
    ("/v1/explanations?order_id=1&kind=wedding", 422, "kind"),
    ("/v1/explanations?order_id=1&colour=red", 422, "colour"),
    ("/v1/ledger/balance?group_by=creator", 422, "group_by"),
    ("/v1/ledger/balance?sequence=-1", 422, "sequence"),
    ("/v1/ledger/balance?sequence=9", 422, "sequence"),
    ("/v1/dead-letters?cursor=nonsense", 422, "cursor"),
    ("/v1/dead-letters?limit=0", 422, "limit"),
    ("/v1/statements", 404, None),
    ("/v1/orders?store=nowhere", 422, "store"),
)


async def test_wrong_questions_are_answered_by_name(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        for path, status, field in QUESTIONS:
            answer = await service.client.get(path)
            assert answer.status_code == status, path
            assert answer.headers["content-type"] == "application/problem+json"
            named = [error["field"] for error in answer.json()["errors"]]
            assert named == ([field] if field else []), path


async def test_a_stranger_and_another_workspace_see_nothing(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        await service.send(service.story.order("1"))
        await service.explained("1")
        other, secret = Story(new_id()), f"lrl_sec_other000_{new_id()}{'x' * 8}"
        await service.tell(key_record(other, secret, "read"))
        headers = {"authorization": f"Bearer {secret}"}

        async def known() -> bool:
            answer = await service.client.get("/v1/dead-letters", headers=headers)
            return answer.status_code == 200

        await service.until(known)
        answer = await service.client.get("/v1/explanations?order_id=1", headers=headers)
        assert answer.status_code == 404
        nobody = await service.client.get("/v1/lag", headers={"authorization": "Bearer nobody"})
        assert nobody.status_code == 401
        # An archived key is unknown again.
        gone = ApiKey(
            workspace_id=other.workspace_id,
            id=new_id(),
            revision=2,
            recorded_at=NOON,
            deleted_at=NOON,
            sha256=api_key_hash(secret),
            scopes=("read",),
        )
        await service.tell(gone)

        async def forgotten() -> bool:
            answer = await service.client.get("/v1/dead-letters", headers=headers)
            return answer.status_code == 401

        await service.until(forgotten)
