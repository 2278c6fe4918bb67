"""The console script `laurel`: its commands and its exit codes.

Promise: an expected failure prints one sentence with what to do next on standard error and exits
with 2. `verify`, `doctor`, `replay`, `import` and `undo` exit with 1 when they find a problem.
Ctrl-C exits with 130 and prints nothing. A traceback means a bug.
"""

import sys
from typing import Final

import typer

from services.cli import keys_command
from services.cli.answers.funnel_command import funnel
from services.cli.answers.goals_command import goals
from services.cli.answers.roi_command import roi
from services.cli.console import complain
from services.cli.demo.demo_command import demo
from services.cli.doctor_command import doctor
from services.cli.explain.explain_command import explain
from services.cli.imports import import_commands
from services.cli.migrate_command import migrate
from services.cli.replay_command import replay
from services.cli.run_command import run
from services.cli.secrets_command import make_secrets
from services.cli.sign_in_command import sign_in
from services.cli.undo_command import undo
from services.cli.verify.verify_command import verify
from shared.errors import LaurelError

FAILED: Final = 2
INTERRUPTED: Final = 130

_HELP = """
Laurel keeps a ledger of influence: which creators earned which money, and what that was worth
against everything it cost.

[not dim bold]Start here[/]

  [not dim][cyan]laurel run[/]            start everything; keep this terminal open[/]
  [not dim][cyan]laurel demo[/]           in a second terminal: a month of believable traffic[/]
  [not dim][cyan]laurel roi --workspace demo[/]
                        what came back for what was spent[/]
  [not dim][cyan]laurel explain 1187 --workspace demo[/]
                        why that order of the demo has its credits
  [not dim][cyan]laurel verify[/]         prove that the ledger balances[/]
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
app.command("sign-in", rich_help_panel=_START)(sign_in)
app.command(rich_help_panel=_START)(doctor)
app.command(rich_help_panel=_ASK)(roi)
app.command(rich_help_panel=_ASK)(funnel)
app.command(rich_help_panel=_ASK)(goals)
app.command(rich_help_panel=_ASK)(explain)
app.command(rich_help_panel=_ASK)(verify)
app.add_typer(import_commands.app, name="import", rich_help_panel=_SET_UP)
app.command(rich_help_panel=_SET_UP)(undo)
app.add_typer(keys_command.app, name="keys", rich_help_panel=_SET_UP)
app.command(rich_help_panel=_SET_UP)(migrate)
app.command(rich_help_panel=_SET_UP)(replay)
app.command("secrets", rich_help_panel=_SET_UP)(make_secrets)


def main() -> None:
    """Run the command line; exit with the code of the failure."""
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
    """Return the exceptions of a group and of the groups in it."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _flat(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


if __name__ == "__main__":
    main()
