"""The SQL of the sums of answers, built with SQLAlchemy Core and compiled once for each shape.

A planned statement reads a fact from its sources as one UNION ALL and groups its sums by the
dimensions of the answer.

What can go wrong: `bucket_on = ANY(days)` is an equality, so that every further column of the key
is an index condition; a range in its place reads every workspace's rows of the span.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Date,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    extract,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SQL_UUID
from sqlalchemy.sql.selectable import FromClause

from services.roi.answers.catalog_facts import BRAND_ACCOUNT, CREATOR_ACCOUNT
from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.plan import Shape
from services.roi.answers.sizes import CELLS_MAX
from services.roi.answers.sql_parts import (
    SHAPES_MAX,
    WORKSPACE,
    ZONE,
    Compiled,
    compiled,
    dates,
    local_day,
    moment_param,
)
from services.roi.answers.tables import (
    AMOUNT_TIMES_NET,
    AMOUNT_WITHOUT_NET,
    LOCAL_HOUR,
    MOMENT,
    NEW_CUSTOMER,
    TABLES,
    Source,
)
from services.roi.domain.rollup import ORGANIC_ACCOUNT


def _one_of(column: ColumnElement[Any], words: Sequence[str]) -> ColumnElement[bool]:
    return column == any_(literal(list(words), ARRAY(Text)))


def _local_hour(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(extract("hour", func.timezone(ZONE, moment)), Text)


def _latest_of_conversion(table: FromClause, name: str) -> ColumnElement[Any]:
    """Return what the newest entry of a conversion tells, so that a reversal lies where its entry.

    What is told of a conversion may change, and its earlier entries are not written again.
    """
    return func.last_value(table.c[name]).over(
        partition_by=table.c.conversion_id,
        order_by=(table.c.sequence, table.c.position),
        rows=(None, None),
    )


@lru_cache(maxsize=SHAPES_MAX)
def sums(shape: Shape) -> Compiled:
    """Return the statement of a shape.

    Columns: `model` (credits only), `account`, `segment` (1 is the first), `currency` (credits
    only), the row's columns that dimensions ask, then the measures by their ids, as text.
    """
    rows = raw_rows(shape).subquery("r")
    source: FromClause = rows
    account: ColumnElement[Any] = rows.c.account
    if not shape.by_account:
        source, account = _by_headline(rows)
    keys: list[ColumnElement[Any]] = [
        account.label("account"),
        func.width_bucket(rows.c.bucket_on, dates("starts")).label("segment"),
    ]
    if shape.fact is Fact.CREDITS:
        keys += [rows.c.model, rows.c.currency]
    keys += [rows.c[name].label(f"of_{name}") for name in shape.columns]
    columns: Any = rows.c
    apart = list(keys)
    if any(measure.weighted_by_margin for measure in shape.measures):
        margins = func.unnest(
            dates("margin_starts"),
            dates("margin_ends"),
            bindparam("margins", type_=ARRAY(Integer)),
        ).table_valued("first_on", "until_on", "margin_millionths", name="m")
        margins = margins.render_derived()
        holds = and_(rows.c.bucket_on >= margins.c.first_on, rows.c.bucket_on < margins.c.until_on)
        source = source.join(margins, holds)
        apart.append(margins.c.margin_millionths)
        columns = _Joined(rows.c, margins.c.margin_millionths)
    measured = [total_of(measure, columns).label(measure.id) for measure in shape.measures]
    statement = select(*keys, *measured).select_from(source).group_by(*apart)
    return compiled(statement.limit(CELLS_MAX + 1), len(keys))


class _Joined:
    """The columns of rows together with the margin of their day."""

    def __init__(self, columns: Any, margin_millionths: ColumnElement[Any]) -> None:
        self._columns = columns
        self.margin_millionths = margin_millionths

    def __getattr__(self, name: str) -> Any:
        return getattr(self._columns, name)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]


def total_of(measure: Measure, columns: Any) -> ColumnElement[Any]:
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


# Columns that say which rows are read, `currency`, which is "" where a raw row has none, and the
# products, which a raw row has as two factors.
_NOT_SUMMED: Final = frozenset(
    {"bucket_on", "workspace_id", "generation", "basis", "recorded_day", "known_at", "currency"}
    | {AMOUNT_TIMES_NET, AMOUNT_WITHOUT_NET}
)


def raw_rows(shape: Shape) -> Any:
    """Return the rows that the statement sums, with the columns that all sources share."""
    places = [(source, "") for source in shape.sources]
    places += [(Source.MOMENTS, str(number)) for number in range(shape.moments)]
    tables = [TABLES[shape.fact, source] for source, _ in places]
    shared = set(tables[0].columns.keys()).intersection(*(table.columns.keys() for table in tables))
    names = sorted(shared - _NOT_SUMMED)
    parts = [_part(shape, source, number, names) for source, number in places]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _part(shape: Shape, source: Source, number: str, names: Sequence[str]) -> Select[Any]:
    table: FromClause = TABLES[shape.fact, source]
    if shape.of_records:
        table = _of_records(table)
    is_raw = source in (Source.RECORDED_DAY, Source.MOMENTS)
    moment = _moment_of(shape, table) if is_raw else None
    day = table.c.bucket_on if moment is None else local_day(moment)
    columns = [day.label("bucket_on"), *(table.c[name] for name in names if name != NEW_CUSTOMER)]
    conditions = [table.c.workspace_id == WORKSPACE]
    computed: dict[str, ColumnElement[Any]] = {}
    if shape.fact is Fact.CREDITS:
        columns += _products(table, is_raw=is_raw)
        currency = func.coalesce(table.c.currency, "") if is_raw else table.c.currency
        columns.append(currency.label("currency"))
        conditions.append(table.c.model == any_(bindparam("models", type_=ARRAY(Text))))
    else:
        conditions += _kinds(shape, table)
    if moment is None:
        conditions += _in_rollup(shape, source, table)
    else:
        conditions += _in_raw(source, number, table, moment, day)
        if NEW_CUSTOMER in shape.columns:
            computed[NEW_CUSTOMER] = _latest_of_conversion(table, NEW_CUSTOMER)
        if LOCAL_HOUR in shape.columns:
            computed[LOCAL_HOUR] = _local_hour(moment)
        if shape.entries:
            computed[MOMENT] = moment
    columns += [value.label(name) for name, value in computed.items()]
    for name in shape.narrowed:
        value = computed[name] if name in computed else cast(table.c[name], Text)
        conditions.append(value == any_(bindparam(f"only_{name}", type_=ARRAY(Text))))
    return select(*columns).where(*conditions)


def _of_records(table: FromClause) -> FromClause:
    """Return the rows of the named records of a workspace.

    They are looked for record by record; without statistics an array of records would be a filter
    on all rows of the workspace. The order is that of the primary key, so that it serves them.
    """
    given = bindparam("records", type_=ARRAY(BigInteger))
    record = func.unnest(given).table_valued(Column("sequence", BigInteger), name="record")
    record = record.render_derived()
    own = [table.c.sequence == record.c.sequence, table.c.workspace_id == WORKSPACE]
    found = select(table).where(*own).order_by(table.c.position).offset(0).lateral("entry")
    return select(*found.c).select_from(record.join(found, true())).subquery("of_records")


def _products(table: FromClause, *, is_raw: bool) -> list[Any]:
    """Return amount × net, and the amount where the net is not known; one of the two is 0."""
    if not is_raw:
        return [table.c[AMOUNT_TIMES_NET], table.c[AMOUNT_WITHOUT_NET]]
    amount, net = table.c.amount_minor, table.c.net_minor
    unknown = case((net.is_(None), amount), else_=0)
    return [
        func.coalesce(cast(amount, Numeric) * net, 0).label(AMOUNT_TIMES_NET),
        cast(unknown, BigInteger).label(AMOUNT_WITHOUT_NET),
    ]


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
        table.c.bucket_on == any_(dates(buckets)),
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
    known = table.c.known_at <= moment_param("as_of")
    if source is Source.RECORDED_DAY:
        recorded = table.c.recorded_day == bindparam("recorded_day", type_=Date)
        return [recorded, known, day == any_(dates("days"))]
    return [
        known,
        moment >= moment_param(f"from_at_{number}"),
        moment < moment_param(f"to_at_{number}"),
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
