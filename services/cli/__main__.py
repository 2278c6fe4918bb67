"""`laurel`: the list of commands, in the order in which a person needs them, and how they fail.

Promise: an expected failure is one sentence on standard error with what to do next, and exit code
2. (`verify` and `doctor` keep 1 for "found something wrong".) Ctrl-C is no failure. A traceback
means a bug.
"""

import sys
from typing import Final

import typer

from services.cli import keys_command
from services.cli.console import complain
from services.cli.demo.demo_command import demo
from services.cli.doctor_command import doctor
from services.cli.explain.explain_command import explain
from services.cli.migrate_command import migrate
from services.cli.replay_command import replay
from services.cli.run_command import run
from services.cli.verify.verify_command import verify
from shared.errors import LaurelError

FAILED: Final = 2
INTERRUPTED: Final = 130

_HELP = """
Laurel keeps the books on influence: which creators earned which money, and what that was worth
against everything it cost.

[not dim bold]Start here[/]

  [not dim][cyan]laurel run[/]            start everything; keep this terminal open[/]
  [not dim][cyan]laurel demo[/]           in a second terminal: a month of believable traffic[/]
  [not dim][cyan]laurel explain 1187 --workspace demo[/]
                        why that order of the demo was credited as it was
  [not dim][cyan]laurel verify[/]         prove that the books balance[/]
"""

app = typer.Typer(
    name="laurel",
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_START: Final = "Start"
_ASK: Final = "Ask and check"
_SET_UP: Final = "Set up and repair"

app.command(rich_help_panel=_START)(run)
app.command(rich_help_panel=_START)(demo)
app.command(rich_help_panel=_START)(doctor)
app.command(rich_help_panel=_ASK)(explain)
app.command(rich_help_panel=_ASK)(verify)
app.add_typer(keys_command.app, name="keys", rich_help_panel=_SET_UP)
app.command(rich_help_panel=_SET_UP)(migrate)
app.command(rich_help_panel=_SET_UP)(replay)


def main() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except LaurelError as error:
        complain(str(error))
        sys.exit(FAILED)
    except BaseExceptionGroup as group:
        expected, rest = group.split(LaurelError)
        if rest is not None or expected is None:
            raise
        for failure in _flat(expected):
            complain(str(failure))
        sys.exit(FAILED)


def _flat(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The failures themselves, without the groups in which tasks wrapped them."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _flat(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


if __name__ == "__main__":
    main()
