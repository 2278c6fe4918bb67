"""Invalid bytes on the log: each bad record is one dead letter, and all other records count."""

import json
from collections import Counter
from typing import Any, Final

import pytest

from shared.events import encode_event
from shared.log.port import Record
from shared.log.topics import EVENTS
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_http import Service, serving

MEGABYTE: Final = 1024 * 1024


def sent(story: Story, **changes: Any) -> dict[str, Any]:
    """A good order of this workspace as JSON values, with changes."""
    fields: dict[str, Any] = json.loads(encode_event(story.order("poison", net=1)))
    return fields | changes


def text(story: Story, **changes: Any) -> bytes:
    return json.dumps(sent(story, **changes)).encode()


def spliced(story: Story, literal: bytes, field: str = "net_minor") -> bytes:
    """A good order whose field is written as these bytes."""
    return text(story, **{field: "SPLICE"}).replace(b'"SPLICE"', literal)


def padded(story: Story, size: int) -> bytes:
    """A record of exactly so many bytes whose order id is too long."""
    missing = size - len(text(story, natural_id=""))
    return text(story, natural_id="x" * missing)


def poison(story: Story) -> dict[str, tuple[str, bytes]]:
    """Name to the reason it must get and its bytes."""
    good = encode_event(story.order("poison", net=1))
    deep = b"[" * 100_000 + b"]" * 100_000
    return {
        "an escaped NUL": ("bad_text", text(story, natural_id="a\x00b")),
        "a raw NUL": ("not_an_event", spliced(story, b'"a\x00b"', "natural_id")),
        "a lone surrogate": ("bad_text", spliced(story, b'"\\ud800"', "natural_id")),
        "no UTF-8": ("not_an_event", spliced(story, b'"\xff\xfe"', "natural_id")),
        "NaN": ("not_an_event", spliced(story, b"NaN")),
        "Infinity": ("not_an_event", spliced(story, b"-Infinity")),
        "1e200000": ("not_an_event", spliced(story, b"1e200000")),
        "2 ** 63": ("unusable", spliced(story, str(2**63).encode())),
        "-2 ** 63 - 1": ("unusable", spliced(story, str(-(2**63) - 1).encode())),
        "5,000 digits": ("not_an_event", spliced(story, b"9" * 5_000)),
        "a fraction of a cent": ("not_an_event", spliced(story, b"1.5")),
        "deep nesting": ("not_an_event", deep),
        "deep nesting in an unknown field": ("not_an_event", spliced(story, deep, "unknown")),
        "wrong types": ("not_an_event", text(story, net_minor="12", codes={"a": 1})),
        "a wrong type of person": ("not_an_event", text(story, person=["v1"])),
        "a moment without offset": ("not_an_event", text(story, occurred_at="2026-03-01T12:00:00")),
        "a moment before all calendars": (
            "unusable",
            text(story, occurred_at="0001-01-01T00:00:00+14:00"),
        ),
        "truncated": ("not_an_event", good[:-2]),
        "truncated in a character": ("not_an_event", good[: len(good) // 2] + b"\xc3"),
        "empty": ("not_an_event", b""),
        "a space": ("not_an_event", b" "),
        "null": ("not_an_event", b"null"),
        "two documents": ("not_an_event", good + good),
        "an unknown version": ("unknown_version", text(story, v=2)),
        "an unknown type": ("not_an_event", text(story, type="unicorn")),
        "no type": ("not_an_event", b"{}"),
        "an id that is none": ("not_an_event", text(story, event_id="1")),
        "1 MB - 1": ("not_an_event", padded(story, MEGABYTE - 1)),
        "1 MB": ("not_an_event", padded(story, MEGABYTE)),
        "1 MB + 1": ("not_an_event", padded(story, MEGABYTE + 1)),
    }


async def letters(service: Service) -> list[dict[str, Any]]:
    page = await service.get("/v1/dead-letters", limit=200)
    items: list[dict[str, Any]] = page["items"]
    return sorted(items, key=lambda item: int(item["offset"]))


async def caught_up(service: Service) -> None:
    async def holds() -> bool:
        lag = (await service.get("/v1/lag"))["items"]
        return {item["records"] for item in lag} == {0}

    await service.until(holds)


async def count_of(service: Service, outcome: str) -> int:
    """How many records of the events topic had this outcome."""
    name = f'laurel_batch_records_total{{outcome="{outcome}",topic="{EVENTS.name}"}} '
    lines = (await service.client.get("/metrics")).text.splitlines()
    return int(float(next((line[len(name) :] for line in lines if line.startswith(name)), "0")))


async def net(service: Service) -> int:
    balance = await service.get("/v1/ledger/balance")
    assert all(item["difference_minor"] == 0 for item in balance["items"])
    return sum(item["net_minor"] for item in balance["items"] if item["model"] == "last")


@pytest.mark.parametrize("on_postgres", [True, False], ids=["postgres", "memory"])
async def test_each_poison_is_one_letter_and_its_neighbours_count(
    fresh_database: str, secret_key: str, on_postgres: bool
) -> None:
    async with serving(fresh_database, secret_key, on_postgres=on_postgres) as service:
        story = service.story
        corpus = poison(story)
        records: list[bytes] = []
        for number, (_, value) in enumerate(corpus.values()):
            records += [encode_event(story.order(f"before {number}", net=10)), value]
        records.append(encode_event(story.order("last", net=7)))
        await service.send_bytes(*records)
        await service.explained("last")
        await caught_up(service)
        found = await letters(service)
        named = dict(zip(corpus, (item["reason"] for item in found), strict=True))
        assert named == {name: reason for name, (reason, _) in corpus.items()}
        assert all(item["detail"] for item in found)
        assert await net(service) == 10 * len(corpus) + 7
        outcomes = Counter(
            {name: await count_of(service, name) for name in ("stored", "dead_lettered")}
        )
        assert outcomes == {"stored": len(corpus) + 1, "dead_lettered": len(corpus)}
        await tried_again(service, found)


async def tried_again(service: Service, found: list[dict[str, Any]]) -> None:
    """What is still poison fails again, as often as one likes, and changes nothing."""
    before = await net(service)
    for _ in range(2):
        answer = await service.client.post("/v1/dead-letters/retry", json={})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["retried"], body["resolved"]) == (len(found), 0)
        assert {item["id"] for item in body["items"]} == {item["id"] for item in found}
        assert await letters(service) == found
    assert await net(service) == before


async def test_the_same_event_twice_in_a_batch(fresh_database: str, secret_key: str) -> None:
    """An equal copy is a duplicate; another payload under its id is one dead letter."""
    async with serving(fresh_database, secret_key) as service:
        story = service.story
        order, other = story.order("1001", net=100), story.order("1001", net=999)
        assert order.event_id == other.event_id
        await service.send(order, order, other, order, story.order("1002", net=5))
        await service.explained("1002")
        await caught_up(service)
        (letter,) = await letters(service)
        assert (letter["reason"], letter["offset"]) == ("idempotency_conflict", 2)
        assert await net(service) == 105
        again = await service.client.post("/v1/dead-letters/retry", json={"ids": [letter["id"]]})
        assert again.json()["items"] == [
            {"id": letter["id"], "outcome": "failed", "reason": "idempotency_conflict"}
        ]
        assert await net(service) == 105


async def test_a_key_given_twice_is_read_as_its_last_value(
    fresh_database: str, secret_key: str
) -> None:
    """JSON leaves this open. All readers of the log share one decoder and agree."""
    async with serving(fresh_database, secret_key) as service:
        twice = spliced(service.story, b'1, "net_minor": 40')
        await service.send_bytes(twice, twice)
        await service.explained("poison")
        await caught_up(service)
        assert await letters(service) == []
        assert (await net(service), await count_of(service, "duplicate")) == (40, 1)


async def test_a_key_of_no_workspace_harms_nobody(fresh_database: str, secret_key: str) -> None:
    async with serving(fresh_database, secret_key) as service:
        good = Record(service.story.workspace_id.encode(), encode_event(service.story.order("1")))
        strange = [Record(key, b"nonsense") for key in (b"", b"\xff\x00", b"not a workspace")]
        for record in (*strange, good):
            await service.log.append(EVENTS, [record])
        await service.explained("1")
        await caught_up(service)
        assert await letters(service) == []
        assert await count_of(service, "dead_lettered") == len(strange)


async def test_a_letter_whose_reason_is_gone_is_stored_once(
    fresh_database: str, secret_key: str
) -> None:
    async with serving(fresh_database, secret_key) as service:
        story = service.story
        await service.teach(story.policy(models=("crystal_ball",)))
        await service.send(story.order("1001", net=100))

        async def listed() -> bool:
            return [item["reason"] for item in await letters(service)] == ["unusable"]

        await service.until(listed)
        await service.teach(story.policy(revision=2, models=("last",)))
        first = await service.client.post("/v1/dead-letters/retry", json={})
        second = await service.client.post("/v1/dead-letters/retry", json={})
        assert (first.json()["resolved"], second.json()["retried"]) == (1, 0)
        await service.explained("1001")
        assert await letters(service) == []
        assert await net(service) == 100
