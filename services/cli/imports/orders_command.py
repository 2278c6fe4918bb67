"""The command `laurel import orders`: read a file, check its rows, send them, list the bad ones.

Promise: a bad row is listed with its line and column and stops no other. Exit code 0 when every row
was taken, 1 when some were not. It uses the public API only.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.console import err, out, plain
from services.cli.imports.csv_file import Asked, BadRow, CsvFile
from services.cli.imports.event_sender import batches, send_batch
from services.cli.imports.past_orders import COLUMNS, PastOrder, past_order, refused
from services.cli.profile import Api, choose_profile
from shared.clock import Clock, SystemClock
from shared.errors import ConfigurationError
from shared.settings import Settings

BAD_ROWS: Final = 1
# A person corrects the file after some of them; the rest is counted.
BAD_ROWS_SHOWN_MAX: Final = 100


@dataclass
class Taken:
    """What became of the rows: how many are right, from when to when, and how many are not."""

    orders: int = 0
    first: datetime | None = None
    last: datetime | None = None
    example: PastOrder | None = None
    bad: int = 0
    shown: list[BadRow] = field(default_factory=list)

    def take(self, order: PastOrder) -> None:
        """Count a row that was taken."""
        self.orders += 1
        self.first = min(self.first or order.at, order.at)
        self.last = max(self.last or order.at, order.at)
        self.example = self.example or order

    def leave(self, row: BadRow) -> None:
        """Count a row that cannot be taken."""
        self.bad += 1
        if len(self.shown) < BAD_ROWS_SHOWN_MAX:
            self.shown.append(row)


def orders(
    file: Annotated[
        Path, typer.Argument(help="A CSV file in UTF-8 whose first line names columns.")
    ],
    column: Annotated[
        list[str] | None,
        typer.Option(help='A column under another title: order_id="Name". Repeat it for others.'),
    ] = None,
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave out the columns that are not known.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check every row, say what would be sent, send nothing."),
    ] = False,
    workspace: Annotated[
        str | None, typer.Option(help="A workspace other than that of the admin key.")
    ] = None,
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
    asked = Asked(_titles(column or ()), skip_unknown)
    taken = asyncio.run(_orders(CsvFile(file, COLUMNS, asked), workspace, dry_run=dry_run))
    _show(taken, dry_run=dry_run)
    if taken.bad:
        raise typer.Exit(BAD_ROWS)


def _titles(given: Sequence[str]) -> dict[str, str]:
    """Return column → title of the options `--column column=title`."""
    found: dict[str, str] = {}
    for item in given:
        name, equals, title = item.partition("=")
        if not equals or not title.strip():
            raise ConfigurationError(f'--column: {item!r} is not of the form order_id="Its title"')
        found[name.strip()] = title
    return found


async def _orders(file: CsvFile, workspace: str | None, *, dry_run: bool) -> Taken:
    clock = SystemClock()
    async with Api(await choose_profile(Settings.load(), workspace, clock)) as api:
        zone = ZoneInfo((await api.get("roi", "/v1/workspace"))["time_zone"])
        taken = Taken()
        with _progress() as bar:
            total = sum(1 for _ in file.rows())
            task = bar.add_task("checking" if dry_run else "sending", total=total)
            found = _right_rows(file, zone, clock, taken)
            for batch in batches((order.event, order) for order in found):
                sent = [order for _, order in batch]
                for order in sent if dry_run else await _send(api, clock, sent, taken):
                    taken.take(order)
                bar.update(task, completed=taken.orders + taken.bad)
            bar.update(task, completed=total)
    return taken


def _right_rows(file: CsvFile, zone: ZoneInfo, clock: Clock, taken: Taken) -> Iterator[PastOrder]:
    for row in file.rows():
        found = row if isinstance(row, BadRow) else past_order(row, zone, clock.now())
        if isinstance(found, BadRow):
            taken.leave(found)
        else:
            yield found


async def _send(
    api: Api, clock: Clock, orders: Sequence[PastOrder], taken: Taken
) -> list[PastOrder]:
    """Send one batch; return the orders that tracking accepted."""
    rejected = await send_batch(api, clock, [order.event for order in orders])
    for item in rejected:
        taken.leave(refused(orders[item["index"]], item["errors"]))
    left = {item["index"] for item in rejected}
    return [order for number, order in enumerate(orders) if number not in left]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def _show(taken: Taken, *, dry_run: bool) -> None:
    for row in sorted(taken.shown, key=lambda bad: bad.line):
        for name, message in row.flaws:
            err.print(f"line {row.line}: {name}: {message}", markup=False, soft_wrap=True)
    if taken.bad > len(taken.shown):
        err.print(f"… and {taken.bad - len(taken.shown):,} more rows")
    if taken.bad:
        err.print(f"{_count(taken.bad, 'row')} cannot be taken", style="bad")
    span = ""
    if taken.first and taken.last:
        span = f" from {taken.first:%Y-%m-%d} to {taken.last:%Y-%m-%d}"
    orders = f"{_count(taken.orders, 'past order')}{span}"
    if not dry_run:
        out.print(f"[good]✓[/] {orders} accepted; they count for nobody and in no figure")
        return
    out.print(f"{orders} would be sent; nothing was sent")
    if taken.example is not None:
        out.print(f"line {taken.example.line} would be sent as:")
        plain(json.dumps(taken.example.event, indent=2, ensure_ascii=False))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
