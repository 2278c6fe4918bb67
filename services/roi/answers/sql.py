"""The SQL of answers, built with SQLAlchemy Core and compiled once for each shape.

A planned statement reads a fact from its sources as one UNION ALL and groups its sums by the
dimensions of the answer. Statements run on the asyncpg connection: `Compiled.arguments` puts named
arguments in their order.

What can go wrong: `bucket_on = ANY(days)` is an equality, so that every further column of the key
is an index condition; a range in its place reads every workspace's rows of the span.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Integer,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SQL_UUID
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql.selectable import FromClause

from services.roi.answers.catalog_facts import BRAND_ACCOUNT, CREATOR_ACCOUNT
from services.roi.answers.kinds import Entity, Fact, Measure
from services.roi.answers.plan import Shape
from services.roi.answers.sizes import CATALOG_ROWS_MAX, CELLS_MAX
from services.roi.answers.tables import COST_VERSIONS, ENTITIES, TABLES, VERSIONS, Source
from services.roi.domain.rollup import ORGANIC_ACCOUNT

# Different shapes of questions: dimensions, bases, sources. More are compiled again, in 2 ms.
SHAPES_MAX: Final = 2_048

_DIALECT: Final[Dialect] = asyncpg_dialect()  # type: ignore[no-untyped-call]
_TIME: Final = DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement's text, the names of its arguments in order, and its constant arguments.

    `keys`: how many columns come before the measures, in a statement that sums.
    """

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    keys: int = 0

    def arguments(self, **given: Any) -> list[Any]:
        """Return the positional arguments of one execution."""
        values = {**self.constants, **given}
        return [values[name] for name in self.names]


def _compiled(statement: Select[Any], keys: int = 0) -> Compiled:
    made = statement.compile(dialect=_DIALECT)
    constants = {name: value for name, value in made.params.items() if value is not None}
    return Compiled(made.string, tuple(made.positiontup or ()), constants, keys)


def _uuid(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=SQL_UUID)


def _dates(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=ARRAY(Date))


def _moment(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=_TIME)


_ZONE: Final = bindparam("time_zone", type_=Text)
_WORKSPACE: Final = _uuid("workspace_id")


def _one_of(column: ColumnElement[Any], words: Sequence[str]) -> ColumnElement[bool]:
    return column == any_(literal(list(words), ARRAY(Text)))


def _local_day(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.timezone(_ZONE, moment), Date)


def _first_day(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the first local day that begins at the given moment or later."""
    day = _local_day(moment)
    begins_at = func.timezone(_ZONE, cast(day, DateTime(timezone=False)))
    return cast(day + cast(begins_at < moment, Integer), Date)


# --- sums ----------------------------------------------------------------------------------------


@lru_cache(maxsize=SHAPES_MAX)
def sums(shape: Shape) -> Compiled:
    """Return the statement of a shape.

    Columns: `model` (credits only), `account`, `segment` (1 is the first), `currency` (credits
    only), the row's columns that dimensions ask, then the measures by their ids, as text.
    """
    rows = _rows(shape).subquery("r")
    source: FromClause = rows
    account: ColumnElement[Any] = rows.c.account
    if not shape.by_account:
        source, account = _by_headline(rows)
    keys: list[ColumnElement[Any]] = [
        account.label("account"),
        func.width_bucket(rows.c.bucket_on, _dates("starts")).label("segment"),
    ]
    if shape.fact is Fact.CREDITS:
        keys += [rows.c.model, rows.c.currency]
    keys += [rows.c[name].label(f"of_{name}") for name in shape.columns]
    columns: Any = rows.c
    apart = list(keys)
    if any(measure.weighted_by_margin for measure in shape.measures):
        margins = func.unnest(
            _dates("margin_starts"),
            _dates("margin_ends"),
            bindparam("margins", type_=ARRAY(Integer)),
        ).table_valued("first_on", "until_on", "margin_millionths", name="m")
        margins = margins.render_derived()
        holds = and_(rows.c.bucket_on >= margins.c.first_on, rows.c.bucket_on < margins.c.until_on)
        source = source.join(margins, holds)
        apart.append(margins.c.margin_millionths)
        columns = _Joined(rows.c, margins.c.margin_millionths)
    measured = [_total(measure, columns).label(measure.id) for measure in shape.measures]
    statement = select(*keys, *measured).select_from(source).group_by(*apart)
    return _compiled(statement.limit(CELLS_MAX + 1), len(keys))


class _Joined:
    """The columns of rows together with the margin of their day."""

    def __init__(self, columns: Any, margin_millionths: ColumnElement[Any]) -> None:
        self._columns = columns
        self.margin_millionths = margin_millionths

    def __getattr__(self, name: str) -> Any:
        return getattr(self._columns, name)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]


def _total(measure: Measure, columns: Any) -> ColumnElement[Any]:
    total = measure.total(columns)
    if measure.only is not None:
        total = total.filter(_one_of(columns[measure.only.column], measure.only.values))
    # As text, which the driver reads in a third of the time that a numeric takes.
    return cast(func.coalesce(total, 0), Text)


def _by_headline(rows: FromClause) -> tuple[FromClause, ColumnElement[Any]]:
    """Return the rows, and their account as organic, the brand or the creators only."""
    given = bindparam("brand_accounts", type_=ARRAY(SQL_UUID))
    own = func.unnest(given).table_valued(Column("account", SQL_UUID), name="own")
    own = own.render_derived()
    account = case(
        (rows.c.account == literal(ORGANIC_ACCOUNT, SQL_UUID), rows.c.account),
        (own.c.account.is_not(None), literal(BRAND_ACCOUNT, SQL_UUID)),
        else_=literal(CREATOR_ACCOUNT, SQL_UUID),
    )
    return rows.outerjoin(own, own.c.account == rows.c.account), account


# Columns that say which rows are read, and `currency`, which is "" where a raw row has none.
_NOT_SUMMED: Final = frozenset(
    {"bucket_on", "workspace_id", "generation", "basis", "recorded_day", "known_at", "currency"}
)


def _rows(shape: Shape) -> Any:
    """Return the rows that the statement sums, with the columns that all sources share."""
    places = [(source, "") for source in shape.sources]
    places += [(Source.MOMENTS, str(number)) for number in range(shape.moments)]
    tables = [TABLES[shape.fact, source] for source, _ in places]
    shared = set(tables[0].columns.keys()).intersection(*(table.columns.keys() for table in tables))
    names = sorted(shared - _NOT_SUMMED)
    parts = [_part(shape, source, number, names) for source, number in places]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _part(shape: Shape, source: Source, number: str, names: Sequence[str]) -> Select[Any]:
    table = TABLES[shape.fact, source]
    is_raw = source in (Source.RECORDED_DAY, Source.MOMENTS)
    moment = _moment_of(shape, table) if is_raw else None
    day = table.c.bucket_on if moment is None else _local_day(moment)
    columns = [day.label("bucket_on"), *(table.c[name] for name in names)]
    conditions = [table.c.workspace_id == _WORKSPACE]
    if shape.fact is Fact.CREDITS:
        currency = func.coalesce(table.c.currency, "") if is_raw else table.c.currency
        columns.append(currency.label("currency"))
        conditions.append(table.c.model == any_(bindparam("models", type_=ARRAY(Text))))
    else:
        conditions += _kinds(shape, table)
    if moment is None:
        conditions += _in_rollup(shape, source, table)
    else:
        conditions += _in_raw(source, number, table, moment, day)
    return select(*columns).where(*conditions)


def _kinds(shape: Shape, table: FromClause) -> list[ColumnElement[bool]]:
    """Return the condition on touch kinds or counts; none when a measure takes every kind."""
    kind = shape.fact.kind_column
    kinds: set[str] = set()
    for measure in shape.measures:
        if measure.only is None or measure.only.column != kind:
            return []
        kinds.update(measure.only.values)
    return [_one_of(table.c[kind], sorted(kinds))]


def _in_rollup(shape: Shape, source: Source, table: FromClause) -> list[ColumnElement[bool]]:
    buckets = "months" if source is Source.MONTHS else "days"
    found = [
        table.c.bucket_on == any_(_dates(buckets)),
        table.c.generation == bindparam("generation", type_=Integer),
    ]
    if shape.fact is Fact.CREDITS:
        found.append(table.c.basis == shape.basis)
    if source is Source.HISTORY:
        found.append(table.c.recorded_day < bindparam("recorded_day", type_=Date))
    return found


def _in_raw(
    source: Source,
    number: str,
    table: FromClause,
    moment: ColumnElement[Any],
    day: ColumnElement[Any],
) -> list[ColumnElement[bool]]:
    known = table.c.known_at <= _moment("as_of")
    if source is Source.RECORDED_DAY:
        recorded = table.c.recorded_day == bindparam("recorded_day", type_=Date)
        return [recorded, known, day == any_(_dates("days"))]
    return [
        known,
        moment >= _moment(f"from_at_{number}"),
        moment < _moment(f"to_at_{number}"),
        day >= bindparam(f"first_on_{number}", type_=Date),
        day <= bindparam(f"last_on_{number}", type_=Date),
    ]


def _moment_of(shape: Shape, table: FromClause) -> ColumnElement[Any]:
    """Return the moment that dates a raw row, in the same expression as its index."""
    if shape.fact is Fact.TOUCHES:
        return table.c.quarter_at
    if shape.fact is Fact.COUNTS:
        return table.c.counted_at
    if shape.basis == "touch_time":
        return func.coalesce(table.c.touched_at, table.c.occurred_at)
    return table.c.occurred_at


# --- the catalog ---------------------------------------------------------------------------------


def _recorded(table: FromClause) -> list[ColumnElement[bool]]:
    """Return the conditions for versions that were current at the answer's moment."""
    as_of = _moment("as_of")
    stood = or_(table.c.superseded_at.is_(None), table.c.superseded_at > as_of)
    return [table.c.workspace_id == _WORKSPACE, table.c.recorded_at <= as_of, stood]


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
    return _compiled(statement.limit(CATALOG_ROWS_MAX + 1))


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
    return _compiled(statement.limit(CATALOG_ROWS_MAX + 1))


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
    is not published yet.
    """
    undated = case((_fact("planned_at").is_(None), column("created_at", _TIME)))
    published_at = func.coalesce(cast(_fact("published_at"), _TIME), undated)
    return [
        cast(_fact("creator_id"), SQL_UUID).label("creator_id"),
        cast(_fact("campaign_id"), SQL_UUID).label("campaign_id"),
        _local_day(published_at).label("published_on"),
        _first_day(VERSIONS.c.archived_at).label("archived_on"),
    ]


@lru_cache
def names(kind: str) -> Compiled:
    """Select today's names of placements, creators, campaigns or stores: `id` and `label`."""
    today = and_(VERSIONS.c.workspace_id == _WORKSPACE, VERSIONS.c.superseded_at.is_(None))
    if kind != Entity.PLACEMENT.value:
        columns = (VERSIONS.c.entity_id.label("id"), _fact("name").label("label"))
        named = select(*columns).where(_of_kind(kind), today)
        return _compiled(named.limit(CATALOG_ROWS_MAX + 1))
    creators = VERSIONS.alias("c")
    is_own = and_(
        creators.c.entity_id == cast(_fact("creator_id"), SQL_UUID),
        creators.c.workspace_id == _WORKSPACE,
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
    return _compiled(statement.limit(CATALOG_ROWS_MAX + 1))


@lru_cache
def margins() -> Compiled:
    """Select margins: the local day from which each is valid (NULL: always), its millionths."""
    statement = (
        select(
            _first_day(VERSIONS.c.valid_from).label("first_on"),
            cast(_fact("margin_millionths"), Integer).label("margin_millionths"),
        )
        .where(_of_kind("policy"), *_recorded(VERSIONS), VERSIONS.c.archived_at.is_(None))
        .order_by(
            VERSIONS.c.valid_from.asc().nulls_first(),
            VERSIONS.c.recorded_at,
            VERSIONS.c.entity_id,
        )
    )
    return _compiled(statement)


@lru_cache
def costs(measures: tuple[Measure, ...], *, by_times: bool) -> Compiled:
    """Select each cost of a span: owner, currency, local day, served days, spread and measures.

    A cost lies at the moment at which its local day begins. A day that a zone skipped belongs to
    the day at that moment.
    """
    table = COST_VERSIONS
    from_on, to_on = bindparam("from_on", type_=Date), bindparam("to_on", type_=Date)
    within = and_(table.c.incurred_on >= from_on, table.c.incurred_on <= to_on)
    if by_times:
        begins_at = func.timezone(_ZONE, cast(table.c.incurred_on, DateTime(timezone=False)))
        within = and_(begins_at >= _moment("from_at"), begins_at < _moment("to_at"))
    day = func.least(func.greatest(table.c.incurred_on, from_on), to_on)
    statement = (
        select(
            day.label("incurred_on"),
            table.c.from_on,
            table.c.to_on,
            table.c.currency,
            table.c.placement_id,
            table.c.creator_id,
            table.c.campaign_id,
            table.c.spread,
            *(measure.total(table.c).label(measure.id) for measure in measures),
        )
        .where(*_recorded(table), table.c.archived_at.is_(None), within)
        .order_by(table.c.incurred_on, table.c.cost_id)
    )
    return _compiled(statement.limit(CATALOG_ROWS_MAX + 1))
