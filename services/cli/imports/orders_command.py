"""The command `laurel import orders`: read a file of past orders, check its rows, send them.

Promise: exit code 0 when every row was taken, 1 when some were not.
"""

import asyncio
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from services.cli.imports.csv_file import CsvFile
from services.cli.imports.import_options import DryRun, FileArgument, SkipUnknown, WorkspaceName
from services.cli.imports.import_run import (
    BAD_ROWS,
    Reader,
    Taken,
    run_import,
    show_taken,
    titles_of,
)
from services.cli.imports.past_orders import COLUMNS, column_of, past_order
from services.cli.profile import Api, choose_profile
from services.roi.domain.imports.csv_table import Asked
from shared.clock import SystemClock
from shared.settings import Settings


def orders(
    file: FileArgument,
    column: Annotated[
        list[str] | None,
        typer.Option(help='A column under another title: order_id="Name". Repeat it for others.'),
    ] = None,
    skip_unknown: SkipUnknown = False,
    dry_run: DryRun = False,
    workspace: WorkspaceName = None,
) -> None:
    """Bring in the orders from before Laurel, so that no old customer counts as new.

    They are evidence about customers and no revenue: they earn nobody credit
    and are in no figure. Without them the next order of an old customer looks
    like a first one.

    The columns are order_id, occurred_at, net and currency; customer_id, email
    or both; and store where there are several. The net is goods less discounts,
    without tax and shipping. A date, or a time without offset, is in the time
    zone of the workspace.

    A row that cannot be taken is listed with its line, and the rest is taken.
    Correct the file and import it again: rows that are known change nothing. An
    order that the shop reports itself counts as an order, and its row no more.
    E-mail addresses are hashed before they are stored.
    """
    asked = Asked(titles_of(column or (), "order_id"), skip_unknown)
    taken = asyncio.run(_orders(CsvFile(file, COLUMNS, asked), workspace, dry_run=dry_run))
    meaning = "they count for nobody and in no figure"
    show_taken(taken, "past order", meaning, dry_run=dry_run)
    if taken.bad:
        raise typer.Exit(BAD_ROWS)


async def _orders(file: CsvFile, workspace: str | None, *, dry_run: bool) -> Taken:
    clock = SystemClock()
    async with Api(await choose_profile(Settings.load(), workspace, clock)) as api:
        zone = ZoneInfo((await api.get("roi", "/v1/workspace"))["time_zone"])
        reader = Reader(lambda row: past_order(row, zone, clock.now()), column_of)
        return await run_import(api, clock, file, reader, dry_run=dry_run)
