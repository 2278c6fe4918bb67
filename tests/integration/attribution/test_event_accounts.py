"""Every event is in one class: booked, superseded or set aside; repeated and retried ones too."""

from datetime import timedelta
from typing import Any

import pytest

from services.attribution.store import event_accounts
from shared.events import encode_event
from tests.factories import NOON
from tests.integration.attribution.test_http import Service, serving

CLASSES = ("read", "booked", "superseded", "set_aside", "difference")


async def accounts(service: Service, read: int) -> tuple[int, ...]:
    """Return the classes once so many events were read and each is in a class."""
    found: dict[str, Any] = {}

    async def holds() -> bool:
        found.update(await service.get("/v1/ledger/events"))
        return found["read"] >= read and not found["difference"]

    await service.until(holds)
    return tuple(found[name] for name in CLASSES)


async def test_each_event_is_booked_superseded_or_set_aside(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast())
        click = story.click("k1", by="v1")
        await service.send(click, story.order("1", click=click, net=300))
        assert await accounts(service, 2) == (2, 2, 0, 0, 0)
        assert (await service.reader.get("/v1/ledger/events")).status_code == 403
        # The same order again, and a newer version of it.
        await service.send(story.order("1", click=click, net=300))
        await service.send(story.order("1", click=click, net=400, version=2))
        assert await accounts(service, 4) == (4, 2, 2, 0, 0)
        # A refund in effect, one without its order, a claim without proof, a claim of its own.
        await service.send(
            story.adjusted(of="1", amount=100),
            story.adjusted(of="9", amount=100),
            story.order("1", visitor="v2", source="public", source_id="page"),
            story.order("2", visitor="v3", source="public", source_id="page"),
        )
        assert await accounts(service, 8) == (8, 3, 2, 3, 0)
        # Bytes that are no event, and another payload under a known id.
        await service.send_bytes(b"{", encode_event(story.order("1", click=click, net=999)))
        assert await accounts(service, 10) == (10, 3, 2, 5, 0)
        # The order of the refund that waited.
        await service.send(story.order("9", net=100, at=NOON + timedelta(hours=2)))
        assert await accounts(service, 11) == (11, 5, 2, 4, 0)


async def test_a_click_that_an_order_proved_first_is_counted_once(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast())
        click = story.click("k1", by="v1")
        await service.send(story.order("1", click=click, net=300))
        assert await accounts(service, 1) == (1, 1, 0, 0, 0)
        await service.send(click)
        assert await accounts(service, 2) == (2, 2, 0, 0, 0)


async def test_a_retried_record_moves_from_one_class_to_another(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.send(story.order("1", net=300))
        assert await accounts(service, 1) == (1, 1, 0, 0, 0)
        await service.send_bytes(encode_event(story.order("1", net=999)), b"{")
        assert await accounts(service, 3) == (3, 1, 0, 2, 0)
        for _ in range(2):
            answer = await service.client.post("/v1/dead-letters/retry", json={"ids": None})
            assert answer.status_code == 200, answer.text
            assert answer.json()["resolved"] == 0
        assert await accounts(service, 3) == (3, 1, 0, 2, 0)


async def test_a_survey_answer_is_booked_with_its_order_and_set_aside_without(
    place: tuple[str, str],
) -> None:
    """A page's answer belongs to its order by the claim token; a trusted one by the order's id."""
    token, other = "the token of the first", "the token of another"
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast())
        await service.send(story.order("1", net=300, token=token))
        await service.send(story.surveyed("a1", order="1"))
        await service.send(story.surveyed("a2", order="1", source="public", token=token))
        await service.send(story.surveyed("a3", by="v1"))
        assert await accounts(service, 4) == (4, 4, 0, 0, 0)
        await service.send(story.surveyed("a4", order="1", source="public"))
        await service.send(story.surveyed("a5", order="1", source="public", token=other))
        await service.send(story.surveyed("a6", order="9"))
        assert await accounts(service, 7) == (7, 4, 0, 3, 0)
        await service.send(story.order("9", net=100, token=other))
        assert await accounts(service, 8) == (8, 6, 0, 2, 0)


async def test_more_events_than_the_bound_are_not_read(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(*place) as service:
        await service.send(service.story.order("1"), service.story.order("2"))
        assert await accounts(service, 2) == (2, 2, 0, 0, 0)
        monkeypatch.setattr(event_accounts, "EVENTS_MAX", 2)
        assert await accounts(service, 2) == (2, 2, 0, 0, 0)
        monkeypatch.setattr(event_accounts, "EVENTS_MAX", 1)
        refused = await service.client.get("/v1/ledger/events")
        assert refused.status_code == 422, refused.text
        assert "too many to read" in refused.json()["detail"]
