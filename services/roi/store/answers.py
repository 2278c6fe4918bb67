"""The SQL of answers: sums by account from the rollups, and the catalog as it was recorded at the answer's moment.

Promise: an answer as of now reads whole days from rollups, and whole months where nothing changes within them; one as of a past moment
reads history up to the day before and that UTC day's raw rows. The parts of days at a span's edges are read from raw rows.
Everything runs in the caller's one read transaction, so rows, costs and facts are of one moment. Local days are Postgres' own reading of
the time zone of the rollups that answer, which is the workspace's own but while another one's are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.answer import CreditCell, TouchCell
from services.roi.domain.answer_facts import (
    Cost,
    Facts,
    Margin,
    OwnedPeriod,
    PlacementFacts,
    segment_starts,
    whole_months,
)
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from services.roi.store.spans import Edge, Span
from shared.db.engine import driver

_WORKSPACE: Final = """
SELECT w.clock_at, zone.time_zone, zone.generation, v.currency, coalesce(f.sequence, 0) AS sequence,
       ($2::timestamptz AT TIME ZONE zone.time_zone)::date AS today
FROM roi.workspaces AS w
JOIN roi.workspace_versions AS v ON v.workspace_id = w.workspace_id AND v.superseded_at IS NULL
LEFT JOIN roi.folds AS f ON f.workspace_id = w.workspace_id
LEFT JOIN roi.rollup_zones AS z ON z.workspace_id = w.workspace_id
CROSS JOIN LATERAL (
    SELECT coalesce(z.time_zone, v.time_zone) AS time_zone, coalesce(z.generation, 0) AS generation
) AS zone
WHERE w.workspace_id = $1
"""

_FOLDED: Final = """
SELECT sequence, known_at FROM roi.folded_records WHERE workspace_id = $1 AND known_at <= $2
ORDER BY known_at DESC LIMIT 1
"""

# $2 are the days asked for: equality on each of them makes every further column of the key an index condition.
CREDITS_NOW: Final = """
(SELECT bucket_on, model, account, stage, conversion_kind, currency, amount_minor, units FROM roi.rollups
 WHERE bucket_on = ANY($2::date[]) AND workspace_id = $1 AND generation = $7 AND basis = $4 AND model = ANY($5::text[])
 UNION ALL
 SELECT bucket_on, model, account, stage, conversion_kind, currency, amount_minor, units FROM roi.rollups_monthly
 WHERE bucket_on = ANY($6::date[]) AND workspace_id = $1 AND generation = $7 AND basis = $4 AND model = ANY($5::text[]))
"""
CREDITS_THEN: Final = """
(SELECT bucket_on, model, account, stage, conversion_kind, currency, amount_minor, units FROM roi.rollups_history
 WHERE bucket_on = ANY($2::date[]) AND workspace_id = $1 AND generation = $9 AND basis = $4 AND model = ANY($5::text[]) AND recorded_day < $6
 UNION ALL
 SELECT local.bucket_on, e.model, e.account, e.stage, e.conversion_kind, coalesce(e.currency, ''), e.amount_minor, e.units
 FROM roi.credit_entries AS e
 CROSS JOIN LATERAL (SELECT (
    CASE WHEN $4 = 'touch_time' THEN coalesce(e.touched_at, e.occurred_at) ELSE e.occurred_at END AT TIME ZONE $8
 )::date AS bucket_on) AS local
 WHERE e.recorded_day = $6 AND e.workspace_id = $1 AND e.known_at <= $7 AND e.model = ANY($5::text[])
   AND local.bucket_on = ANY($2::date[]))
"""
TOUCHES_NOW: Final = """
(SELECT bucket_on, account, stage, counted FROM roi.touch_rollups
 WHERE bucket_on = ANY($2::date[]) AND workspace_id = $1 AND generation = $5 AND touch_kind = 'click'
 UNION ALL
 SELECT bucket_on, account, stage, counted FROM roi.touch_rollups_monthly
 WHERE bucket_on = ANY($4::date[]) AND workspace_id = $1 AND generation = $5 AND touch_kind = 'click')
"""
TOUCHES_THEN: Final = """
(SELECT bucket_on, account, stage, counted FROM roi.touch_rollups_history
 WHERE bucket_on = ANY($2::date[]) AND workspace_id = $1 AND generation = $7 AND touch_kind = 'click' AND recorded_day < $4
 UNION ALL
 SELECT local.bucket_on, t.account, t.stage, t.counted
 FROM roi.touch_tallies AS t
 CROSS JOIN LATERAL (SELECT (t.quarter_at AT TIME ZONE $6)::date AS bucket_on) AS local
 WHERE t.recorded_day = $4 AND t.workspace_id = $1 AND t.known_at <= $5 AND t.touch_kind = 'click'
   AND local.bucket_on = ANY($2::date[]))
"""

# The raw rows of a part of a day, up to the answer's moment. {moment} is the basis of time, written out so that its index is used.
CREDITS_OF_EDGE: Final = """
(SELECT local.bucket_on, e.model, e.account, e.stage, e.conversion_kind, coalesce(e.currency, '') AS currency, e.amount_minor, e.units
 FROM roi.credit_entries AS e
 CROSS JOIN LATERAL (SELECT ({moment} AT TIME ZONE $8)::date AS bucket_on) AS local
 WHERE e.workspace_id = $1 AND {moment} >= $2 AND {moment} < $4 AND e.known_at <= $7
   AND local.bucket_on BETWEEN $5 AND $6 AND e.model = ANY($9::text[]))
"""
MOMENTS: Final = {
    "conversion_time": "e.occurred_at",
    "touch_time": "coalesce(e.touched_at, e.occurred_at)",
}
TOUCHES_OF_EDGE: Final = """
(SELECT local.bucket_on, t.account, t.stage, t.counted
 FROM roi.touch_tallies AS t
 CROSS JOIN LATERAL (SELECT (t.quarter_at AT TIME ZONE $8)::date AS bucket_on) AS local
 WHERE t.workspace_id = $1 AND t.quarter_at >= $2 AND t.quarter_at < $4 AND t.known_at <= $7
   AND local.bucket_on BETWEEN $5 AND $6 AND t.touch_kind = 'click')
"""

# $3 are the days at which segments start: a row's day becomes its segment's.
SUM_CREDITS: Final = """
SELECT r.model, {account} AS account, ($3::date[])[width_bucket(r.bucket_on, $3::date[])] AS day, {stage} AS stage, r.currency,
       sum(r.amount_minor) AS amount_minor, sum(r.units) AS units,
       coalesce(sum(r.units) FILTER (WHERE r.conversion_kind IN ('purchase', 'renewal')), 0) AS paid_units
FROM {source} AS r
GROUP BY 1, 2, 3, 4, 5
"""
SUM_TOUCHES: Final = """
SELECT {account} AS account, ($3::date[])[width_bucket(r.bucket_on, $3::date[])] AS day, {stage} AS stage, sum(r.counted) AS clicks
FROM {source} AS r
GROUP BY 1, 2, 3
"""

# Dimensions that ask whose an account is. Without one, a year of days is a row for each day, not for each account and day.
_OWNED: Final = frozenset({"creator", "campaign", "placement", "platform"})
_ORGANIC_OR_NOT: Final = f"""
CASE WHEN r.account = '{ORGANIC_ACCOUNT}' THEN r.account ELSE '{UUID(int=2**128 - 1)}'::uuid END
""".strip()

# The first local day of which the first moment is not before the given one.
_FIRST_DAY: Final = """
((({moment}) AT TIME ZONE $3)::date
 + (((({moment}) AT TIME ZONE $3)::date::timestamp AT TIME ZONE $3) < ({moment}))::integer)
"""
_RECORDED: Final = "recorded_at <= $2 AND (superseded_at IS NULL OR superseded_at > $2)"

_PLACEMENTS: Final = f"""
SELECT placement_id, creator_id, campaign_id, platform,
       {_FIRST_DAY.format(moment="archived_at")} AS archived_on
FROM roi.placement_versions
WHERE workspace_id = $1 AND {_RECORDED}
"""
_MARGINS: Final = f"""
SELECT {_FIRST_DAY.format(moment="valid_from")} AS first_on, margin_millionths
FROM roi.policy_versions
WHERE workspace_id = $1 AND {_RECORDED} AND archived_at IS NULL
ORDER BY valid_from NULLS FIRST, recorded_at, policy_id
"""
# A cost lies at the moment at which its local day begins. That of a day which a zone skipped belongs to the day at that moment.
_COSTS: Final = f"""
SELECT amount_minor, currency, least(greatest(incurred_on, $3), $4) AS incurred_on, placement_id, creator_id, campaign_id
FROM roi.cost_versions
WHERE workspace_id = $1 AND {_RECORDED} AND archived_at IS NULL AND {{within}}
ORDER BY incurred_on, cost_id
"""
COSTS_OF_DAYS: Final = _COSTS.format(within="incurred_on BETWEEN $3 AND $4")
COSTS_OF_TIMES: Final = _COSTS.format(
    within="(incurred_on::timestamp AT TIME ZONE $5) >= $6 AND (incurred_on::timestamp AT TIME ZONE $5) < $7"
)

_NAMES: Final = {
    "creator": """
        SELECT creator_id AS id, name AS label FROM roi.creator_versions
        WHERE workspace_id = $1 AND superseded_at IS NULL""",
    "campaign": """
        SELECT campaign_id AS id, name AS label FROM roi.campaign_versions
        WHERE workspace_id = $1 AND superseded_at IS NULL""",
    "placement": """
        SELECT p.placement_id AS id,
               concat_ws(' · ', coalesce(c.name, 'brand'), CASE WHEN p.automatic THEN 'always on' END, p.platform, p.content_type)
               AS label
        FROM roi.placement_versions AS p
        LEFT JOIN roi.creator_versions AS c
          ON c.creator_id = p.creator_id AND c.workspace_id = p.workspace_id AND c.superseded_at IS NULL
        WHERE p.workspace_id = $1 AND p.superseded_at IS NULL""",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """A workspace as a question finds it: by whose days its rollups are, its currency, today there, the answer's moment, and what was
    folded up to then."""

    workspace_id: UUID
    time_zone: str
    generation: int
    currency: str
    today: date
    as_of: datetime
    fresh_to: datetime
    sequence: int
    is_now: bool
    """Whether nothing was folded since `as_of`, so that the rollups of now answer."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Which sums are asked for: their span, basis of time, models, dimensions of the rows."""

    span: Span
    basis: str
    models: Sequence[str]
    dimensions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that an answer is made of, read at one moment. Every sum is dated by the start of its segment."""

    facts: Facts
    starts: Sequence[date]
    credits: Sequence[CreditCell]
    touches: Sequence[TouchCell]
    costs: Sequence[Cost]


@dataclass(frozen=True, slots=True)
class _Plan:
    """An ask as the sums need it: at which days segments start, which months can be read whole, and the whole days that are left."""

    ask: Ask
    starts: Sequence[date]
    months: Sequence[date]
    days: Sequence[date]

    @property
    def grain(self) -> dict[str, str]:
        """What sums are told apart by, besides model, segment and currency: only what the dimensions need."""
        is_owned = not _OWNED.isdisjoint(self.ask.dimensions)
        is_staged = "stage" in self.ask.dimensions
        return {
            "account": "r.account" if is_owned else _ORGANIC_OR_NOT,
            "stage": "r.stage" if is_staged else "NULL::text",
        }


async def desk(
    conn: AsyncConnection, workspace_id: str, now: datetime, as_of: datetime | None
) -> Desk:
    """The settings of a workspace and the moment that its answer is of: never after its clock."""
    connection = await driver(conn)
    workspace = UUID(workspace_id)
    found = await connection.fetchrow(_WORKSPACE, workspace, now)
    assert found is not None, "a key belongs to a workspace that exists"
    moment = found["clock_at"] if as_of is None else min(as_of, found["clock_at"])
    folded = await connection.fetchrow(_FOLDED, workspace, moment)
    sequence = folded["sequence"] if folded is not None else 0
    return Desk(
        workspace_id=workspace,
        time_zone=found["time_zone"],
        generation=found["generation"],
        currency=found["currency"],
        today=found["today"],
        as_of=moment,
        fresh_to=folded["known_at"] if folded is not None else moment,
        sequence=sequence,
        is_now=sequence == found["sequence"],
    )


async def gather(conn: AsyncConnection, at: Desk, ask: Ask) -> Gathered:
    """Read all that an answer is made of."""
    facts = await _facts(conn, at, ask.dimensions)
    plan = _plan(at, ask, facts)
    return Gathered(
        facts,
        plan.starts,
        await _credits(conn, at, plan),
        await _touches(conn, at, plan),
        await _costs(conn, at, ask.span),
    )


def _plan(at: Desk, ask: Ask, facts: Facts) -> _Plan:
    span = ask.span
    days = _days(span.first_on, span.last_on)
    if "day" in ask.dimensions:
        return _Plan(ask, _days(span.from_on, span.to_on), [], days)
    starts = segment_starts(facts, span.from_on, span.to_on)
    months = whole_months(starts, span.first_on, span.last_on) if at.is_now else []
    taken = set(months)
    return _Plan(ask, starts, months, [day for day in days if day.replace(day=1) not in taken])


def _days(first_on: date, last_on: date) -> list[date]:
    return [first_on + timedelta(days=n) for n in range((last_on - first_on).days + 1)]


async def _credits(conn: AsyncConnection, at: Desk, plan: _Plan) -> list[CreditCell]:
    """Credit by model, account, segment, stage and currency."""
    connection = await driver(conn)
    ask = plan.ask
    of_days = SUM_CREDITS.format(source=CREDITS_NOW if at.is_now else CREDITS_THEN, **plan.grain)
    base = (at.workspace_id, plan.days, plan.starts, ask.basis, ask.models)
    rows = await connection.fetch(of_days, *base, *_moment_arguments(at, plan))
    of_edge = SUM_CREDITS.format(
        source=CREDITS_OF_EDGE.format(moment=MOMENTS[ask.basis]), **plan.grain
    )
    for edge in ask.span.edges:
        rows += await connection.fetch(of_edge, *_edge_arguments(at, plan, edge), ask.models)
    return [
        CreditCell(
            row["model"],
            row["account"],
            row["day"],
            row["stage"],
            row["currency"],
            int(row["amount_minor"]),
            int(row["units"]),
            int(row["paid_units"]),
        )
        for row in rows
    ]


async def _touches(conn: AsyncConnection, at: Desk, plan: _Plan) -> list[TouchCell]:
    """Clicks by account, segment and stage."""
    connection = await driver(conn)
    of_days = SUM_TOUCHES.format(source=TOUCHES_NOW if at.is_now else TOUCHES_THEN, **plan.grain)
    base = (at.workspace_id, plan.days, plan.starts)
    rows = await connection.fetch(of_days, *base, *_moment_arguments(at, plan))
    of_edge = SUM_TOUCHES.format(source=TOUCHES_OF_EDGE, **plan.grain)
    for edge in plan.ask.span.edges:
        rows += await connection.fetch(of_edge, *_edge_arguments(at, plan, edge))
    return [TouchCell(row["account"], row["day"], row["stage"], int(row["clicks"])) for row in rows]


def _edge_arguments(at: Desk, plan: _Plan, edge: Edge) -> tuple[Any, ...]:
    days = (edge.first_on, edge.last_on)
    return (at.workspace_id, edge.from_at, plan.starts, edge.to_at, *days, at.as_of, at.time_zone)


def _moment_arguments(at: Desk, plan: _Plan) -> tuple[Any, ...]:
    """Now: the months read whole. A past moment: its UTC day, itself, and the time zone for that day's raw rows. Last the generation."""
    if at.is_now:
        return (plan.months, at.generation)
    return (at.as_of.astimezone(UTC).date(), at.as_of, at.time_zone, at.generation)


async def _costs(conn: AsyncConnection, at: Desk, span: Span) -> list[Cost]:
    """The costs incurred in a span, as recorded at the answer's moment."""
    connection = await driver(conn)
    arguments = (at.workspace_id, at.as_of, span.from_on, span.to_on)
    if span.times is None:
        rows = await connection.fetch(COSTS_OF_DAYS, *arguments)
    else:
        rows = await connection.fetch(COSTS_OF_TIMES, *arguments, at.time_zone, *span.times)
    return [_cost(row) for row in rows]


def _cost(row: Any) -> Cost:
    values = (row["incurred_on"], row["currency"], row["amount_minor"])
    if row["placement_id"] is not None:
        return Cost("placement", row["placement_id"], *values)
    if row["creator_id"] is not None:
        return Cost("creator", row["creator_id"], *values)
    return Cost("campaign", row["campaign_id"], *values)


async def _facts(conn: AsyncConnection, at: Desk, dimensions: Sequence[str]) -> Facts:
    """Placements and margins as recorded at the answer's moment, and today's labels of what the dimensions name."""
    connection = await driver(conn)
    arguments = (at.workspace_id, at.as_of, at.time_zone)
    placements = _placements(await connection.fetch(_PLACEMENTS, *arguments))
    margins = await connection.fetch(_MARGINS, *arguments)
    labels: dict[UUID, str] = {}
    for dimension in dimensions:
        if dimension in _NAMES:
            rows = await connection.fetch(_NAMES[dimension], at.workspace_id)
            labels |= {row["id"]: row["label"] for row in rows}
    return Facts(
        placements,
        [Margin(row["first_on"], row["margin_millionths"]) for row in margins],
        labels,
    )


def _placements(rows: Sequence[Any]) -> dict[UUID, PlacementFacts]:
    return {
        row["placement_id"]: PlacementFacts(
            (OwnedPeriod(None, row["creator_id"], row["campaign_id"], row["platform"]),),
            row["archived_on"],
        )
        for row in rows
    }
