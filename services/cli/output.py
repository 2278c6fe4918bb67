"""One terminal for several processes: each line with its process's name and colour in front.

Promise: lines of different processes never mix within a line. On a terminal the services' JSON log lines are made readable, and the
web server's own small talk is left out; in a pipe all pass unchanged behind their prefix, so a log collector still understands them.
"""

import json
from asyncio import StreamReader
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.text import Text

Say = Callable[[str, str], None]

_NAME_WIDTH: Final = 11
_CHUNK_BYTES: Final = 65_536
# A line longer than this is cut: it is a runaway dump, and one child must not fill the supervisor's memory.
LINE_BYTES_MAX: Final = 1_000_000
_SHOWN_APART: Final = ("event", "level", "timestamp", "service", "logger", "color_message")
_LEVEL_STYLES: Final = {"warning": "yellow", "error": "bold red", "critical": "bold red"}


class Output:
    """Where the supervisor and its children speak."""

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
    """Addresses and "Ctrl-C" of each single server mislead here: the supervisor says when all is ready, and stops all."""
    return fields.get("level") == "info" and str(fields.get("logger", "")).startswith("uvicorn")


def _readable(fields: dict[str, object]) -> Text:
    """A structured log line as a person wants it: what happened, then the details, quietly."""
    level = str(fields.get("level", "info"))
    event = str(fields.get("event", ""))
    words = event.replace("_", " ") if event.isidentifier() else event
    text = Text()
    text.append(words, style=_LEVEL_STYLES.get(level, "none"))
    for name, value in fields.items():
        if name not in _SHOWN_APART:
            text.append(f"  {name}={value}", style="dim")
    return text
