"""`laurel replay --publish`: publish all credits of a workspace again, with their old numbers.

It rebuilds an roi that is new or lost its data, because the log keeps credits for a limited time.
It also corrects dates that an older release stored wrongly.

Promise: it may run under traffic and be repeated: a consumer skips numbers that it has.
What can go wrong: exit code 1 when numbers are missing; 2 when attribution does not answer.
"""

import asyncio
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress

from services.cli.console import complain, out
from services.cli.profile import Api, choose_profile
from shared.clock import SystemClock
from shared.errors import ConfigurationError
from shared.settings import Settings

INCOMPLETE: Final = 1
_NUMBERS_SHOWN_MAX: Final = 10


def replay(
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the credits again with their old numbers.")
    ] = False,
    first: Annotated[int, typer.Option("--from", min=1, help="The first sequence number.")] = 1,
    workspace: Annotated[
        str | None, typer.Option(help="A workspace other than that of the admin key.")
    ] = None,
) -> None:
    """Publish the credits of a workspace again: it rebuilds an roi and corrects its dates."""
    if not publish:
        raise ConfigurationError("say what to replay: `laurel replay --publish`")
    published, newest, missing = asyncio.run(_publish(first, workspace))
    out.print(f"[good]✓[/] {published} records up to number {newest} are published again")
    out.print("  `laurel verify` shows when roi has them")
    if missing:
        shown = ", ".join(map(str, missing[:_NUMBERS_SHOWN_MAX]))
        more = "" if len(missing) <= _NUMBERS_SHOWN_MAX else " …"
        complain(
            f"{len(missing)} numbers of touches were sent before they were kept, and only the log"
            f" has them: {shown}{more}. An roi that has them is not affected"
        )
        raise typer.Exit(INCOMPLETE)


async def _publish(first: int, workspace: str | None) -> tuple[int, int, list[int]]:
    """Publish span after span; return the count of records, the newest number, and the gaps."""
    published, missing = 0, list[int]()
    profile = await choose_profile(Settings.load(), workspace, SystemClock())
    async with Api(profile) as api:
        with Progress(console=out, transient=True) as progress:
            task = progress.add_task("publishing credits again", total=None)
            while True:
                answer = await _span(api, first)
                published += answer["published"]
                missing += answer["missing"]
                newest = answer["newest_sequence"]
                progress.update(task, total=newest, completed=answer["to_sequence"])
                if answer["next_sequence"] is None:
                    return published, newest, missing
                first = answer["next_sequence"]


async def _span(api: Api, first: int) -> Any:
    body = {"publish": True, "from_sequence": first}
    return await api.call("POST", "attribution", "/v1/replays", json=body)
