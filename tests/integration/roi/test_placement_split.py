"""Migration 0006 of roi on a catalog in which placements moved from one owner to the next.

Promise: the database is real, its rows were written at revision 0005 by the catalog's own writer,
and attribution reads the records that the migration leaves in the outbox.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from services.roi.domain.entity import Version
from services.roi.domain.records import to_record
from services.roi.store.catalog import Reader
from shared.catalog import AnyCatalogRecord, Link, LinkPeriod, catalog_key, decode_catalog
from shared.credits import TouchesTallied
from shared.db.migrate import move_history
from shared.ids import automatic_placement_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story
from tests.integration.roi.catalog_facts import cost_facts, placement_facts
from tests.integration.roi.roi_workspace import RoiWorkspace, labels

# Where the placement moved. In New York the first moment of 5 March is 05:00 UTC, after the move.
TO_JO = datetime(2026, 3, 5, 4, 30, tzinfo=UTC)
TO_BRAND = datetime(2026, 3, 9, tzinfo=UTC)
ZONE = "America/New_York"
Periods = list[tuple[datetime | None, datetime | None, str]]


@dataclass
class Moved:
    """A brand whose placement was Mia's, then Jo's, then the brand's own."""

    url: str
    roi_workspace: RoiWorkspace
    owner: "asyncpg.Connection[asyncpg.Record]"
    creators: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    states: list[datetime] = field(default_factory=list)

    async def write(self) -> None:
        """The catalog as roi wrote it before this revision."""
        roi_workspace, story = self.roi_workspace, Story(self.roi_workspace.workspace_id)
        for name in ("Mia", "Jo"):
            self.creators[name] = await roi_workspace.creator(name)
        mia, jo = (placement_facts(self.creators[name]) for name in ("Mia", "Jo"))
        own = placement_facts(None)
        reel, link = story.ident("placement", "mia"), story.ident("link", "mia")
        for rows in (
            (Version(mia),),
            (Version(mia, None, TO_JO), Version(jo, TO_JO)),
            (Version(mia, None, TO_JO), Version(jo, TO_JO, TO_BRAND), Version(own, TO_BRAND)),
        ):
            await roi_workspace.put("placement", *rows, entity_id=reel)
            self.states.append(roi_workspace.now)
        still = await roi_workspace.placement(self.creators["Jo"])
        address = {"destination": "https://shop.example/", "enabled": True}
        of_reel = {"placement_id": reel, "creator_id": None, "code": "reel", **address}
        of_mia = {"placement_id": None, "creator_id": self.creators["Mia"], "code": "b", **address}
        before = datetime(2026, 3, 2, tzinfo=UTC)
        self.ids = {
            "reel": reel,
            "still": still,
            "link": await roi_workspace.put("link", of_reel, entity_id=link),
            "late link": await roi_workspace.put(
                "link", Version(of_mia, None, before), Version({**of_reel, "code": "b"}, before)
            ),
            "other link": await roi_workspace.put(
                "link", {**of_reel, "placement_id": still, "code": "o"}
            ),
            "code": await roi_workspace.put(
                "code", {"code": "Ten", "creator_id": self.creators["Mia"], "placement_id": reel}
            ),
        }
        for day in ("2026-03-04", "2026-03-05", "2026-03-09"):
            cost = cost_facts(100, day, placement_id=reel)
            self.ids[day] = await roi_workspace.put("cost", cost)
        await roi_workspace.put(
            "cost",
            cost_facts(900, "2026-03-04", placement_id=reel),
            entity_id=self.ids["2026-03-04"],
        )

    async def current(self, kind: str) -> list[tuple[str, datetime | None, datetime | None, Any]]:
        """The rows that hold now."""
        rows = await self.owner.fetch(
            "SELECT entity_id::text, valid_from, valid_to, facts::text FROM roi.versions"
            " WHERE entity = $1 AND superseded_at IS NULL ORDER BY entity_id, period",
            kind,
        )
        return [(row[0], row[1], row[2], json.loads(row[3])) for row in rows]

    async def piece(self, name: str) -> str:
        """The id of the earlier piece of a creator."""
        (found,) = [
            id
            for id, _, _, facts in await self.current("placement")
            if facts["creator_id"] == self.creators[name]
            and not facts["automatic"]
            and id != self.ids["still"]
        ]
        assert found != self.ids["reel"]
        return found

    async def published(self) -> list[AnyCatalogRecord]:
        """What waits in the outbox, each under its own key."""
        rows = await self.owner.fetch("SELECT key, value FROM roi.outbox ORDER BY sequence")
        records = [decode_catalog(row["value"]) for row in rows]
        assert [catalog_key(record) for record in records] == [row["key"] for row in rows]
        return records


@pytest.fixture
async def moved(fresh_database: str, database_for: DatabaseFactory) -> AsyncIterator[Moved]:
    await move_history(fresh_database, "roi", "0005")
    url = make_url(fresh_database)
    owner = await asyncpg.connect(user=url.username, database=url.database, host=url.query["host"])
    database = await database_for("roi", url=fresh_database)
    found = Moved(fresh_database, await RoiWorkspace.open(database, time_zone=ZONE), owner)
    await found.write()
    await owner.execute("DELETE FROM roi.outbox")
    await owner.execute("UPDATE roi.workspaces SET outbox_pending = false")
    try:
        yield found
    finally:
        await owner.close()


async def test_every_period_becomes_a_placement_and_links_codes_and_costs_name_it(
    moved: Moved,
) -> None:
    await move_history(moved.url, "roi", "head")
    of_mia, of_jo, ids = await moved.piece("Mia"), await moved.piece("Jo"), moved.ids
    facts = {id: (a, b, facts) for id, a, b, facts in await moved.current("placement")}
    assert facts[ids["reel"]] == (None, None, placement_facts(None))
    assert {(a, b) for a, b, _ in facts.values()} == {(None, None)}

    links: dict[str, Periods] = {}
    for id, begins, ends, link in await moved.current("link"):
        links.setdefault(id, []).append((begins, ends, link["placement_id"]))
    assert links == {
        ids["link"]: [
            (None, TO_JO, of_mia),
            (TO_JO, TO_BRAND, of_jo),
            (TO_BRAND, None, ids["reel"]),
        ],
        ids["late link"]: [
            (None, datetime(2026, 3, 2, tzinfo=UTC), None),
            (datetime(2026, 3, 2, tzinfo=UTC), TO_JO, of_mia),
            (TO_JO, TO_BRAND, of_jo),
            (TO_BRAND, None, ids["reel"]),
        ],
        ids["other link"]: [(None, None, ids["still"])],
    }
    codes = await moved.current("code")
    # Mia's code counts for her own placement where the piece is not hers.
    assert sorted((a or NEVER, b, code["placement_id"]) for _, a, b, code in codes) == [
        (NEVER, TO_JO, of_mia),
        (TO_JO, TO_BRAND, None),
        (TO_BRAND, None, None),
    ]
    assert {code["creator_id"] for *_, code in codes} == {moved.creators["Mia"]}
    assert [id for id, begins, *_ in codes if begins == TO_BRAND] == [ids["code"]]

    costs = await moved.owner.fetch(
        "SELECT cost_id::text, placement_id::text FROM roi.cost_versions"
    )
    assert sorted(map(tuple, costs)) == sorted(
        [
            (ids["2026-03-04"], of_mia),
            (ids["2026-03-04"], of_mia),
            (ids["2026-03-05"], of_jo),
            (ids["2026-03-09"], ids["reel"]),
        ]
    )


NEVER = datetime(1, 1, 1, tzinfo=UTC)


async def test_each_state_of_the_past_is_split_as_it_was_recorded(moved: Moved) -> None:
    await move_history(moved.url, "roi", "head")
    of_mia, of_jo = await moved.piece("Mia"), await moved.piece("Jo")
    mia, jo, reel = moved.creators["Mia"], moved.creators["Jo"], moved.ids["reel"]
    found = []
    for moment in moved.states:
        rows = await moved.owner.fetch(
            "SELECT placement_id::text, creator_id::text FROM roi.placement_versions"
            " WHERE placement_id = ANY($1::uuid[]) AND recorded_at <= $2"
            " AND (superseded_at IS NULL OR superseded_at > $2)",
            [of_mia, of_jo, reel],
            moment,
        )
        found.append(dict(map(tuple, rows)))
    assert found == [
        {of_mia: mia, of_jo: mia, reel: mia},
        {of_mia: mia, of_jo: jo, reel: jo},
        {of_mia: mia, of_jo: jo, reel: None},
    ]


async def test_the_outbox_holds_what_the_catalog_would_publish(moved: Moved) -> None:
    await move_history(moved.url, "roi", "head")
    records = await moved.published()
    async with moved.roi_workspace.database.read([moved.roi_workspace.workspace_id]) as conn:
        reader = await Reader.of(conn, moved.roi_workspace.workspace_id)
        for record in records:
            kind = type(record).__name__.lower()
            entity = await reader.find(kind, record.id)  # type: ignore[arg-type]
            assert entity is not None
            assert record == to_record(entity)
    kinds = [type(record).__name__ for record in records]
    # A later migration publishes the first store of the workspace.
    assert sorted(kinds) == ["Code"] * 3 + ["Link"] * 2 + ["Placement"] * 3 + ["Store"]
    assert {r.revision for r in records if r.id == moved.ids["reel"]} == {4}
    pending = "SELECT outbox_pending FROM roi.workspaces"
    assert await moved.owner.fetchval(pending) is True


async def test_clicks_and_codes_stay_with_the_owner_of_their_time(
    moved: Moved, database_for: DatabaseFactory
) -> None:
    roi_workspace, ids = moved.roi_workspace, moved.ids
    pipeline = AttributionPipeline(await database_for("attribution", url=moved.url))
    story = Story(roi_workspace.workspace_id)
    await pipeline.learn_bytes(version_1(moved))
    await pipeline.learn(one_link(moved))
    days = {"1": (2026, 3, 4), "2": (2026, 3, 6), "3": (2026, 3, 10)}
    for name, day in days.items():
        at = datetime(*day, 12, tzinfo=UTC)
        click = story.click(f"k{name}", by=f"v{name}", at=at)
        await pipeline.feed(click, story.order(name, click=click, net=100, at=at))
    assert await accounts(pipeline, story) == dict.fromkeys(days, ids["reel"])

    await move_history(moved.url, "roi", "head")
    of_mia, of_jo = await moved.piece("Mia"), await moved.piece("Jo")
    await pipeline.learn(*await moved.published())
    assert await accounts(pipeline, story) == {"1": of_mia, "2": of_jo, "3": ids["reel"]}
    coded = datetime(2026, 3, 7, tzinfo=UTC)
    await pipeline.feed(story.order("4", codes=("ten",), net=7, at=coded))
    automatic = automatic_placement_id(roi_workspace.workspace_id, moved.creators["Mia"])
    assert (await accounts(pipeline, story))["4"] == automatic

    records = await pipeline.credits()
    counts: dict[str, int] = {}
    for record in records:
        for tally in record.tallies if isinstance(record, TouchesTallied) else ():
            counts[tally.account] = counts.get(tally.account, 0) + tally.counted
    assert counts == {of_mia: 1, of_jo: 1, ids["reel"]: 1}
    await roi_workspace.fold(*records)
    answer = await roi_workspace.ask("creator")
    assert labels(answer) == {"Mia": 107, "Jo": 100, "brand": 100}
    assert labels(answer, "cost") == {"Mia": 900, "Jo": 100, "brand": 100}


async def test_going_down_shows_the_columns_again_and_up_again_splits_nothing(moved: Moved) -> None:
    await move_history(moved.url, "roi", "head")
    before = [await moved.current(kind) for kind in ("placement", "link", "code", "cost")]
    records = len(await moved.published())
    with pytest.raises(asyncpg.CheckViolationError):
        await moved.owner.execute(
            "UPDATE roi.versions SET valid_from = now() WHERE entity = 'placement'"
        )
    await move_history(moved.url, "roi", "0005")
    dates = "SELECT DISTINCT valid_from, valid_to FROM roi.placement_versions"
    assert [tuple(row) for row in await moved.owner.fetch(dates)] == [(None, None)]
    await move_history(moved.url, "roi", "head")
    after = [await moved.current(kind) for kind in ("placement", "link", "code", "cost")]
    assert after == before
    assert len(await moved.published()) == records
    forced = (
        "SELECT bool_and(relforcerowsecurity) FROM pg_class"
        " WHERE oid = ANY('{roi.entities,roi.versions,roi.outbox}'::regclass[])"
    )
    assert await moved.owner.fetchval(forced)


def version_1(moved: Moved) -> tuple[bytes, bytes]:
    """The placement's record as roi published it before."""
    mia, jo = moved.creators["Mia"], moved.creators["Jo"]
    record = {
        "entity": "placement",
        "workspace_id": moved.roi_workspace.workspace_id,
        "id": moved.ids["reel"],
        "revision": 3,
        "recorded_at": "2026-03-10T12:00:00Z",
        "periods": [
            {"valid_to": TO_JO.isoformat(), "creator_id": mia},
            {"valid_from": TO_JO.isoformat(), "valid_to": TO_BRAND.isoformat(), "creator_id": jo},
            {"valid_from": TO_BRAND.isoformat(), "is_brand": True},
        ],
    }
    key = f"{moved.roi_workspace.workspace_id}/{moved.ids['reel']}".encode()
    return key, json.dumps(record).encode()


def one_link(moved: Moved) -> Link:
    """The link's record before: one period, and the placement's id."""
    return Link(
        workspace_id=moved.roi_workspace.workspace_id,
        id=moved.ids["link"],
        revision=1,
        recorded_at=TO_BRAND,
        code="reel",
        destination="https://shop.example/",
        periods=(LinkPeriod(placement_id=moved.ids["reel"]),),
    )


async def accounts(pipeline: AttributionPipeline, story: Story) -> dict[str, str]:
    """Order to the one account that the model `last` credits."""
    ledger = await pipeline.net_ledger(story.workspace_id)
    return {order: account for order, model, account, _ in ledger if model == "last"}
