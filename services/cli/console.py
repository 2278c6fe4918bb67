"""The output of the command line: answers, errors, and the lines of several processes.

Promise: answers go to standard output, errors and progress to standard error, so a pipe gets only
the answer. Colours and spinners appear only on a terminal. A suggested command can be copied and
run unchanged. Each line starts with the name of its process, and lines never mix. On a terminal the
JSON log lines of services are made readable, and information of the web server is left out; in a
pipe all lines pass unchanged.
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
        # Bright blue and bold are readable on a black and on a white background.
        "hint": "bright_blue",
        "quiet": "dim",
        "tracking": "green",
        "attribution": "magenta",
        "roi": "bright_blue",
        "dashboard": "yellow",
        "laurel": "bold",
        "postgres": "cyan",
    }
)

# In a file, rich would break keys and URLs at 80 columns.
WIDTH_WHEN_PIPED: Final = 160


def _console(*, stderr: bool) -> Console:
    console = Console(theme=THEME, stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WHEN_PIPED
    return console


out: Final = _console(stderr=False)
err: Final = _console(stderr=True)


def _own_name() -> str:
    """Return `laurel` if the shell finds it, else its path: a fresh clone has no active `.venv`."""
    if shutil.which("laurel") is not None:
        return "laurel"
    script = Path(sys.executable).with_name("laurel")
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m services.cli"
    here = os.path.relpath(script)
    return shlex.quote(str(script) if here.startswith("..") else here)


LAUREL: Final = _own_name()


def as_typed(text: str) -> str:
    """Return the text with its commands (`laurel …` in backticks) as they can be typed here."""
    return text.replace("`laurel ", f"`{LAUREL} ")


def complain(message: str) -> None:
    """Print one sentence about a failure on standard error, without markup."""
    err.print("Laurel: ", style="bad", end="")
    err.print(as_typed(message), markup=False, soft_wrap=True)


def plain(message: str) -> None:
    """Print a line of an answer without markup or wrapping, so that keys and URLs can be copied."""
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
    """The one output of the supervisor and its child processes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, name: str, line: str) -> None:
        """Print one line of the process `name`."""
        readable = Text(line)
        if self._console.is_terminal and (fields := _structured(line)):
            if _is_of_web_server(fields):
                return
            readable = _readable(fields)
        text = Text.assemble((f"{name:<{_NAME_WIDTH}} │ ", name), readable)
        self._console.print(text, soft_wrap=True)

    async def follow(self, name: str, stream: StreamReader) -> None:
        """Print every line of a child process until it closes its output."""
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


def _is_of_web_server(fields: dict[str, object]) -> bool:
    """Whether a line is information of the web server, whose "Ctrl-C" hint is wrong here."""
    return fields.get("level") == "info" and str(fields.get("logger", "")).startswith("uvicorn")


def _readable(fields: dict[str, object]) -> Text:
    """Return a structured log line for people: the event, then the other fields, dimmed."""
    level = str(fields.get("level", "info"))
    event = str(fields.get("event", ""))
    words = event.replace("_", " ") if event.isidentifier() else event
    text = Text()
    text.append(words, style=_LEVEL_STYLES.get(level, "none"))
    for name, value in fields.items():
        if name not in _SHOWN_APART:
            text.append(f"  {name}={value}", style="dim")
    return text
