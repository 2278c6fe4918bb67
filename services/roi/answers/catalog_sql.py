"""The SQL of what answers read of the catalog: owners, facts, names, margins, costs.

Promise: facts are those that were current at the answer's moment; names are today's.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Integer,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SQL_UUID
from sqlalchemy.sql.selectable import FromClause

from services.roi.answers.cost_views import CostView
from services.roi.answers.kinds import Entity, Measure
from services.roi.answers.sizes import CATALOG_ROWS_MAX
from services.roi.answers.sql_parts import (
    SHAPES_MAX,
    TIME,
    WORKSPACE,
    ZONE,
    Compiled,
    compiled,
    first_day,
    local_day,
    moment_param,
)
from services.roi.answers.tables import COST_VERSIONS, ENTITIES, VERSIONS
from services.roi.domain.entity import WITHDRAWN


def _recorded(table: FromClause) -> list[ColumnElement[bool]]:
    """Return the conditions for versions that were current at the answer's moment."""
    as_of = moment_param("as_of")
    stood = or_(table.c.superseded_at.is_(None), table.c.superseded_at > as_of)
    return [table.c.workspace_id == WORKSPACE, table.c.recorded_at <= as_of, stood]


def _of_kind(kind: str) -> ColumnElement[bool]:
    return VERSIONS.c.entity == kind


def _fact(name: str) -> ColumnElement[Any]:
    text: ColumnElement[Any] = VERSIONS.c.facts[name].astext
    return text


@lru_cache(maxsize=SHAPES_MAX)
def entity_facts(entity: Entity, facts: tuple[str, ...]) -> Compiled:
    """Select each entity's id and the named facts as text, as recorded at the answer's moment.

    Placements also have `creator_id`, `campaign_id`, `published_on` and `archived_on`.
    """
    columns: list[ColumnElement[Any]] = [_fact(name).label(f"fact_{name}") for name in facts]
    if entity is Entity.PLACEMENT:
        columns += _of_placement()
    statement = select(VERSIONS.c.entity_id, *columns).where(
        _of_kind(entity.value), *_recorded(VERSIONS)
    )
    if entity is Entity.PLACEMENT:
        statement = statement.select_from(_made())
    return compiled(statement.limit(CATALOG_ROWS_MAX + 1))


@lru_cache
def placements_of_headlines() -> Compiled:
    """Select the owners of the brand's placements and of those that share the costs of `owners`.

    The columns are those of `entity_facts` without facts.
    """
    creator_id, campaign_id = (
        cast(_fact(name), SQL_UUID) for name in ("creator_id", "campaign_id")
    )
    owners = any_(bindparam("owners", type_=ARRAY(SQL_UUID)))
    statement = (
        select(VERSIONS.c.entity_id, *_of_placement())
        .select_from(_made())
        .where(
            _of_kind(Entity.PLACEMENT.value),
            *_recorded(VERSIONS),
            or_(creator_id.is_(None), creator_id == owners, campaign_id == owners),
        )
    )
    return compiled(statement.limit(CATALOG_ROWS_MAX + 1))


def _made() -> FromClause:
    """Return the versions with the moment at which each entity was made."""
    made = (
        select(ENTITIES.c.created_at)
        .where(
            ENTITIES.c.id == VERSIONS.c.entity_id,
            ENTITIES.c.workspace_id == VERSIONS.c.workspace_id,
        )
        .lateral("made")
    )
    return VERSIONS.join(made, true())


def _of_placement() -> list[ColumnElement[Any]]:
    """Return the columns of a placement, of versions with the moment of making.

    A placement without a date counts as published when it was made, one with a planned date alone
    is not published yet, and one that was withdrawn never was.
    """
    undated = case((_fact("planned_at").is_(None), column("created_at", TIME)))
    dated = func.coalesce(cast(_fact("published_at"), TIME), undated)
    published_at = case((_fact(WITHDRAWN).is_(None), dated))
    return [
        cast(_fact("creator_id"), SQL_UUID).label("creator_id"),
        cast(_fact("campaign_id"), SQL_UUID).label("campaign_id"),
        local_day(published_at).label("published_on"),
        first_day(VERSIONS.c.archived_at).label("archived_on"),
    ]


@lru_cache
def names(kind: str) -> Compiled:
    """Select today's names of placements, creators, campaigns or stores: `id` and `label`."""
    today = and_(VERSIONS.c.workspace_id == WORKSPACE, VERSIONS.c.superseded_at.is_(None))
    if kind != Entity.PLACEMENT.value:
        name = _fact("code" if kind == "link" else "name")
        columns = (VERSIONS.c.entity_id.label("id"), name.label("label"))
        named = select(*columns).where(_of_kind(kind), today)
        return compiled(named.limit(CATALOG_ROWS_MAX + 1))
    creators = VERSIONS.alias("c")
    is_own = and_(
        creators.c.entity_id == cast(_fact("creator_id"), SQL_UUID),
        creators.c.workspace_id == WORKSPACE,
        creators.c.entity == Entity.CREATOR.value,
        creators.c.superseded_at.is_(None),
    )
    label = func.concat_ws(
        " · ",
        func.coalesce(creators.c.facts["name"].astext, "brand"),
        case((_fact("automatic") == "true", "always on")),
        _fact("platform"),
        _fact("content_type"),
    )
    statement = (
        select(VERSIONS.c.entity_id.label("id"), label.label("label"))
        .select_from(VERSIONS.outerjoin(creators, is_own))
        .where(_of_kind(Entity.PLACEMENT.value), today)
    )
    return compiled(statement.limit(CATALOG_ROWS_MAX + 1))


@lru_cache
def known_ids(kind: str) -> Compiled:
    """Select those of the given ids that name an object of a kind: `id`."""
    given = any_(bindparam("ids", type_=ARRAY(SQL_UUID)))
    statement = (
        select(VERSIONS.c.entity_id.label("id"))
        .where(VERSIONS.c.entity_id == given, VERSIONS.c.workspace_id == WORKSPACE, _of_kind(kind))
        .distinct()
    )
    return compiled(statement)


@lru_cache
def margins() -> Compiled:
    """Select margins: the local day from which each is valid (NULL: always), its millionths."""
    statement = (
        select(
            first_day(VERSIONS.c.valid_from).label("first_on"),
            cast(_fact("margin_millionths"), Integer).label("margin_millionths"),
        )
        .where(_of_kind("policy"), *_recorded(VERSIONS), VERSIONS.c.archived_at.is_(None))
        .order_by(
            VERSIONS.c.valid_from.asc().nulls_first(),
            VERSIONS.c.recorded_at,
            VERSIONS.c.entity_id,
        )
    )
    return compiled(statement)


@lru_cache
def kpis() -> Compiled:
    """Select the KPI map, as JSON text, of the policy that is valid on a local day.

    It is NULL where the policy has none.
    """
    first_on = first_day(VERSIONS.c.valid_from)
    began = or_(first_on.is_(None), first_on <= bindparam("to_on", type_=Date))
    statement = (
        select(_fact("kpis").label("kpis"))
        .where(_of_kind("policy"), *_recorded(VERSIONS), VERSIONS.c.archived_at.is_(None), began)
        .order_by(
            VERSIONS.c.valid_from.desc().nulls_last(),
            VERSIONS.c.recorded_at.desc(),
            VERSIONS.c.entity_id.desc(),
        )
    )
    return compiled(statement.limit(1))


@lru_cache
def costs(measures: tuple[Measure, ...], view: CostView, *, by_times: bool) -> Compiled:
    """Select each cost of a span: owner, currency, local day, served days, spread and measures.

    A cost lies at the moment at which its local day begins. A day that a zone skipped belongs to
    the day at that moment. For `accrual` a cost is of the span when a day that it serves is; the
    caller gives the days. For `cash` what is not paid lies on the day when it was incurred.
    """
    table = COST_VERSIONS
    from_on, to_on = bindparam("from_on", type_=Date), bindparam("to_on", type_=Date)
    paid_on = (table.c.paid_on,) if view is CostView.CASH else ()
    day: ColumnElement[Any] = func.coalesce(*paid_on, table.c.incurred_on)
    within = and_(day >= from_on, day <= to_on)
    if view is CostView.ACCRUAL:
        within = and_(table.c.to_on >= from_on, table.c.from_on <= to_on)
    elif by_times:
        begins_at = func.timezone(ZONE, cast(day, DateTime(timezone=False)))
        within = and_(begins_at >= moment_param("from_at"), begins_at < moment_param("to_at"))
    day = func.least(func.greatest(day, from_on), to_on)
    statement = (
        select(
            table.c.cost_id,
            table.c.kind,
            day.label("incurred_on"),
            table.c.from_on,
            table.c.to_on,
            table.c.currency,
            table.c.placement_id,
            table.c.creator_id,
            table.c.campaign_id,
            table.c.spread,
            table.c.paid_on,
            *(measure.total(table.c).label(measure.id) for measure in measures),
        )
        .where(*_recorded(table), table.c.archived_at.is_(None), within)
        .order_by(table.c.incurred_on, table.c.cost_id)
    )
    return compiled(statement.limit(CATALOG_ROWS_MAX + 1))
