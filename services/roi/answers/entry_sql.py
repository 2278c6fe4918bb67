"""The SQL of the ledger entries and touch counts behind a figure, a page at a time.

Promise: the rows, their moments, days and values are those of the answer's own statement over raw
rows, so the pages add up to its sums. A page is found from its cursor on by an index on the moment.
"""

from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    Text,
    and_,
    bindparam,
    cast,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SQL_UUID

from services.roi.answers.kinds import Fact
from services.roi.answers.plan import Shape
from services.roi.answers.sql import raw_rows, total_of
from services.roi.answers.sql_parts import SHAPES_MAX, Compiled, compiled, dates, moment_param

# The columns of an entry, as the ledger and the touch counts store them.
OF_CREDITS: Final = (
    "account",
    "conversion_id",
    "conversion_kind",
    "natural_id",
    "store",
    "model",
    "revision",
    "reverses",
    "currency",
    "stage",
    "touch_stage",
    "evidence_class",
    "touch_kind",
    "link_id",
    "code",
    "sub_source",
    "occurred_at",
    "touched_at",
    "recorded_at",
)
OF_TOUCHES: Final = (
    "account",
    "touch_kind",
    "stage",
    "link_id",
    "code",
    "sub_source",
    "quarter_at",
    "recorded_at",
)


@lru_cache(maxsize=SHAPES_MAX)
def page_of_entries(shape: Shape) -> Compiled:
    """Select the entries of chosen sums before a cursor, newest first, with their value.

    `shape` reads raw rows only and has one measure.
    """
    rows = raw_rows(shape).subquery("r")
    kinds = {"account": SQL_UUID, "segment": Integer} | dict.fromkeys(shape.columns, Text)
    given = func.unnest(
        *[bindparam(f"chosen_{name}", type_=ARRAY(kind)) for name, kind in kinds.items()]
    )
    chosen = given.table_valued(
        *[Column(f"c_{name}", kind) for name, kind in kinds.items()], name="c"
    )
    chosen = chosen.render_derived()
    same: list[Any] = [
        chosen.c.c_account == rows.c.account,
        chosen.c.c_segment == func.width_bucket(rows.c.bucket_on, dates("starts")),
    ]
    same += [
        chosen.c[f"c_{name}"].is_not_distinct_from(cast(rows.c[name], Text))
        for name in shape.columns
    ]
    names = OF_CREDITS if shape.fact is Fact.CREDITS else OF_TOUCHES
    order = (rows.c.moment, rows.c.sequence, rows.c.position)
    (measure,) = shape.measures
    value = total_of(measure, rows.c)
    before = tuple_(
        moment_param("before_at"),
        bindparam("before_sequence", type_=BigInteger),
        bindparam("before_position", type_=Integer),
    )
    statement = (
        select(*order, *(rows.c[name] for name in names), cast(value, BigInteger).label("value"))
        .select_from(rows.join(chosen, and_(*same)))
        .where(tuple_(*order) < before, rows.c.moment <= moment_param("before_at"))
        .group_by(*order, *(rows.c[name] for name in names))
        .having(cast(value, BigInteger) != 0)
        .order_by(*(key.desc() for key in order))
        .limit(bindparam("page_rows", type_=Integer))
    )
    return compiled(statement)
