"""The tables that answers read, as SQLAlchemy Core sees them.

Each fact has one table for each grain. Of a rollup, `days` and `months` hold the sums that are
known now; `history` holds the sums of days by the UTC day on which they became known.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.types import TypeEngine

from services.roi.answers.kinds import Fact, Grain

_METADATA: Final = MetaData(schema="roi")
_TIME: Final = DateTime(timezone=True)

Columns = Mapping[str, TypeEngine[Any] | type[TypeEngine[Any]]]


class Source(StrEnum):
    """A place from which a planned statement reads a fact."""

    MONTHS = "months"
    DAYS = "days"
    HISTORY = "history"
    RECORDED_DAY = "recorded day"  # raw rows that became known on the UTC day of `as_of`
    MOMENTS = "moments"  # raw rows between two moments


_BUCKET: Final[Columns] = {"bucket_on": Date, "workspace_id": UUID, "generation": Integer}
_HISTORY: Final[Columns] = {"recorded_day": Date}
_CREDIT_SUMS: Final[Columns] = {
    "basis": Text,
    "model": Text,
    "account": UUID,
    "stage": Text,
    "conversion_kind": Text,
    "currency": Text,
    "amount_minor": BigInteger,
    "units": BigInteger,
    "placed_units": BigInteger,
    "amount_times_net": Numeric,
    "amount_without_net": BigInteger,
}
_TOUCH_SUMS: Final[Columns] = {
    "touch_kind": Text,
    "account": UUID,
    "stage": Text,
    "counted": BigInteger,
    "flagged": BigInteger,
}
_COUNT_SUMS: Final[Columns] = {
    "metric": Text,
    "account": UUID,
    "change": BigInteger,
    "reports": BigInteger,
    "fallen": BigInteger,
}
_KNOWN: Final[Columns] = {
    "workspace_id": UUID,
    "known_at": _TIME,
    "recorded_day": Date,
    "sequence": BigInteger,
    "position": Integer,
    "recorded_at": _TIME,
}
_CREDIT_ENTRIES: Final[Columns] = {
    "conversion_id": UUID,
    "conversion_kind": Text,
    "natural_id": Text,
    "store": Text,
    "model": Text,
    "account": UUID,
    "stage": Text,
    "touch_stage": Text,
    "evidence_class": Text,
    "currency": Text,
    "amount_minor": BigInteger,
    "units": BigInteger,
    "placed_units": BigInteger,
    "net_minor": BigInteger,
    "occurred_at": _TIME,
    "touched_at": _TIME,
    "person_ref": Text,
    "new_customer": Boolean,
    "touch_kind": Text,
    "link_id": UUID,
    "code": Text,
    "sub_source": Text,
    "revision": Integer,
    "reverses": Integer,
}
_TOUCH_TALLIES: Final[Columns] = {
    "account": UUID,
    "touch_kind": Text,
    "stage": Text,
    "quarter_at": _TIME,
    "counted": BigInteger,
    "flagged": BigInteger,
    "link_id": UUID,
    "code": Text,
    "sub_source": Text,
}


def _table(name: str, *columns: Columns) -> Table:
    named = {name: kind for group in columns for name, kind in group.items()}
    return Table(name, _METADATA, *(Column(name, kind) for name, kind in named.items()))


_CREDITS: Final = _table("credit_entries", _KNOWN, _CREDIT_ENTRIES)
_TOUCHES: Final = _table("touch_tallies", _KNOWN, _TOUCH_TALLIES)
_COUNTS: Final = _table("count_changes", _KNOWN, {"counted_at": _TIME}, _COUNT_SUMS)
TABLES: Final[Mapping[tuple[Fact, Source], Table]] = {
    (Fact.CREDITS, Source.MONTHS): _table("rollups_monthly", _BUCKET, _CREDIT_SUMS),
    (Fact.CREDITS, Source.DAYS): _table("rollups", _BUCKET, _CREDIT_SUMS),
    (Fact.CREDITS, Source.HISTORY): _table("rollups_history", _BUCKET, _HISTORY, _CREDIT_SUMS),
    (Fact.CREDITS, Source.RECORDED_DAY): _CREDITS,
    (Fact.CREDITS, Source.MOMENTS): _CREDITS,
    (Fact.TOUCHES, Source.MONTHS): _table("touch_rollups_monthly", _BUCKET, _TOUCH_SUMS),
    (Fact.TOUCHES, Source.DAYS): _table("touch_rollups", _BUCKET, _TOUCH_SUMS),
    (Fact.TOUCHES, Source.HISTORY): _table("touch_rollups_history", _BUCKET, _HISTORY, _TOUCH_SUMS),
    (Fact.TOUCHES, Source.RECORDED_DAY): _TOUCHES,
    (Fact.TOUCHES, Source.MOMENTS): _TOUCHES,
    (Fact.COUNTS, Source.MONTHS): _table("count_rollups_monthly", _BUCKET, _COUNT_SUMS),
    (Fact.COUNTS, Source.DAYS): _table("count_rollups", _BUCKET, _COUNT_SUMS),
    (Fact.COUNTS, Source.HISTORY): _table("count_rollups_history", _BUCKET, _HISTORY, _COUNT_SUMS),
    (Fact.COUNTS, Source.RECORDED_DAY): _COUNTS,
    (Fact.COUNTS, Source.MOMENTS): _COUNTS,
}
COST_VERSIONS: Final = _table(
    "cost_versions",
    {
        "cost_id": UUID,
        "workspace_id": UUID,
        "recorded_at": _TIME,
        "superseded_at": _TIME,
        "archived_at": _TIME,
        "kind": Text,
        "amount_minor": BigInteger,
        "currency": Text,
        "incurred_on": Date,
        "placement_id": UUID,
        "creator_id": UUID,
        "campaign_id": UUID,
        "from_on": Date,
        "to_on": Date,
        "spread": Text,
        "paid_on": Date,
    },
)
ENTITIES: Final = _table(
    "entities", {"id": UUID, "workspace_id": UUID, "entity": Text, "created_at": _TIME}
)
VERSIONS: Final = _table(
    "versions",
    {
        "entity_id": UUID,
        "workspace_id": UUID,
        "entity": Text,
        "recorded_at": _TIME,
        "superseded_at": _TIME,
        "archived_at": _TIME,
        "valid_from": _TIME,
        "facts": JSONB,
    },
)

# The hour of a raw row's moment on the workspace's clock; no table has it.
LOCAL_HOUR: Final = "local_hour"

# The moment that dates a raw row, where entries are listed.
MOMENT: Final = "moment"
# Sums of rollups that a raw row has as two factors: its amount times the net of its conversion,
# and its amount where that net is not known.
AMOUNT_TIMES_NET: Final = "amount_times_net"
AMOUNT_WITHOUT_NET: Final = "amount_without_net"
# The flag that is read from the newest entry of a conversion.
NEW_CUSTOMER: Final = "new_customer"

_OF_GRAIN: Final = {
    Grain.MONTHS: Source.MONTHS,
    Grain.DAYS: Source.DAYS,
    Grain.ENTRIES: Source.MOMENTS,
}


def columns_of(fact: Fact, grain: Grain) -> frozenset[str]:
    """Return the columns that a fact has at a grain; costs have none to group by."""
    if fact is Fact.COSTS:
        return frozenset()
    computed = (LOCAL_HOUR,) if grain is Grain.ENTRIES else ()
    return frozenset((*TABLES[fact, _OF_GRAIN[grain]].columns.keys(), *computed))
