"""What the SQL statements of answers share: parameters, local days, and the compiled form.

Statements are built with SQLAlchemy Core, compiled once, and run on the asyncpg connection:
`Compiled.arguments` puts named arguments in their order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as SQL_UUID
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

# Different shapes of questions: dimensions, bases, sources. More are compiled again, in 2 ms.
SHAPES_MAX: Final = 2_048

_DIALECT: Final[Dialect] = asyncpg_dialect()  # type: ignore[no-untyped-call]
TIME: Final = DateTime(timezone=True)


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


def compiled(statement: Select[Any], keys: int = 0) -> Compiled:
    made = statement.compile(dialect=_DIALECT)
    constants = {name: value for name, value in made.params.items() if value is not None}
    return Compiled(made.string, tuple(made.positiontup or ()), constants, keys)


def uuid_param(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=SQL_UUID)


def dates(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=ARRAY(Date))


def moment_param(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=TIME)


ZONE: Final = bindparam("time_zone", type_=Text)
WORKSPACE: Final = uuid_param("workspace_id")


def local_day(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.timezone(ZONE, moment), Date)


def first_day(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the first local day that begins at the given moment or later."""
    day = local_day(moment)
    begins_at = func.timezone(ZONE, cast(day, DateTime(timezone=False)))
    return cast(day + cast(begins_at < moment, Integer), Date)
