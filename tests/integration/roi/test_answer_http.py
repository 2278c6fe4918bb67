"""Questions over real HTTP: a plan by API, credits on the log, the answer, wrong parameters."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.clock import SystemClock
from shared.credits import CreditEntry, DecisionCredited, Tally, TouchesTallied, encode_credits
from shared.db.roles import service_url
from shared.ids import new_id
from shared.log.port import Record
from shared.log.postgres import PostgresLog
from shared.log.topics import CREDITS
from tests.fixtures.postgres import SECRET_KEY
from tests.integration.roi.roi_service import PATIENCE_SECONDS, BrandClient, brand_running

ORDERED_AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAYS = "from=2026-03-01&to=2026-03-31"
# A query, the field that the problem names, and words of its message.
WRONG = (
    ("group_by=colour", "group_by", "campaign, code, content_type, country, creator"),
    ("group_by=creator,creator", "group_by", "twice"),
    ("group_by=creator,day,model", "group_by", "one or two"),
    ("group_by=", "group_by", "one or two"),
    ("model=best", "model", "'first', 'last', 'linear', 'position'"),
    ("by=now", "by", "'conversion_time' or 'touch_time'"),
    ("from=2026-03-02&to=2026-03-01", "from", "after to"),
    ("from=1970-01-01&to=2026-03-01", "from", "days before"),
    ("from=yesterday", "from", "date such as"),
    ("from=yesterday", "from", "time such as"),
    ("from=2026-03-01T12:00:00", "from", "time with offset"),
    ("from=2026-03-01T12:07:00Z", "from", "send 2026-03-01T12:00:00+00:00 or 2026-03-01T12:15"),
    ("to=2026-03-01T12:00:00.5Z", "to", "quarters of an hour"),
    ("to=2026-03-01T12:00:00%2B05:07", "to", "send 2026-03-01T11:52:00+05:07"),
    ("from=2026-03-01&to=2026-03-02T00:00:00Z", "from", "a date where to is one"),
    ("from=2026-03-01T00:00:00Z&to=2026-03-02", "from", "a time where to is one"),
    ("from=2026-03-02T00:00:00Z&to=2026-03-02T01:00:00%2B01:00", "from", "not before to"),
    ("from=1970-01-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from", "days before"),
    ("to=2026-02-30", "to", "does not exist"),
    ("to=1970-01-01&from=1970-01-01&as_of=2026-03-01", "as_of", "time with offset"),
    ("currency=euro", "currency", "ISO 4217"),
    ("colour=red", "colour", "unknown field"),
    ("metrics=", "metrics", "no metric ''; `GET /v1/metrics` lists"),
    ("metrics=roi,roi", "metrics", "twice"),
    ("metrics=luck", "metrics", "no metric 'luck'"),
    ("order=luck", "order", "'lower_bound'"),
    ("order=lower_bound&metrics=clicks,cpa", "order", "needs one of contribution, net_revenue"),
    ("compare=decade", "compare", "'previous' or 'year'"),
    ("filter.colour=red", "filter.colour", "unknown field"),
    ("filter.stage=sale", "filter.stage", "send one of advocacy, awareness"),
    ("filter.creator=nobody", "filter.creator", "no creator of this workspace"),
    ("filter.platform=myspace", "filter.platform", "no platform of this workspace"),
    ("filter.code=a,-b", "filter.code", "not both"),
    ("filter.model=first,last", "filter.model", "group by model"),
    ("filter.day=today", "filter.day", "looks like"),
)


@pytest.fixture
async def attribution_log(owner_url: str) -> AsyncIterator[PostgresLog]:
    """The log with attribution's rights."""
    log = PostgresLog(service_url(owner_url, "attribution", SECRET_KEY), SystemClock())
    await log.open()
    yield log
    await log.close()


def credits_of(brand: BrandClient, placement_id: str) -> list[Record]:
    """One order of 49.90 for a placement, by one model, and four clicks."""
    recorded_at = datetime.now(UTC)
    tally = Tally(
        account=placement_id,
        kind="click",
        stage="consideration",
        quarter_at=ORDERED_AT,
        counted=4,
    )
    entry = CreditEntry(
        model="last",
        revision=1,
        account=placement_id,
        amount_minor=4_990,
        units=1_000_000,
        currency="EUR",
        stage="purchase",
        touched_at=ORDERED_AT,
    )
    records = (
        TouchesTallied(
            workspace_id=brand.workspace_id,
            sequence=1,
            recorded_at=recorded_at,
            tallies=(tally,),
        ),
        DecisionCredited(
            workspace_id=brand.workspace_id,
            sequence=2,
            recorded_at=recorded_at,
            decision_id=new_id(),
            revision=1,
            conversion_id=new_id(),
            kind="purchase",
            natural_id="1001",
            occurred_at=ORDERED_AT,
            currency="EUR",
            person_ref="somebody",
            entries=(entry,),
        ),
    )
    key = brand.workspace_id.encode()
    return [Record(key, encode_credits(record)) for record in records]


async def answer_with(brand: BrandClient, sequence: int) -> dict[str, Any]:
    """Return the answer once roi has folded up to this number."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer: dict[str, Any] = await brand.ok("GET", f"/v1/roi?{DAYS}")
            if answer["meta"]["sequence"] >= sequence:
                return answer
            await asyncio.sleep(0.02)


async def answer_of_zone(brand: BrandClient, zone: str, question: str) -> dict[str, Any]:
    """Return the answer once the rollups use the days of a zone."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer: dict[str, Any] = await brand.ok("GET", f"/v1/roi?{DAYS}&{question}")
            if answer["meta"]["time_zone"] == zone:
                return answer
            assert answer["meta"]["time_zone"] == "UTC"
            await asyncio.sleep(0.02)


async def test_a_question_from_plan_to_answer(owner_url: str, attribution_log: PostgresLog) -> None:
    async with brand_running(owner_url) as brand:
        creator = await brand.post("/v1/creators", {"name": "Mia"})
        placement = await brand.post(
            "/v1/placements", {"creator_id": creator["id"], "platform": "instagram"}
        )
        cost = {"kind": "fee", "amount": "20.00", "currency": "EUR", "incurred_on": "2026-03-02"}
        await brand.post("/v1/costs", cost | {"placement_id": placement["id"]})
        await attribution_log.append(CREDITS, credits_of(brand, placement["id"]))
        answer = await answer_with(brand, 2)
        measures = answer["rows"][0]["measures"]
        assert answer["rows"][0]["group"] == {"creator": creator["id"]}
        assert measures["net_revenue"] == {"amount_minor": 4_990, "currency": "EUR"}
        assert (measures["clicks"], measures["conversions"]) == (4, 1)
        assert measures["roi"] == 1.495
        assert {name: answer["program"][name] for name in measures} == measures
        assert answer["rows"][0]["too_few"] is answer["program"]["too_few"] is True
        assert answer["totals"] == {name: measures[name] for name in answer["totals"]}
        assert answer["meta"]["from"] == "2026-03-01"

        await brand.post("/v1/costs", cost | {"creator_id": creator["id"]})
        later = await brand.ok("GET", f"/v1/roi?{DAYS}")
        assert later["totals"]["cost"]["amount_minor"] == 4_000
        as_of = answer["meta"]["as_of"]
        again = await brand.ok("GET", f"/v1/roi?{DAYS}&as_of={as_of}")
        assert again == answer

        await brand.ok("PATCH", "/v1/workspace", {"time_zone": "Pacific/Kiritimati"})
        half = "from=2026-03-10T13:00:00%2B01:00&to=2026-03-10T12:15:00Z"
        by_times = await brand.ok("GET", f"/v1/roi?{half}&by=touch_time")
        assert (by_times["meta"]["from"], by_times["meta"]["to"]) == (
            "2026-03-10T13:00:00+01:00",
            "2026-03-10T12:15:00Z",
        )
        assert by_times["totals"]["clicks"] == 4
        before = await brand.ok("GET", "/v1/roi?to=2026-03-10T12:00:00Z")
        assert before["meta"]["from"] == "2026-02-08T12:00:00Z"
        assert before["totals"]["clicks"] == 0
        since = await brand.ok("GET", "/v1/roi?from=2026-03-10T12:00:00Z")
        assert datetime.fromisoformat(since["meta"]["to"]) > datetime.now(UTC)
        assert since["totals"]["clicks"] == 4

        by_day = await answer_of_zone(brand, "Pacific/Kiritimati", "group_by=day,model")
        assert by_day["rows"][-1]["group"] == {"day": "2026-03-11", "model": "last"}


async def test_defaults_and_the_dictionary(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        meta = (await brand.ok("GET", "/v1/roi"))["meta"]
        first, last = (datetime.fromisoformat(meta[name]).date() for name in ("from", "to"))
        assert (last - first).days == 29
        assert last == datetime.now(UTC).date()
        assert (meta["group_by"], meta["model"]) == (["creator"], "last")
        listed = await brand.ok("GET", "/v1/metrics")
        assert {item["id"] for item in listed["items"]} >= set(meta["metrics"])
        assert all(item["formula"] and item["source"] for item in listed["items"])
        assert listed["next_cursor"] is None


async def test_a_wrong_parameter_is_named(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        for query, field, words in WRONG:
            refusal = await brand.refused("GET", f"/v1/roi?{query}")
            assert refusal.status == 422, query
            assert words in refusal.errors.get(field, ""), (query, refusal.errors)


async def test_a_time_zone_that_postgres_does_not_know_is_refused(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        for zone in ("Mars/Olympus", "posix/Europe/Berlin", "localtime", "Factory", "../etc"):
            response = await brand.call("PATCH", "/v1/workspace", {"time_zone": zone})
            if response.status_code == 422:
                assert response.json()["errors"][0]["field"] == "time_zone"
            else:
                assert response.status_code == 200
                assert (await brand.call("GET", "/v1/roi")).status_code == 200, zone


async def test_answers_need_a_key_that_may_read(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        tracker = await brand.with_key(["track"])
        assert (await tracker.call("GET", "/v1/roi")).status_code == 403
        assert (await tracker.call("GET", "/v1/metrics")).status_code == 403
        assert (await brand.http.get(f"{brand.roi.url}/v1/roi")).status_code == 401
        reader = await brand.with_key(["read"])
        assert (await reader.call("GET", "/v1/roi")).status_code == 200
