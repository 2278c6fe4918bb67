"""The command `laurel verify`: compare the ledger with the answers, over all of time and by day.

Promise: exit code 0 when the ledger balances and equals the answers and every event is accounted
for, 1 with what differs, 2 when a service does not answer or roi is behind. It only reads. Traffic
may continue, because both services answer as of the same sequence number.
What can go wrong: a large brand has too many events to count. A line says so; the rest holds.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from services.cli.console import complain, out
from services.cli.profile import Api, Refused, choose_profile
from services.cli.verify.ledger_comparison import (
    Mismatch,
    added,
    answer_balances,
    balances_by_day,
    compare_balances,
    ledger_balances,
    summed,
    totals_balances,
    unbalanced,
)
from services.roi.answers.weaknesses import STOPPED
from shared.clock import Clock, SystemClock
from shared.errors import Transient
from shared.money import format_minor
from shared.settings import Settings

MISMATCH: Final = 1
WAIT_SECONDS_MAX: Final = 30.0
_POLL_SECONDS: Final = 0.2
# All of time: from the first day that the API accepts to two days ahead, which is past "today" in
# every time zone. One answer may cover ten years.
_FIRST_DAY: Final = date(1970, 1, 1)
_DAYS_AHEAD: Final = 2
_SPAN_DAYS: Final = 3_650
_ROWS_SHOWN_MAX: Final = 50
# Answers requested at once, each of one day: as many as roi computes at once.
_DAYS_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Findings:
    """The sizes of what was compared, the mismatches, and what needs attention.

    `attention` has sentence and count of each kind. `events` counts the accepted events by what
    became of them.
    """

    sequence: int
    accounts: int
    days: int
    models: int
    attention: tuple[tuple[str, int], ...]
    mismatches: tuple[Mismatch, ...]
    events: Mapping[str, int] | str


def verify(
    workspace: Annotated[
        str | None, typer.Option(help="A workspace other than that of the admin key.")
    ] = None,
) -> None:
    """Prove on the running system that the ledger balances and equals every answer."""
    findings = asyncio.run(_verify(workspace))
    if findings.mismatches:
        _show(findings)
    events = findings.events
    lost = 0 if isinstance(events, str) else events["difference"]
    if lost and not isinstance(events, str):
        complain(
            f"{abs(lost)} of {events['read']} events are neither booked nor superseded nor set"
            " aside"
        )
    if findings.mismatches or lost:
        raise typer.Exit(MISMATCH)
    out.print(
        f"[good]✓[/] the ledger balances at sequence {findings.sequence}:"
        f" {findings.models} sums of credits equal orders − adjustments,"
        f" {findings.accounts} accounts equal the answers, on each of"
        f" {findings.days} days too, no number is missing"
    )
    out.print(_accounted_for(events))
    for sentence, count in findings.attention:
        out.print(f"  {count} × {sentence}")


def _accounted_for(events: Mapping[str, int] | str) -> str:
    if isinstance(events, str):
        return f"events not counted: {events}. It is not proven that none is missing"
    return (
        f"[good]✓[/] each of {events['read']} events is accounted for: {events['booked']} booked,"
        f" {events['superseded']} superseded, {events['set_aside']} set aside"
    )


async def _verify(workspace: str | None) -> Findings:
    clock = SystemClock()
    with out.status("comparing the ledger with the answers"):
        async with Api(await choose_profile(Settings.load(), workspace, clock)) as api:
            return await find(api, clock)


async def find(api: Api, clock: Clock) -> Findings:
    """Compare everything as of one sequence number; raises `Transient` if roi stays behind."""
    newest = await _balance(api, "model,currency", None)
    meta = await folded(api, clock, newest["sequence"])
    sequence = meta["sequence"]
    answers = [await _answer(api, span, meta["as_of"]) for span in spans(clock.now().date())]
    sums = await _balance(api, "model,currency", sequence)
    accounts = await _balance(api, "model,currency,account", sequence)
    ledger = ledger_balances(accounts["items"])
    by_day = await _days(api, meta)
    attention = await api.get("attribution", "/v1/attention")
    events = await accounted(api, clock)
    mismatches = [
        *unbalanced(sums["items"]),
        *compare_balances(ledger, added(map(answer_balances, answers)), "ledger against answer"),
        *compare_balances(
            summed(ledger), added(map(totals_balances, answers)), "ledger against totals"
        ),
        *by_day.mismatches,
    ]
    return Findings(
        sequence=sequence,
        accounts=len(ledger),
        days=by_day.days,
        models=len(sums["items"]),
        attention=tuple((item["sentence"], item["count"]) for item in attention["items"]),
        mismatches=tuple(mismatches),
        events=events,
    )


@dataclass(frozen=True, slots=True)
class _Days:
    """The number of days compared, and their mismatches."""

    days: int
    mismatches: tuple[Mismatch, ...]


async def _days(api: Api, meta: Any) -> _Days:
    """Compare every local day from the first to the last of the ledger, each with its own answer.

    A day is one of the time zone of the answers. Money outside these days is in the comparison
    over all of time.
    """
    zone, sequence = meta["time_zone"], meta["sequence"]
    known = await _balance(api, "model,currency,day", sequence, time_zone=zone)
    if not known["items"]:
        return _Days(0, ())
    ends = sorted(date.fromisoformat(item["day"]) for item in known["items"])
    days = [ends[0] + timedelta(days=n) for n in range((ends[-1] - ends[0]).days + 1)]
    mismatches: list[Mismatch] = []
    for start in range(0, len(days), _DAYS_AT_ONCE):
        chunk = days[start : start + _DAYS_AT_ONCE]
        found = await _balance(
            api,
            "model,currency,account,day",
            sequence,
            **{"time_zone": zone, "from": chunk[0].isoformat(), "to": chunk[-1].isoformat()},
        )
        ledger = balances_by_day(found["items"])
        answers = await asyncio.gather(*(_answer(api, (day, day), meta["as_of"]) for day in chunk))
        for day, answer in zip(chunk, answers, strict=True):
            name = day.isoformat()
            balances = ledger.get(name, {})
            mismatches += compare_balances(
                balances, answer_balances(answer), "ledger against day", name
            )
    return _Days(len(days), tuple(mismatches))


async def folded(api: Api, clock: Clock, sequence: int) -> Any:
    """Return the `meta` of an answer of roi as soon as it has folded `sequence`.

    roi folds number after number and stops at a gap, so no number before `sequence` is missing.
    Raises `Transient` after `WAIT_SECONDS_MAX`.
    """
    deadline = clock.monotonic() + WAIT_SECONDS_MAX
    while True:
        meta = (await api.get("roi", "/v1/roi"))["meta"]
        if meta["sequence"] >= sequence:
            return meta
        if clock.monotonic() > deadline:
            raise Transient(
                f"roi has folded up to {meta['sequence']} and attribution is at {sequence}, still"
                f" after {WAIT_SECONDS_MAX:.0f} s. {_why_behind(meta)}"
            )
        await clock.sleep(_POLL_SECONDS)


async def accounted(api: Api, clock: Clock) -> Mapping[str, int] | str:
    """Return what became of all events, as soon as each is accounted for.

    Conversions that wait to be decided are in no class yet, so it asks again for a while. If the
    service refuses, because there are too many events to count, it returns the sentence.
    """
    deadline = clock.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            events: Mapping[str, int] = await api.get("attribution", "/v1/ledger/events")
        except Refused as refused:
            if refused.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            return str(refused)
        if not events["difference"] or clock.monotonic() > deadline:
            return events
        await clock.sleep(_POLL_SECONDS)


def _why_behind(meta: Any) -> str:
    """Return the warning of an answer that says why a workspace stands still."""
    told = " ".join(warning["sentence"] for warning in meta["warnings"] if warning["id"] == STOPPED)
    return told or "`laurel doctor` shows whether roi runs"


def spans(today: date) -> list[tuple[date, date]]:
    """Return all of time as adjacent spans of days, the latest first, both ends included."""
    found = []
    last = today + timedelta(days=_DAYS_AHEAD)
    while last >= _FIRST_DAY:
        first = max(_FIRST_DAY, last - timedelta(days=_SPAN_DAYS - 1))
        found.append((first, last))
        last = first - timedelta(days=1)
    return found


async def _answer(api: Api, span: tuple[date, date], as_of: str) -> Any:
    """Return the answer of roi over a span, as of one moment that is the same for all spans."""
    first, last = span
    parameters = {"from": first.isoformat(), "to": last.isoformat(), "as_of": as_of}
    return await api.get("roi", "/v1/roi", group_by="placement,model", **parameters)


async def _balance(api: Api, group_by: str, sequence: int | None, **parameters: str) -> Any:
    asked = {"group_by": group_by, "sequence": sequence, **parameters}
    return await api.get("attribution", "/v1/ledger/balance", **asked)


def _show(findings: Findings) -> None:
    complain(f"{len(findings.mismatches)} balances differ at sequence {findings.sequence}")
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "day", "model", "account"):
        table.add_column(heading)
    for heading in ("ledger", "other", "currency"):
        table.add_column(heading, justify="right")
    for row in findings.mismatches[:_ROWS_SHOWN_MAX]:
        ledger, other = (format_minor(minor, row.currency) for minor in (row.ledger, row.other))
        table.add_row(row.what, row.day, row.model, row.account, ledger, other, row.currency)
    out.print(table)
    hidden = len(findings.mismatches) - _ROWS_SHOWN_MAX
    if hidden > 0:
        out.print(f"… and {hidden} more")
