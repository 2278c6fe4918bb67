"""The fold of credits: rollups equal the raw rows for any batches; a gap stops one workspace only.

Batches are cut, repeated and interrupted at random.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.roi.store import rollups as store
from shared.credits import AnyCredits, CreditEntry, DecisionCredited, TouchesTallied
from shared.db.engine import driver
from shared.errors import OffsetMoved
from shared.ids import new_id
from tests.fixtures.batches import hand_over
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.handed_batches import HANDED_PARTITION, fold, handed, stored
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace

NIL = "00000000-0000-0000-0000-000000000000"
MODELS = ("first", "last", "linear")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia")


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def rows_of(roi_workspace: RoiWorkspace, table: str) -> Counter[str]:
    """Return every row of a rollup as text, without workspace and generation."""
    async with roi_workspace.database.read([roi_workspace.workspace_id]) as conn:
        rows = await (await driver(conn)).fetch(
            f"SELECT (to_jsonb(r) - 'workspace_id' - 'generation')::text AS r FROM roi.{table} AS r"
        )
    return Counter(row["r"] for row in rows)


def moved(records: Sequence[AnyCredits], to: RoiWorkspace) -> list[AnyCredits]:
    """Return the same records for another workspace."""
    return [
        type(record)(
            **{name: getattr(record, name) for name in record.__struct_fields__}
            | {"workspace_id": to.workspace_id}
        )
        for record in records
    ]


def a_history(roi_workspace: RoiWorkspace, seed: int, zone_days: int = 20) -> list[AnyCredits]:
    """Return a random history: split orders, reversals, moved clicks, mixed currencies."""
    chance = random.Random(seed)
    accounts = [new_id() for _ in range(4)] + ["organic"]
    start = datetime(2026, 3, 20, tzinfo=UTC)
    records: list[AnyCredits] = []
    for _ in range(40):
        roi_workspace.now += timedelta(hours=chance.randrange(14))
        occurred_at = start + timedelta(minutes=15 * chance.randrange(96 * zone_days))
        if chance.random() < 0.4:
            account, count = chance.choice(accounts[:4]), chance.randrange(-2, 9)
            records.append(roi_workspace.clicks(account, occurred_at, count))
            continue
        kind = chance.choice(["purchase", "renewal", "lead"])
        currency = chance.choice(["EUR", "JPY", "KWD"]) if kind != "lead" else None
        entries = tuple(
            CreditEntry(
                model=model,
                revision=1,
                account=account,
                amount_minor=chance.randrange(-500, 9_000) if currency else 0,
                units=chance.randrange(1_000_000),
                placed_units=chance.choice((None, 1_000_000)),
                net_minor=chance.choice((None, chance.randrange(-9_000, 2**62))),
                currency=currency,
                stage=chance.choice(["purchase", "retention"]),
                touched_at=None
                if account == "organic"
                else occurred_at - timedelta(minutes=chance.randrange(60_000)),
            )
            for model in MODELS
            for account in chance.sample(accounts, 2)
        )
        decision = roi_workspace.decision(occurred_at, entries, kind=kind, currency=currency)
        records.append(decision)
        if chance.random() < 0.3:
            records.append(roi_workspace.corrected(decision, None))
        elif chance.random() < 0.4:
            later_at = occurred_at + timedelta(hours=chance.randrange(-900, 900))
            records.append(roi_workspace.corrected(decision, later_at))
    return records


def brute_force(
    roi_workspace: RoiWorkspace, records: Sequence[AnyCredits], zone: str
) -> Counter[tuple[Any, ...]]:
    """What `rollups` must hold, from the orders that stand after the last of these records.

    It does not look at reversals: each order counts once, on the day of its own last time.
    """
    decided = (record for record in records if isinstance(record, DecisionCredited))
    by_number = sorted(decided, key=lambda record: record.sequence)
    left = [roi_workspace.stands[record.decision_id] for record in by_number]
    sums: Counter[tuple[Any, ...]] = Counter()
    for order in {order.conversion_id: order for order in left}.values():
        for entry in order.entries:
            for basis, moment in (
                ("conversion_time", order.occurred_at),
                ("touch_time", entry.touched_at or order.occurred_at),
            ):
                account = NIL if entry.account == "organic" else entry.account
                day = moment.astimezone(ZoneInfo(zone)).date()
                key = (day, basis, entry.model, account, entry.stage, order.kind)
                sums[*key, entry.currency or "", "amount"] += entry.amount_minor
                sums[*key, entry.currency or "", "units"] += entry.units
                placed = entry.units if entry.placed_units is None else entry.placed_units
                sums[*key, entry.currency or "", "placed"] += placed
                product = entry.amount_minor * (entry.net_minor or 0)
                sums[*key, entry.currency or "", "times net"] += product
                unknown = entry.amount_minor if entry.net_minor is None else 0
                sums[*key, entry.currency or "", "without net"] += unknown
    return Counter({key: value for key, value in sums.items() if value})


async def folded(roi_workspace: RoiWorkspace, table: str = "rollups") -> Counter[tuple[Any, ...]]:
    """Return what `rollups` (or its history, summed by days) holds, as `brute_force` does."""
    async with roi_workspace.database.read([roi_workspace.workspace_id]) as conn:
        rows = await (await driver(conn)).fetch(f"SELECT * FROM roi.{table}")
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        key = (row["bucket_on"], row["basis"], row["model"], str(row["account"]))
        key_end = (row["stage"], row["conversion_kind"], row["currency"])
        sums[*key, *key_end, "amount"] += row["amount_minor"]
        sums[*key, *key_end, "units"] += row["units"]
        sums[*key, *key_end, "placed"] += row["placed_units"]
        sums[*key, *key_end, "times net"] += int(row["amount_times_net"])
        sums[*key, *key_end, "without net"] += row["amount_without_net"]
    return Counter({key: value for key, value in sums.items() if value})


def by_month(daily: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    """The same sums by the first day of the month."""
    sums: Counter[tuple[Any, ...]] = Counter()
    for (day, *key), value in daily.items():
        sums[day.replace(day=1), *key] += value
    return Counter({key: value for key, value in sums.items() if value})


async def clicks_of(
    roi_workspace: RoiWorkspace, table: str = "touch_rollups"
) -> Counter[tuple[Any, ...]]:
    async with roi_workspace.database.read([roi_workspace.workspace_id]) as conn:
        rows = await (await driver(conn)).fetch(f"SELECT * FROM roi.{table}")
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        sums[row["bucket_on"], str(row["account"])] += row["counted"]
    return Counter({key: value for key, value in sums.items() if value})


@pytest.mark.parametrize("seed", range(5))
async def test_rollups_equal_a_brute_force_sum_however_batches_are_cut_and_repeated(
    database_for: DatabaseFactory, seed: int
) -> None:
    zone = ZONES[seed]
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), time_zone=zone)
    records = a_history(roi_workspace, seed)
    chance = random.Random(seed)
    handler, at = roi_workspace.handler(), 0
    while at < len(records):
        size = chance.randrange(1, 12)
        again = max(0, at - chance.randrange(6))
        batch = list(records[again : at + size])
        chance.shuffle(batch)
        await fold(handler, batch)
        at += size
    assert await folded(roi_workspace) == brute_force(roi_workspace, records, zone)
    assert await folded(roi_workspace, "rollups_history") == brute_force(
        roi_workspace, records, zone
    )
    assert await folded(roi_workspace, "rollups_monthly") == by_month(
        brute_force(roi_workspace, records, zone)
    )
    clicks: Counter[tuple[Any, ...]] = Counter()
    for record in records:
        if isinstance(record, TouchesTallied):
            for tally in record.tallies:
                day = tally.quarter_at.astimezone(ZoneInfo(zone)).date()
                clicks[day, tally.account] += tally.counted
    expected = Counter({key: value for key, value in clicks.items() if value})
    assert await clicks_of(roi_workspace) == expected
    assert await clicks_of(roi_workspace, "touch_rollups_history") == expected
    assert await clicks_of(roi_workspace, "touch_rollups_monthly") == by_month(expected)
    assert roi_workspace.gaps == {}


async def test_one_batch_or_many_give_the_same_rows(database_for: DatabaseFactory) -> None:
    database = await database_for("roi")
    one, many = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    records = a_history(one, 7)
    await one.fold(*records)
    for record in moved(records, many):
        await many.fold(record)
    for table in (*store.ROLLUPS, "credit_entries", "touch_tallies", "folded_records", "folds"):
        assert await rows_of(one, table) == await rows_of(many, table), table


async def test_two_brands_in_one_batch_equal_each_alone(database_for: DatabaseFactory) -> None:
    database = await database_for("roi")
    first, second = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    ours, theirs = a_history(first, 1), a_history(second, 2)
    mixed = [*ours, *theirs]
    random.Random(3).shuffle(mixed)
    await first.fold(*mixed)
    assert await folded(first) == brute_force(first, ours, "UTC")
    assert await folded(second) == brute_force(second, theirs, "UTC")


async def test_a_gap_stops_its_workspace_and_no_other_and_heals(
    database_for: DatabaseFactory,
) -> None:
    database = await database_for("roi")
    torn, whole = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    records, others = a_history(torn, 4), a_history(whole, 5)
    handler = torn.handler()
    await fold(handler, [*records[:3], *records[5:9], *others])
    assert torn.gaps == {torn.workspace_id: 4}
    assert await folded(torn) == brute_force(torn, records[:3], "UTC")
    assert await folded(whole) == brute_force(whole, others, "UTC")

    await fold(handler, records[9:])
    restarted = torn.handler()
    await restarted.stored_offsets()
    assert torn.gaps == {torn.workspace_id: 4}, "a fresh process knows of the gap"

    await fold(restarted, records[3:5])
    assert torn.gaps == {}
    assert await folded(torn) == brute_force(torn, records, "UTC")
    assert not await rows_of(torn, "waiting_credits")


async def test_records_published_again_change_nothing(roi_workspace: RoiWorkspace) -> None:
    records = a_history(roi_workspace, 6)
    await roi_workspace.fold(*records)
    before = await rows_of(roi_workspace, "rollups_history")
    await roi_workspace.fold(*records)
    assert await rows_of(roi_workspace, "rollups_history") == before


async def test_a_zombie_consumer_changes_nothing(roi_workspace: RoiWorkspace) -> None:
    handler = roi_workspace.handler()
    records = [roi_workspace.order(100, NOON, {"organic": (100, None)}) for _ in range(2)]
    await fold(handler, records[:1])
    at = await handed(handler)
    with pytest.raises(OffsetMoved):
        await hand_over(handler, HANDED_PARTITION, at - 1, stored(at - 1, records[1:]))
    assert await folded(roi_workspace) == brute_force(roi_workspace, records[:1], "UTC")
    assert await handed(handler) == at


async def test_known_at_grows_with_every_record_even_when_clocks_jump(
    roi_workspace: RoiWorkspace,
) -> None:
    early, late = NOON - timedelta(days=900), NOON + timedelta(days=5)
    records = [
        roi_workspace.order(1, NOON, {"organic": (1, None)}, recorded_at=moment)
        for moment in (late, early, early)
    ]
    await roi_workspace.fold(*records)
    await roi_workspace.creator("Mia")
    async with roi_workspace.database.read([roi_workspace.workspace_id]) as conn:
        connection = await driver(conn)
        known = [
            row["known_at"]
            for row in await connection.fetch(
                "SELECT known_at FROM roi.folded_records ORDER BY sequence"
            )
        ]
        clock_at = await connection.fetchval(
            "SELECT clock_at FROM roi.workspaces WHERE workspace_id = $1",
            roi_workspace.workspace_id,
        )
    tick = timedelta(microseconds=1)
    assert known == [late, late + tick, late + 2 * tick]
    assert clock_at > known[-1], "a change of the catalog moves the same clock"


async def test_another_time_zone_makes_the_rollups_anew(roi_workspace: RoiWorkspace) -> None:
    records = a_history(roi_workspace, 8)
    await roi_workspace.fold(*records[:30])
    await roi_workspace.change_zone("Asia/Kathmandu")
    await roi_workspace.fold(*records[30:])
    assert await folded(roi_workspace) == brute_force(roi_workspace, records, "Asia/Kathmandu")
    assert await folded(roi_workspace, "rollups_history") == brute_force(
        roi_workspace, records, "Asia/Kathmandu"
    )
    monthly = by_month(brute_force(roi_workspace, records, "Asia/Kathmandu"))
    assert await folded(roi_workspace, "rollups_monthly") == monthly
