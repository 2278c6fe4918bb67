"""How the command line writes: answers, complaints, and the output of several processes at once.

Promise: answers go to standard output, complaints and progress to standard error, so a pipe gets
the answer only. Colours and spinners appear on a terminal and nowhere else. A command that is
recommended can be copied and run as it stands. Lines of different processes never mix within a
line: each has its process's name in front. On a terminal the JSON log lines of services are made
readable and the web server's own messages are left out; in a pipe all pass unchanged.
"""

import json
import os
import shlex
import shutil
import sys
from asyncio import StreamReader
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text
from rich.theme import Theme

THEME: Final = Theme(
    {
        "good": "green",
        "bad": "bold red",
        # Bright blue and bold are the ones that can be read on black and on white alike.
        "hint": "bright_blue",
        "quiet": "dim",
        "tracking": "green",
        "attribution": "magenta",
        "roi": "bright_blue",
        "laurel": "bold",
        "postgres": "cyan",
    }
)

# Narrower than any real terminal would cut keys and URLs in two when the output goes to a file.
WIDTH_WHEN_PIPED: Final = 160


def _console(*, stderr: bool) -> Console:
    console = Console(theme=THEME, stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WHEN_PIPED
    return console


out: Final = _console(stderr=False)
err: Final = _console(stderr=True)


def _own_name() -> str:
    """`laurel` where the shell finds it, else its path: a fresh clone has no active `.venv`."""
    if shutil.which("laurel") is not None:
        return "laurel"
    script = Path(sys.executable).with_name("laurel")
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m services.cli"
    here = os.path.relpath(script)
    return shlex.quote(str(script) if here.startswith("..") else here)


LAUREL: Final = _own_name()


def as_typed(text: str) -> str:
    """A text with its commands (`laurel …` in backticks) as they can be typed here."""
    return text.replace("`laurel ", f"`{LAUREL} ")


def complain(message: str) -> None:
    """One sentence about what is wrong, on standard error. The text is not read as markup."""
    err.print("Laurel: ", style="bad", end="")
    err.print(as_typed(message), markup=False, soft_wrap=True)


def plain(message: str) -> None:
    """A line of answer without markup or wrapping: for keys, URLs and whatever others may copy."""
    out.print(message, markup=False, soft_wrap=True)


# --- several processes on one terminal -----------------------------------------------------------

Say = Callable[[str, str], None]

_NAME_WIDTH: Final = 11
_CHUNK_BYTES: Final = 65_536
# A longer line is cut, so that one process cannot fill the supervisor's memory.
LINE_BYTES_MAX: Final = 1_000_000
_SHOWN_APART: Final = ("event", "level", "timestamp", "service", "logger", "color_message")
_LEVEL_STYLES: Final = {"warning": "yellow", "error": "bold red", "critical": "bold red"}


class Output:
    """Where the supervisor and its child processes write."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, name: str, line: str) -> None:
        """One line of the process `name`."""
        readable = Text(line)
        if self._console.is_terminal and (fields := _structured(line)):
            if _is_small_talk(fields):
                return
            readable = _readable(fields)
        text = Text.assemble((f"{name:<{_NAME_WIDTH}} │ ", name), readable)
        self._console.print(text, soft_wrap=True)

    async def follow(self, name: str, stream: StreamReader) -> None:
        """Pass on every line of a child until it closes its output."""
        rest = b""
        while chunk := await stream.read(_CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LINE_BYTES_MAX:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self.say(name, line.decode(errors="replace").rstrip())
        if rest:
            self.say(name, rest.decode(errors="replace").rstrip())


def _structured(line: str) -> dict[str, object]:
    """The fields of a JSON log line; none for any other line."""
    if not line.startswith("{"):
        return {}
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


def _is_small_talk(fields: dict[str, object]) -> bool:
    """Whether a line is the web server's own: its address and its "Ctrl-C" mislead here."""
    return fields.get("level") == "info" and str(fields.get("logger", "")).startswith("uvicorn")


def _readable(fields: dict[str, object]) -> Text:
    """A structured log line for people: what happened, then the details, dimmed."""
    level = str(fields.get("level", "info"))
    event = str(fields.get("event", ""))
    words = event.replace("_", " ") if event.isidentifier() else event
    text = Text()
    text.append(words, style=_LEVEL_STYLES.get(level, "none"))
    for name, value in fields.items():
        if name not in _SHOWN_APART:
            text.append(f"  {name}={value}", style="dim")
    return text
