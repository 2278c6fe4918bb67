"""One run of an import: check the rows of a file, send them, count and list the bad ones.

Promise: a bad row is listed with its line and column and stops no other. It uses the public API
only. A dry run checks every row and sends nothing.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.console import err, out, plain
from services.cli.imports.csv_file import CsvFile
from services.cli.imports.event_sender import Event, batches, send_batch
from services.cli.profile import Api
from services.roi.domain.imports.csv_table import BadRow, Row
from shared.clock import Clock
from shared.errors import ConfigurationError

BAD_ROWS: Final = 1  # the exit code of an import of which some rows were not taken
# A person corrects the file after some of them; the rest is counted.
BAD_ROWS_SHOWN_MAX: Final = 100


class Item(Protocol):
    """A row that is right: its line, its local time, and the event that is sent for it."""

    @property
    def line(self) -> int:
        """The first line of the row in the file."""
        ...

    @property
    def at(self) -> datetime:
        """When what it tells was, in the time zone of the workspace."""
        ...

    @property
    def event(self) -> Event:
        """The event that is sent for it."""
        ...


@dataclass(frozen=True, slots=True)
class Reader:
    """How the rows of a kind of import are read.

    `read` gives the item of a row, or what is wrong with it.
    `column` gives the column of a field of the API, for what tracking refuses.
    """

    read: Callable[[Row], Item | BadRow]
    column: Callable[[str], str]


@dataclass
class Taken:
    """What became of the rows: how many are right, from when to when, and how many are not."""

    items: int = 0
    first: datetime | None = None
    last: datetime | None = None
    example: Item | None = None
    bad: int = 0
    shown: list[BadRow] = field(default_factory=list)

    def take(self, item: Item) -> None:
        """Count a row that was taken."""
        self.items += 1
        self.first = min(self.first or item.at, item.at)
        self.last = max(self.last or item.at, item.at)
        self.example = self.example or item

    def leave(self, row: BadRow) -> None:
        """Count a row that cannot be taken."""
        self.bad += 1
        if len(self.shown) < BAD_ROWS_SHOWN_MAX:
            self.shown.append(row)

    @property
    def rows(self) -> int:
        """How many rows were looked at."""
        return self.items + self.bad


def titles_of(given: Sequence[str], example: str) -> dict[str, str]:
    """Return column → title of the options `--column column=title`."""
    found: dict[str, str] = {}
    for item in given:
        name, equals, title = item.partition("=")
        if not equals or not title.strip():
            raise ConfigurationError(f'--column: {item!r} is not of the form {example}="Its title"')
        found[name.strip()] = title
    return found


async def run_import(
    api: Api, clock: Clock, file: CsvFile, reader: Reader, *, dry_run: bool
) -> Taken:
    """Check every row and, unless it is a dry run, send the right ones."""
    taken = Taken()
    with progress() as bar:
        total = sum(1 for _ in file.rows())
        task = bar.add_task("checking" if dry_run else "sending", total=total)
        found = _right_rows(file, reader, taken)
        for batch in batches((item.event, item) for item in found):
            sent = [item for _, item in batch]
            for item in sent if dry_run else await _send(api, clock, sent, reader, taken):
                taken.take(item)
            bar.update(task, completed=taken.rows)
        bar.update(task, completed=total)
    return taken


def _right_rows(file: CsvFile, reader: Reader, taken: Taken) -> Iterator[Item]:
    for row in file.rows():
        found = row if isinstance(row, BadRow) else reader.read(row)
        if isinstance(found, BadRow):
            taken.leave(found)
        else:
            yield found


async def _send(
    api: Api, clock: Clock, items: Sequence[Item], reader: Reader, taken: Taken
) -> list[Item]:
    """Send one batch; return the items that tracking accepted."""
    rejected = await send_batch(api, clock, [item.event for item in items])
    for answer in rejected:
        flaws = tuple((reader.column(e["field"]), e["message"]) for e in answer["errors"])
        taken.leave(BadRow(items[answer["index"]].line, flaws))
    left = {answer["index"] for answer in rejected}
    return [item for number, item in enumerate(items) if number not in left]


def progress() -> Progress:
    """Return the bar of a long import; it vanishes at the end."""
    return Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def show_taken(taken: Taken, what: str, meaning: str, *, dry_run: bool) -> None:
    """Print what became of a file; `what` is the word for one item, `meaning` ends the line."""
    show_bad(taken.shown, taken.bad)
    span = ""
    if taken.first and taken.last:
        span = f" from {taken.first:%Y-%m-%d} to {taken.last:%Y-%m-%d}"
    items = f"{counted(taken.items, what)}{span}"
    if not dry_run:
        out.print(f"[good]✓[/] {items} accepted; {meaning}")
        return
    out.print(f"{items} would be sent; nothing was sent")
    if taken.example is not None:
        out.print(f"line {taken.example.line} would be sent as:")
        plain(json.dumps(taken.example.event, indent=2, ensure_ascii=False))


def show_bad(shown: Sequence[BadRow], bad: int) -> None:
    """Print the rows that cannot be taken, and how many there are beside them."""
    for row in sorted(shown, key=lambda one: one.line):
        for name, message in row.flaws:
            err.print(f"line {row.line}: {name}: {message}", markup=False, soft_wrap=True)
    if bad > len(shown):
        err.print(f"… and {bad - len(shown):,} more rows")
    if bad:
        err.print(f"{counted(bad, 'row')} cannot be taken", style="bad")


def counted(number: int, what: str) -> str:
    """Return a number with its word, in the plural where it needs one."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
