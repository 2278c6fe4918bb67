"""How the command line speaks: one console for answers, one for complaints, and the words for "what to do next".

Promise: answers go to standard output, complaints and progress to standard error, so a pipe gets the answer only. Colours and
spinners appear on a terminal and nowhere else. A command that is recommended can be copied and run as it stands.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
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
    """`laurel` where the shell finds it, else the path of it: in a fresh clone nobody has activated `.venv`."""
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
    """One sentence about what is wrong, on standard error; the text is not markup, so a bracket in it is a bracket."""
    err.print("Laurel: ", style="bad", end="")
    err.print(as_typed(message), markup=False, soft_wrap=True)


def plain(message: str) -> None:
    """A line of answer without markup or wrapping: for keys, URLs and whatever others may copy."""
    out.print(message, markup=False, soft_wrap=True)
