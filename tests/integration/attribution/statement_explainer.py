"""Explain every batch statement before it runs: with its arguments and with a generic plan.

Promise: each explained execution is rolled back, so the service finds the tables unchanged. The
order of the statements and their arguments are the service's own.
What can go wrong: Postgres reports removed rows per loop and rounds them, so half a row per loop
can stay unseen. The number of loops is bounded by the number of keys.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

# What a plan read and threw away. Rows that a conflict or a LIMIT leaves out are not among them.
_REMOVED = (
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Rows Removed by Index Recheck",
)
# What of a plan's node a failure shows.
_SHOWN = ("Node Type", "Relation Name", "Index Name", "Index Cond", "Filter", "Join Filter")


@dataclass
class Explainer:
    """Judges the statements in `names` (statement to name) for a batch of `records` records."""

    names: Mapping[str, str]
    records: int = 0
    met: Counter[str] = field(default_factory=Counter)
    scans: list[str] = field(default_factory=list)
    wasteful: list[str] = field(default_factory=list)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Explain these statements on every connection of this process before they run."""
        for method in ("fetch", "fetchrow", "fetchval", "execute"):
            monkeypatch.setattr(asyncpg.Connection, method, self._wrapped(method))

    def _wrapped(self, method: str) -> Any:
        original = getattr(asyncpg.Connection, method)

        async def run(conn: Any, query: str, *arguments: object, **options: Any) -> Any:
            if query in self.names:
                await self._explain(conn, query, arguments)
            return await original(conn, query, *arguments, **options)

        return run

    async def _explain(self, conn: Any, query: str, arguments: Sequence[object]) -> None:
        name = self.names[query]
        self.met[name] += 1
        for plan in (_planned_for_these, _planned_for_any):
            savepoint = conn.transaction()
            await savepoint.start()
            try:
                found = await plan(conn, query, arguments)
            finally:
                await savepoint.rollback()
            self._judge(f"{name}, {plan.__name__}", found, _handed(arguments))

    def _judge(self, what: str, plan: dict[str, Any], handed: int) -> None:
        """The batch holds its records; the statement, the rows handed to it."""
        nodes = list(_nodes(plan))
        scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
        if any(not table.startswith("stage_") for table in scanned):
            self.scans.append(f"{what}:\n{_told(plan)}")
        removed = sum(map(_removed, nodes))
        if removed > self.records + handed:
            held = f"{self.records} records and {handed} rows handed"
            self.wasteful.append(f"{what}: {removed} rows removed, {held}:\n{_told(plan)}")


async def _planned_for_these(conn: Any, query: str, arguments: Sequence[object]) -> dict[str, Any]:
    """As Postgres plans the first executions on a connection."""
    return _plan(await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *arguments))


async def _planned_for_any(conn: Any, query: str, arguments: Sequence[object]) -> dict[str, Any]:
    """Plan as Postgres plans later executions.

    EXECUTE takes no parameters, so the server writes the arguments out.
    """
    types = [item.name for item in (await conn.prepare(query)).get_parameters()]
    spelt: Sequence[str] = ()
    if types:
        asked = (f"quote_nullable(${n}::{name}::text)" for n, name in enumerate(types, 1))
        spelt = tuple(await conn.fetchrow(f"SELECT {', '.join(asked)}", *arguments))
    literals = ", ".join(f"{text}::{name}" for text, name in zip(spelt, types, strict=True))
    await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    await conn.execute(f"PREPARE probe AS {query}")
    call = f"EXECUTE probe({literals})" if types else "EXECUTE probe"
    found = _plan(await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {call}"))
    await conn.execute("DEALLOCATE probe")
    return found


def _plan(found: list[dict[str, Any]]) -> dict[str, Any]:
    """SQLAlchemy's connections decode JSON."""
    plan: dict[str, Any] = found[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _removed(node: dict[str, Any]) -> int:
    removed: int = sum(node.get(key, 0) * node["Actual Loops"] for key in _REMOVED)
    return removed


def _told(plan: dict[str, Any], depth: int = 0) -> str:
    """The plan, a line a node."""
    shown = ", ".join(str(plan[key]) for key in _SHOWN if key in plan)
    counts = f"{plan['Actual Rows']} rows, {plan['Actual Loops']} loops, {_removed(plan)} removed"
    lines = [f"{'  ' * depth}{shown}: {counts}"]
    return "\n".join([*lines, *(_told(child, depth + 1) for child in plan.get("Plans", ()))])


def _handed(arguments: Sequence[object]) -> int:
    """Return the rows handed over: arrays are columns, so the longest one counts.

    Of two sets of rows the larger counts.
    """
    return max((len(item) for item in arguments if isinstance(item, list | tuple)), default=0)
