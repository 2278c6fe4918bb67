"""The command `laurel demo`: write the catalog, send traffic, wait for the answers, print them."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.console import err, out
from services.cli.demo.demo_brand import CREATORS, DEMO_DAYS
from services.cli.demo.demo_catalog import (
    CatalogIds,
    catalog_size,
    first_day,
    make_catalog,
    posts,
    refuse_mixing,
)
from services.cli.demo.demo_counts import make_reports
from services.cli.demo.demo_events import DemoMonth, make_month
from services.cli.demo.demo_report import Hints, show
from services.cli.demo.demo_sender import (
    LIVE_ORDERS,
    is_known,
    links_work,
    send_counts,
    send_live,
    send_month,
)
from services.cli.profile import Api, open_workspace
from services.cli.readiness import wait_until_ready
from services.cli.verify.verify_command import folded
from shared.clock import Clock, SystemClock
from shared.errors import Transient
from shared.settings import Settings

# A separate workspace, so that made-up sales never mix with real ones.
WORKSPACE: Final = "demo"
_READY_SECONDS_MAX: Final = 15.0
# Two cores credit this month in a few seconds; a busy laptop may need longer.
_CREDITED_SECONDS_MAX: Final = 120.0
_POLL_SECONDS: Final = 0.2


def demo(
    workspace: Annotated[
        str, typer.Option(help="The workspace that it fills; made if it is new.")
    ] = WORKSPACE,
) -> None:
    """Fill a separate workspace with a month of a made-up coffee brand, and show the answers.

    It has seven creators of different kinds, backdated clicks for the month and real ones for
    today. No other workspace changes, and a second run changes nothing. It makes the workspace
    and its key in the database itself, as `laurel keys` does.
    """
    asyncio.run(_demo(workspace))


async def _demo(workspace: str) -> None:
    clock = SystemClock()
    profile = await open_workspace(Settings.load(), workspace, clock, create=True)
    async with Api(profile) as api:
        await _await_ready(api, clock)
        await refuse_mixing(api, workspace)
        plan, month = await _play(api, clock)
        answer = await _answer(api, plan, "last")
        first_touch = await _answer(api, plan, "first")
    out.print(
        f"[good]✓[/] {month.clicks:,} clicks (among them previews by apps, which do not count),"
        f" {month.orders:,} orders and renewals, {len(CREATORS)} creators:"
        " every event is in the answers\n"
    )
    show(answer, first_touch, plan, Hints(workspace, month.story_order, profile.roi))


async def _await_ready(api: Api, clock: Clock) -> None:
    try:
        async with asyncio.timeout(_READY_SECONDS_MAX):
            await wait_until_ready(api, clock, lambda _missing: None)
    except TimeoutError:
        # A plain request raises with the reason that the service gives.
        for service, path in (("roi", "/v1/workspace"), ("attribution", "/v1/lag")):
            await api.get(service, path)
        raise Transient("Laurel is not ready; `laurel doctor` tells what is missing") from None


async def _play(api: Api, clock: Clock) -> tuple[CatalogIds, DemoMonth]:
    with _progress() as bar:
        planning = bar.add_task("planning", total=catalog_size())
        first = await first_day(api, clock.now().date())
        plan = await make_catalog(api, first, lambda: bar.advance(planning))
        await links_work(api, clock, [post for post, _ in posts()])
        month = make_month(first)
        sending = bar.add_task("sending", total=len(month.events))
        await send_counts(api, list(make_reports(first, plan.placements)))
        await send_month(api, month.events, lambda count: bar.advance(sending, count))
        live = bar.add_task("clicking", total=1)
        await send_live(api, clock)
        bar.advance(live)
        crediting = bar.add_task("crediting", total=1)
        await _await_credited(api, clock)
        bar.advance(crediting)
    return plan, month


async def _await_credited(api: Api, clock: Clock) -> None:
    """Wait until attribution has the last order, then until roi has folded its credits.

    The log keeps the order of events, so everything before the last order is credited, too.
    """
    deadline = clock.monotonic() + _CREDITED_SECONDS_MAX
    while not await is_known(api, LIVE_ORDERS[-1]):
        if clock.monotonic() > deadline:
            raise Transient(
                f"attribution has not credited the month within {_CREDITED_SECONDS_MAX:.0f} s;"
                " `laurel doctor` tells why, and running the demo again loses nothing"
            )
        await clock.sleep(_POLL_SECONDS)
    balance = await api.get("attribution", "/v1/ledger/balance", group_by="model,currency")
    await folded(api, clock, balance["sequence"])


async def _answer(api: Api, plan: CatalogIds, model: str) -> Any:
    until = plan.first_day + timedelta(days=DEMO_DAYS - 1)
    span = {"from": plan.first_day.isoformat(), "to": until.isoformat()}
    return await api.get("roi", "/v1/roi", group_by="creator", model=model, **span)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=not err.is_terminal,
    )
