"""Exports over real HTTP: each file's totals are those of the answer, at any length."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from shared.clock import SystemClock
from shared.credits import CreditEntry, DecisionCredited, Tally, TouchesTallied, encode_credits
from shared.db.roles import service_url
from shared.http.admission import EXPORTS_MAX
from shared.ids import new_id
from shared.log.port import Record
from shared.log.postgres import PostgresLog
from shared.log.topics import CREDITS
from shared.money import format_minor
from tests.fixtures.postgres import SECRET_KEY
from tests.integration.roi.roi_service import BrandClient, brand_running, roi_running
from tests.integration.roi.test_answer_http import answer_with

ORDERED_AT: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAYS: Final = "from=2026-03-01&to=2026-03-31"
MONEY: Final = {"amount_minor": 4_990, "currency": "EUR"}
HOSTILE: Final = '=HYPERLINK("http://evil.example";"Mia, the best")'

Lines = list[dict[str, str]]


@pytest.fixture
async def attribution_log(owner_url: str) -> AsyncIterator[PostgresLog]:
    """The log with attribution's rights."""
    log = PostgresLog(service_url(owner_url, "attribution", SECRET_KEY), SystemClock())
    await log.open()
    yield log
    await log.close()


def entry(account: str, amount_minor: int, currency: str, **more: Any) -> CreditEntry:
    fields: dict[str, Any] = {
        "model": "last",
        "revision": 1,
        "account": account,
        "amount_minor": amount_minor,
        "units": 500_000,
        "currency": currency,
        "stage": "purchase",
        "touched_at": ORDERED_AT,
    }
    return CreditEntry(**fields | more)


def decision(
    brand: BrandClient, sequence: int, entries: Sequence[CreditEntry], currency: str, order_id: str
) -> Record:
    record = DecisionCredited(
        workspace_id=brand.workspace_id,
        sequence=sequence,
        recorded_at=datetime.now(UTC),
        decision_id=new_id(),
        revision=1,
        conversion_id=new_id(),
        kind="purchase",
        natural_id=order_id,
        occurred_at=ORDERED_AT + timedelta(seconds=sequence),
        currency=currency,
        person_ref="somebody",
        entries=tuple(entries),
    )
    return Record(brand.workspace_id.encode(), encode_credits(record))


async def small_brand(brand: BrandClient, log: PostgresLog, currencies: Sequence[str]) -> None:
    """One creator with a hostile name; an order in each currency, half of it organic; costs."""
    creator = await brand.post("/v1/creators", {"name": HOSTILE})
    placement = await brand.post(
        "/v1/placements", {"creator_id": creator["id"], "platform": "instagram"}
    )
    for amount, note in (("20.00", "-1+1"), ("0.05", 'said "yes",\nthen no')):
        cost = {"kind": "fee", "amount": amount, "currency": "EUR", "note": note}
        days = {"incurred_on": "2026-03-02", "placement_id": placement["id"]}
        await brand.post("/v1/costs", cost | days)
    tally = Tally(
        account=placement["id"],
        kind="click",
        stage="consideration",
        quarter_at=ORDERED_AT,
        counted=4,
    )
    tallied = TouchesTallied(
        workspace_id=brand.workspace_id,
        sequence=1,
        recorded_at=datetime.now(UTC),
        tallies=(tally,),
    )
    records = [Record(brand.workspace_id.encode(), encode_credits(tallied))]
    for sequence, currency in enumerate(currencies, 2):
        entries = [
            entry(placement["id"], 4_991, currency),
            entry("organic", -1, currency, units=500_000, touched_at=None),
        ]
        records.append(decision(brand, sequence, entries, currency, "@SUM(1001)"))
    await log.append(CREDITS, records)
    await answer_with(brand, len(records))


async def as_csv(brand: BrandClient, path: str) -> Lines:
    response = await brand.call("GET", f"/v1/exports/{path}")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    name = path.split("?")[0]
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    text = response.content.decode()
    assert text.endswith("\r\n")
    found = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert all(None not in line and None not in line.values() for line in found), "ragged lines"
    return found


def of(lines: Lines, what: str) -> Lines:
    return [line for line in lines if line["line"] == what]


def shown(value: Any) -> str:
    """A figure of an answer in one currency, as a cell has it."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return format_minor(value["amount_minor"], value["currency"])
    return f"{Decimal(repr(value)):f}"


def cells_of(figures: Mapping[str, Any]) -> dict[str, str]:
    """The cells of the figures of a headline, but for those of the period compared."""
    apart = ("compared", "intervals", "too_few", "pays")
    cells = {name: shown(value) for name, value in figures.items() if name not in apart}
    for name in {"too_few", "pays"} & figures.keys():
        cells[name] = "" if figures[name] is None else str(figures[name]).lower()
    for name, ends in figures.get("intervals", {}).items():
        for end, value in zip(("low", "high"), ends or (None, None), strict=True):
            cells[f"intervals.{name}.{end}"] = shown(value)
    return cells


async def test_a_file_of_an_answer_says_what_the_answer_says(
    owner_url: str, attribution_log: PostgresLog
) -> None:
    async with brand_running(owner_url) as brand:
        await small_brand(brand, attribution_log, ["EUR"])
        for query in (DAYS, f"{DAYS}&group_by=platform,day&compare=previous&metrics=roi,cost"):
            answer = await brand.ok("GET", f"/v1/roi?{query}")
            as_of = f"&as_of={answer['meta']['as_of']}"
            assert await brand.ok("GET", f"/v1/exports/roi.json?{query}{as_of}") == answer
            lines = await as_csv(brand, f"roi.csv?{query}{as_of}")
            rows = of(lines, "row")
            assert len(rows) == len(answer["rows"])
            for line, row in zip(rows, answer["rows"], strict=True):
                for name, value in row["measures"].items():
                    assert line[name] == shown(value), name
                for name, value in row["group"].items():
                    assert line[name] == (value or "")
                assert line["currency"] == "EUR"
            warnings = {one["sentence"] for one in answer["meta"]["warnings"]}
            assert {line["label"] for line in of(lines, "warning")} == warnings
            for part in ("program", "brand", "organic", "overhead", "totals"):
                (line,) = of(lines, part)
                assert {name: line[name] for name in cells_of(answer[part])} == cells_of(
                    answer[part]
                )
        labels = [line["label"] for line in of(await as_csv(brand, f"roi.csv?{DAYS}"), "row")]
        assert labels == [f"'{HOSTILE}"]


async def test_a_funnel_has_its_stages_side_by_side(
    owner_url: str, attribution_log: PostgresLog
) -> None:
    async with brand_running(owner_url) as brand:
        await small_brand(brand, attribution_log, ["EUR"])
        answer = await brand.ok("GET", f"/v1/funnel?{DAYS}")
        as_of = f"&as_of={answer['meta']['as_of']}"
        assert await brand.ok("GET", f"/v1/exports/funnel.json?{DAYS}{as_of}") == answer
        lines = await as_csv(brand, f"funnel.csv?{DAYS}{as_of}")
        (line,), (row,) = of(lines, "row"), answer["rows"]
        for stage in row["stages"]:
            name = stage["stage"]
            for volume, value in stage["volumes"].items():
                assert line[f"{name}.volumes.{volume}"] == shown(value)
            assert line[f"{name}.return.booked"] == shown(stage["return"]["booked"])
        assert line["bcr.booked"] == shown(row["bcr"]["booked"])
        assert line["gaps"] == "; ".join(row["gaps"])
        (totals,) = of(lines, "totals")
        assert totals["cost"] == shown(answer["totals"]["cost"]) == "20.05"
        moved = {line["label"]: line for line in of(lines, "sensitivity")}
        assert list(moved) == [one["input"] for one in answer["program"]["sensitivity"]]
        for one in answer["program"]["sensitivity"]:
            for way in ("lower", "higher"):
                assert moved[one["input"]][f"{way}.booked"] == shown(one[way]["booked"])
        assert "sensitivity" not in lines[0]


async def test_raw_files_add_up_to_the_answer(owner_url: str, attribution_log: PostgresLog) -> None:
    async with brand_running(owner_url) as brand:
        await small_brand(brand, attribution_log, ["EUR"])
        totals = (await brand.ok("GET", f"/v1/roi?{DAYS}"))["totals"]

        lines = await as_csv(brand, f"credits.csv?{DAYS}")
        (total,) = of(lines, "totals")
        assert total["amount"] == shown(totals["net_revenue"]) == "49.90"
        assert Decimal(total["conversions"]) == totals["conversions"] == 1
        entries = of(lines, "row")
        assert [line["amount"] for line in entries] == ["-0.01", "49.91"]
        assert [line["natural_id"] for line in entries] == ["'@SUM(1001)"] * 2
        assert entries[0]["account"] == "organic"
        told = await brand.ok("GET", f"/v1/exports/credits.json?{DAYS}&by=touch_time")
        assert told["totals"] == [{"conversions": 1, "currency": "EUR", "amount": MONEY}]
        assert [item["amount"]["amount_minor"] for item in told["items"]] == [-1, 4_991]
        assert told["meta"]["model"] == "last"

        lines = await as_csv(brand, f"costs.csv?{DAYS}")
        (total,) = of(lines, "totals")
        assert total["amount"] == shown(totals["cost"]) == "20.05"
        notes = {line["note"] for line in of(lines, "row")}
        assert notes == {"'-1+1", 'said "yes",\nthen no'}

        figure = f"{DAYS}&metric=cost&part=program"
        listed = await brand.ok("GET", f"/v1/entries?{figure}")
        lines = await as_csv(brand, f"entries.csv?{figure}")
        (total,) = of(lines, "totals")
        assert total["value"] == shown(listed["sum"]) == "20.05"
        assert {line["value"] for line in of(lines, "row")} == {"20.00", "0.05"}
        told = await brand.ok("GET", f"/v1/exports/entries.json?{DAYS}&metric=clicks")
        assert told["totals"] == [{"value": 4, "currency": None}]


async def test_each_currency_has_its_line_and_nothing_counts_twice(
    owner_url: str, attribution_log: PostgresLog
) -> None:
    async with brand_running(owner_url) as brand:
        await small_brand(brand, attribution_log, ["EUR", "JPY"])
        answer = await brand.ok("GET", f"/v1/roi?{DAYS}")
        lines = of(await as_csv(brand, f"roi.csv?{DAYS}"), "totals")
        assert [line["currency"] for line in lines] == ["", "EUR", "JPY"]
        assert [line["net_revenue"] for line in lines] == ["", "49.90", "4990"]
        assert [line["clicks"] for line in lines] == [str(answer["totals"]["clicks"]), "", ""]
        totals = of(await as_csv(brand, f"credits.csv?{DAYS}"), "totals")
        assert [(line["currency"], line["amount"], line["conversions"]) for line in totals] == [
            ("", "", "2.000000"),
            ("EUR", "49.90", ""),
            ("JPY", "4990", ""),
        ]


async def test_a_file_is_of_the_moment_that_is_asked_for(
    owner_url: str, attribution_log: PostgresLog
) -> None:
    async with brand_running(owner_url) as brand:
        empty = await brand.ok("GET", f"/v1/roi?{DAYS}")
        await small_brand(brand, attribution_log, ["EUR"])
        as_of = f"{DAYS}&as_of={empty['meta']['as_of']}"
        for what in ("credits", "costs"):
            lines = await as_csv(brand, f"{what}.csv?{as_of}")
            assert [line["line"] for line in lines] == ["totals"]
            assert of(await as_csv(brand, f"{what}.csv?{DAYS}"), "row")
        day = "from=2026-03-10T12:00:00Z&to=2026-03-10T12:15:00Z"
        assert len(of(await as_csv(brand, f"credits.csv?{day}"), "row")) == 2
        late = "from=2026-03-10T12:15:00Z&to=2026-03-10T12:30:00Z"
        assert of(await as_csv(brand, f"credits.csv?{late}"), "row") == []
        assert len(of(await as_csv(brand, "costs.csv?from=all"), "row")) == 2


async def test_another_brand_sees_nothing(owner_url: str, attribution_log: PostgresLog) -> None:
    async with brand_running(owner_url) as brand:
        await small_brand(brand, attribution_log, ["EUR"])
        other = await brand.roi.brand(brand.http)
        for what in ("roi", "funnel", "credits", "costs", "entries"):
            lines = await as_csv(other, f"{what}.csv?{DAYS}")
            assert of(lines, "row") == [], what
            assert of(lines, "totals"), what
            assert HOSTILE not in str(lines)


async def test_what_is_refused_names_the_field(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        for path, field, words in (
            ("roi.parquet", "file_format", "'csv' or 'json'"),
            ("credits.parquet", "file_format", "'csv' or 'json'"),
            ("roi.csv?colour=red", "colour", "unknown"),
            ("roi.csv?from=2026-03-02&to=2026-03-01", "from", "after to"),
            ("funnel.csv?metrics=roi", "metrics", "its own"),
            ("entries.csv?limit=7", "limit", "unknown"),
            ("entries.csv?metric=roi", "metric", "send one of"),
            ("credits.csv?model=best", "model", "'last'"),
            ("costs.csv?from=2026-03-01T00:00:00Z", "from", "send a date"),
        ):
            refusal = await brand.refused("GET", f"/v1/exports/{path}")
            assert refusal.status == 422, path
            assert words in refusal.errors.get(field, ""), (path, refusal.errors)
        assert (await brand.refused("GET", "/v1/exports/luck.csv")).status == 404
        tracker = await brand.with_key(["track"])
        for what in ("roi", "funnel", "credits", "costs", "entries", "goals"):
            assert (await tracker.call("GET", f"/v1/exports/{what}.csv")).status_code == 403


RECORDS: Final = 100
ENTRIES_OF_RECORD: Final = 1_000


def resident_bytes() -> int:
    """The memory of this process, in which the service runs, too."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


async def long_brand(brand: BrandClient, log: PostgresLog) -> None:
    """A hundred thousand ledger entries of 0.01."""
    creator = await brand.post("/v1/creators", {"name": "Mia"})
    placement = await brand.post(
        "/v1/placements", {"creator_id": creator["id"], "platform": "instagram"}
    )
    entries = [entry(placement["id"], 1, "EUR", units=10)] * ENTRIES_OF_RECORD
    for sequence in range(1, RECORDS + 1):
        await log.append(CREDITS, [decision(brand, sequence, entries, "EUR", f"{sequence}")])


async def folded(brand: BrandClient) -> dict[str, Any]:
    """The answer of the whole span once all records are folded."""
    async with asyncio.timeout(240):
        while True:
            answer: dict[str, Any] = await brand.ok("GET", f"/v1/roi?{DAYS}")
            if answer["meta"]["sequence"] == RECORDS:
                return answer
            await asyncio.sleep(0.2)


async def test_a_long_file_is_streamed_in_flat_memory_to_a_few_at_once(
    owner_url: str, attribution_log: PostgresLog
) -> None:
    async with roi_running(owner_url) as roi, httpx.AsyncClient(timeout=60) as http:
        brand = await roi.brand(http)
        await long_brand(brand, attribution_log)
        net = shown((await folded(brand))["totals"]["net_revenue"])
        headers = {"Authorization": f"Bearer {brand.key}"}
        address = f"{roi.url}/v1/exports/credits.csv?{DAYS}"
        before, most, size, rest = resident_bytes(), 0, 0, b""
        async with http.stream("GET", address, headers=headers) as response:
            async for chunk in response.aiter_bytes():
                size, rest = size + len(chunk), (rest + chunk)[-2_000:]
                most = max(most, resident_bytes() - before)
        assert size > 20_000_000
        assert most < size / 2, (most, size)
        last = rest.decode().splitlines()[-1]
        assert last.startswith("totals,")
        assert last.endswith(f",EUR,{net},1.000000")
        assert net == "1000.00"

        async with AsyncExitStack() as unread:
            for _ in range(EXPORTS_MAX):
                response = await unread.enter_async_context(
                    http.stream("GET", address, headers=headers)
                )
                assert response.status_code == 200
            refused = await brand.refused("GET", f"/v1/exports/costs.csv?{DAYS}")
            assert (refused.status, "exports" in refused.detail) == (429, True)
            # Answers are not held up by clients that read slowly.
            await brand.ok("GET", f"/v1/roi?{DAYS}")
        async with asyncio.timeout(20):
            while True:
                again = await brand.call("GET", f"/v1/exports/costs.csv?{DAYS}")
                if again.status_code == 200:
                    break
                await asyncio.sleep(0.1)
