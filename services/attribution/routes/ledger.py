"""The routes of the ledger: its balance, and the replay of what it published."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import Field

from services.attribution.routes.parts import REFUSALS, TAGS, Admin, PartsHere, Reader
from services.attribution.store import read_queries as store
from services.attribution.store.event_accounts import EVENTS_MAX, TooManyEvents, event_accounts
from services.attribution.wire import answer_shapes as wire
from shared.api.shapes import StrictModel
from shared.db.engine import driver
from shared.http.body import Router
from shared.http.problems import Problem, field_problem

GROUPS: Final = ("model", "currency", "account", "day")

router = Router(tags=TAGS, responses=REFUSALS)


class BalanceParameters(StrictModel):
    """How the balance is grouped, and which lines it sums."""

    group_by: Annotated[str, Query(examples=["model,currency,account"])] = "model,currency"
    """`model,currency`; add `account` or `day` for one sum of each."""
    sequence: Annotated[int, Query(ge=0, le=2**63 - 1)] | None = None
    """Sum the lines up to this number; the default is the newest."""
    time_zone: Annotated[str, Query(min_length=1, max_length=64)] = "UTC"
    """The time zone of the days, with `group_by=…,day`."""
    from_: Annotated[date | None, Field(alias="from")] = None
    """The first day, with `group_by=…,day`."""
    to: date | None = None
    """The last day, with `group_by=…,day`."""


@router.get("/v1/ledger/balance", summary="Credit against orders minus adjustments")
async def balance(
    caller: Reader, parts: PartsHere, asked: Annotated[BalanceParameters, Query()]
) -> wire.BalanceAnswer:
    """Return the sums of the ledger. The difference is always 0 for every additive model.

    Grouped by account or by day, the items have no net and no difference. A day is the local day
    of the conversion; a reversal counts on the day of the credit that it reverses.
    """
    groups = set(asked.group_by.split(","))
    if not groups <= set(GROUPS):
        raise field_problem("group_by", f"use any of {', '.join(GROUPS)}")
    by_account, by_day = "account" in groups, "day" in groups
    async with parts.database.read([caller.workspace_id]) as connection:
        conn = await driver(connection)
        newest = await store.last_sequence(conn, caller.workspace_id)
        if asked.sequence is not None and asked.sequence > newest:
            raise field_problem("sequence", f"the newest is {newest}")
        wanted = newest if asked.sequence is None else asked.sequence
        sums = await store.balance(conn, wanted)
        if by_day:
            found = await _credited_by_day(conn, wanted, asked)
            items = wire.day_items(found, by_account=by_account)
        else:
            items = wire.balance_items(sums.credited, sums.nets, by_account=by_account)
    return wire.BalanceAnswer(
        sequence=sums.sequence,
        items=items,
        unmatched_adjustments=list(wire.unmatched_answers(sums.unmatched)),
    )


async def _credited_by_day(
    conn: Any, sequence: int, asked: BalanceParameters
) -> dict[tuple[str, str, str, date], int]:
    if not asked.time_zone.isprintable():
        raise field_problem("time_zone", "a time zone name has no control characters")
    try:
        return await store.credited_by_day(conn, sequence, asked.time_zone, asked.from_, asked.to)
    except store.UnknownTimeZone:
        raise field_problem("time_zone", "use a name such as Europe/Berlin") from None


@router.get("/v1/ledger/events", summary="What became of every accepted event")
async def events(caller: Admin, parts: PartsHere) -> wire.EventsAnswer:
    """Return how many events are booked, superseded or set aside.

    It reads all events of the workspace, so it needs the scope admin, and a workspace with more
    than 2,000,000 events is answered 422.
    """
    async with parts.database.read([caller.workspace_id]) as connection:
        try:
            found = await event_accounts(await driver(connection), caller.workspace_id)
        except TooManyEvents:
            message = f"more than {EVENTS_MAX:,} events are too many to read for one answer"
            raise Problem(422, None, message) from None
    return wire.EventsAnswer(
        read=found.read,
        booked=found.booked,
        superseded=found.superseded,
        set_aside=found.set_aside,
        difference=found.difference,
    )


@router.post("/v1/replays", summary="Publish credits again with their old numbers")
async def replay(caller: Admin, parts: PartsHere, body: wire.ReplayBody) -> wire.ReplayAnswer:
    """Publish one bounded span of numbers; call again with `next_sequence` until it is null.

    Readers of the credits topic drop the numbers that they have. An roi database without data of
    the workspace is rebuilt from the records. An roi that has a record with other dates corrects
    the dates.
    """
    span = await parts.publisher.publish(caller.workspace_id, body.from_sequence)
    return wire.ReplayAnswer(
        published=span.published,
        from_sequence=span.first,
        to_sequence=span.last,
        next_sequence=span.last + 1 if span.last < span.newest else None,
        newest_sequence=span.newest,
        missing=list(span.missing),
    )
