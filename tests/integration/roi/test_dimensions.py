"""Each dimension in a real answer: one brand with every field set, rows worked out by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from services.roi.answers.answer_shapes import encode_answer
from services.roi.answers.assemble import Layout, assemble
from services.roi.answers.dictionary import METRICS_IN_ORDER
from services.roi.answers.kinds import Dimension, FromRow, Grain
from services.roi.answers.question import Question
from services.roi.answers.span import Asked
from shared.credits import ORGANIC, CreditEntry
from shared.models import DEFAULT_MODELS
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import placement_facts
from tests.integration.roi.roi_workspace import RoiWorkspace, labels, plain


def account(followers: int | None, platform: str = "tiktok") -> dict[str, Any]:
    return {"platform": platform, "handle": "h", "followers": followers}


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    """Mia's reel (100), Jo's story (20), an own video (3), organic (1), in Berlin time."""
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), time_zone="Europe/Berlin")
    accounts = [account(8_000), account(60_000, "youtube")]
    mia = await roi_workspace.creator("Mia", country="DE", platform_accounts=accounts)
    jo = await roi_workspace.creator("Jo", country="FR", platform_accounts=[account(1_200_000)])
    sales = await roi_workspace.campaign("Spring", objective="sales")
    unknown = await roi_workspace.campaign("Autumn", objective=None)
    kinds: list[tuple[str | None, str | None, dict[str, Any]]] = [
        (mia, sales, {"content_type": "reel", "format": "review", "length_seconds": 30}),
        (jo, unknown, {"content_type": "story", "format": None, "length_seconds": 15}),
        (None, None, {"content_type": "reel"}),
    ]
    placements = [
        await roi_workspace.put("placement", placement_facts(creator, campaign, "tiktok") | more)
        for creator, campaign, more in kinds
    ]
    moments = [
        datetime(2026, 3, 31, 21, 59, tzinfo=UTC),  # still March in Berlin, Tuesday of week 14
        datetime(2026, 3, 31, 22, 0, tzinfo=UTC),  # April in Berlin, Wednesday of week 14
        datetime(2026, 4, 6, 12, tzinfo=UTC),  # Monday of week 15
    ]
    for placement, at, amount in zip(placements, moments, (100, 20, 3), strict=True):
        await roi_workspace.fold(
            roi_workspace.clicks(placement, at.replace(minute=at.minute // 15 * 15), amount),
            roi_workspace.order(amount, at, {placement: (amount, at)}),
        )
    await roi_workspace.fold(roi_workspace.order(1, moments[0], {ORGANIC: (1, None)}))
    await roi_workspace.cost(7, "2026-03-31", creator_id=mia)
    return roi_workspace


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("content_type", {"reel": 103, "story": 20}),
        ("format", {"review": 100, "no format": 23}),
        ("objective", {"sales": 100, "no objective": 23}),
        ("country", {"DE": 100, "FR": 20, "no country": 3}),
        ("tier", {"mid": 100, "mega": 20, "no tier": 3}),
        ("length", {"from_15_s": 20, "from_30_s": 100, "no length": 3}),
        ("month_of_year", {"march": 100, "april": 23}),
        ("week", {"2026-W14": 120, "2026-W15": 3}),
        ("month", {"2026-03": 100, "2026-04": 23}),
        ("quarter", {"2026-Q1": 100, "2026-Q2": 23}),
        ("tier,month", {"mid · 2026-03": 100, "mega · 2026-04": 20, "no tier · 2026-04": 3}),
        (
            "week,month",
            {"2026-W14 · 2026-03": 100, "2026-W14 · 2026-04": 20, "2026-W15 · 2026-04": 3},
        ),
    ],
)
async def test_rows_by_a_dimension(
    roi_workspace: RoiWorkspace, group_by: str, expected: dict[str, int]
) -> None:
    answer = await roi_workspace.ask(group_by)
    found = {name: number for name, number in labels(answer).items() if number}
    assert found == expected
    assert list(found) == list(expected), "natural order, else the most revenue first"
    clicks = {name: number for name, number in labels(answer, "clicks").items() if number}
    assert clicks == expected
    assert plain(answer["organic"]["net_revenue"]) == 1
    assert plain(answer["totals"]["net_revenue"]) == 124
    assert plain(answer["totals"]["cost"]) == 7
    assert plain(answer["program"]["net_revenue"]) == 120
    assert answer["program"]["clicks"] == 120
    assert plain(answer["brand"]["net_revenue"]) == 3
    assert answer["brand"]["clicks"] == 3


async def test_the_group_of_a_row_holds_the_value_or_null(roi_workspace: RoiWorkspace) -> None:
    rows = (await roi_workspace.ask("tier,quarter"))["rows"]
    assert rows[0]["group"] == {"tier": "mid", "quarter": "2026-Q1"}
    assert rows[-1]["group"] == {"tier": None, "quarter": "2026-Q2"}


async def test_a_dimension_is_as_recorded_and_a_correction_restates(
    roi_workspace: RoiWorkspace,
) -> None:
    before = datetime.fromisoformat((await roi_workspace.ask())["meta"]["as_of"])
    (row,) = [row for row in (await roi_workspace.ask("creator"))["rows"] if row["label"] == "Jo"]
    facts = {"name": "Jo", "country": "BE", "platform_accounts": []}
    await roi_workspace.put("creator", facts, entity_id=row["group"]["creator"])
    assert labels(await roi_workspace.ask("country"))["BE"] == 20
    assert labels(await roi_workspace.ask("tier")) == {"mid": 100, "no tier": 23}
    assert labels(await roi_workspace.ask("country", as_of=before))["FR"] == 20
    assert labels(await roi_workspace.ask("tier", as_of=before))["mega"] == 20


async def test_the_source_is_the_finest_grain_that_is_read(roi_workspace: RoiWorkspace) -> None:
    year = ("2026-01-01", "2026-12-31")
    assert (await roi_workspace.ask("tier", days=year))["meta"]["source"] == "months"
    assert (await roi_workspace.ask("month", days=year))["meta"]["source"] == "months"
    assert (await roi_workspace.ask("week", days=year))["meta"]["source"] == "days"
    assert (await roi_workspace.ask("tier", days=("2026-01-02", "2026-12-31")))["meta"][
        "source"
    ] == "days"
    times = ("2026-03-01T12:00:00Z", "2026-04-30T12:00:00Z")
    assert (await roi_workspace.ask("tier", days=times))["meta"]["source"] == "entries"
    before = datetime.fromisoformat((await roi_workspace.ask())["meta"]["as_of"])
    await roi_workspace.fold(roi_workspace.order(1, before, {ORGANIC: (1, None)}))
    assert (await roi_workspace.ask("tier", as_of=before))["meta"]["source"] == "entries"


@pytest.mark.parametrize("by", ["conversion_time", "touch_time"])
@pytest.mark.parametrize(
    "asked",
    [
        (datetime(2026, 3, 1, tzinfo=UTC).date(), datetime(2026, 4, 5, tzinfo=UTC).date()),
        (datetime(2026, 3, 31, 22, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
    ],
)
async def test_a_column_that_only_raw_rows_have_gives_the_same_totals(
    roi_workspace: RoiWorkspace, asked: Asked, by: str
) -> None:
    by_person = Dimension("person", "Person", FromRow("person_ref"))
    by_stage = Dimension("stage", "Stage", FromRow("stage"))
    totals = []
    for dimension in (by_person, by_stage):
        question = Question((dimension,), METRICS_IN_ORDER, ("last",), by, None)
        _, found = await roi_workspace.gather(question, asked)
        layout = Layout(
            (dimension,), METRICS_IN_ORDER, question.wanted.measures, ("last",), None, "EUR"
        )
        answer = assemble(layout, found.facts, found.batches)
        encode_answer(answer, {}, METRICS_IN_ORDER, ("last",), lists_models=False)
        totals.append((answer.totals, answer.headlines))
        if dimension is by_person:
            assert found.plan.source is Grain.ENTRIES
            assert {row.label for row in answer.rows} == {"somebody", "unallocated"}
    assert totals[0] == totals[1]


def credited(amount: int, account: str, at: datetime, evidence: str | None) -> list[CreditEntry]:
    """Return an entry of each model."""
    return [
        CreditEntry(
            model=model,
            revision=1,
            account=account,
            amount_minor=amount,
            units=1_000_000,
            currency="EUR",
            stage="purchase",
            touched_at=None if account == ORGANIC else at,
            evidence_class=evidence,
        )
        for model in DEFAULT_MODELS
    ]


async def rows_of_entries(
    roi_workspace: RoiWorkspace, group_by: str, as_of: datetime | None = None
) -> list[tuple[str, Any, int]]:
    """Return label, value and revenue of each row; organic has 7 beside them."""
    answer = await roi_workspace.ask(group_by, as_of=as_of)
    assert answer["meta"]["source"] == "entries"
    revenue = [plain(row["measures"]["net_revenue"]) for row in answer["rows"]]
    assert sum(revenue) + 7 == plain(answer["totals"]["net_revenue"])
    return [
        (row["label"], row["group"][group_by], minor)
        for row, minor in zip(answer["rows"], revenue, strict=True)
    ]


async def test_rows_by_evidence_and_by_store_are_read_from_the_entries(
    database_for: DatabaseFactory,
) -> None:
    """A click earns 100 in the store main, a code and a click 40 in the till; organic earns 7."""
    roi_workspace = await RoiWorkspace.open(await database_for("roi"))
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.put("placement", placement_facts(mia, None, "tiktok"))
    till = await roi_workspace.put("store", {"name": "Till"})
    at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    told = [
        roi_workspace.decision(at, credited(100, reel, at, "click")),
        roi_workspace.decision(at, credited(40, reel, at, "code+click"), store=till),
        roi_workspace.decision(at, credited(2, reel, at, None), store=till),
        roi_workspace.decision(at, credited(7, ORGANIC, at, None), store=till),
    ]
    await roi_workspace.fold(roi_workspace.clicks(reel, at, 3), *told)
    before = datetime.fromisoformat((await roi_workspace.ask())["meta"]["as_of"])
    await roi_workspace.fold(replace(roi_workspace.corrected(told[1], None), store=till))
    await roi_workspace.cost(5, "2026-03-10", placement_id=reel)

    main, click, none = ("main", "main"), ("click", "click"), ("unallocated", None)
    assert await rows_of_entries(roi_workspace, "evidence", before) == [
        (*click, 100),
        ("code+click", "code+click", 40),
        (*none, 2),
    ]
    assert await rows_of_entries(roi_workspace, "evidence") == [(*click, 100), (*none, 2)]
    for as_of, minor in ((before, 42), (None, 2)):
        assert await rows_of_entries(roi_workspace, "store", as_of) == [
            (*main, 100),
            ("Till", till, minor),
            (*none, 0),
        ]
    both = (await roi_workspace.ask("store,evidence", as_of=before))["rows"]
    assert [row["group"] for row in both][:2] == [
        {"store": "main", "evidence": "click"},
        {"store": till, "evidence": "code+click"},
    ]
    clicks = {row["label"]: row["measures"]["clicks"] for row in both}
    assert clicks["unallocated"] == 3
