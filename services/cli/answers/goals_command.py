"""The command `laurel goals`: each goal with its progress, forecast and status.

Promise: every figure comes from `GET /v1/goals/{id}/progress`. The newest `SHOWN_MAX` goals are
shown; where there are more, the last line says so.
"""

import asyncio
import json
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from services.cli.answers.options import AsJson, AsOf, Workspace
from services.cli.answers.roi_command import show_warnings
from services.cli.answers.roi_table import DASH
from services.cli.console import out, plain
from services.cli.explain.plain_words import money
from services.cli.profile import Api, choose_profile
from shared.clock import SystemClock
from shared.settings import Settings

# One request for each: a screen of goals within a second.
SHOWN_MAX: Final = 50
_STYLES: Final = {"ahead": "good", "reached": "good", "behind": "bad", "missed": "bad"}
_THOUSANDS: Final = 1_000


def goals(as_of: AsOf = None, as_json: AsJson = False, workspace: Workspace = None) -> None:
    """Show how each goal stands: actual, expected to date, forecast, target and status.

    `on track` is within 5 % of what is expected to date, `ahead` and `behind` are beyond it. It is
    `too early` in the first tenth of the days. The forecast goes on at the run rate so far; nine
    times of ten the end lies in the range beside it.

    `POST /v1/goals` sets a goal; the page `/docs` of roi shows how.
    """
    asyncio.run(_goals(as_of, workspace, as_json=as_json))


async def _goals(as_of: str | None, workspace: str | None, *, as_json: bool) -> None:
    profile = await choose_profile(Settings.load(), workspace, SystemClock())
    async with Api(profile) as api:
        page = await api.get("roi", "/v1/goals", limit=SHOWN_MAX)
        found = [
            (goal, await api.get("roi", f"/v1/goals/{goal['id']}/progress", as_of=as_of))
            for goal in page["items"]
        ]
        scopes = [await _scope(api, goal) for goal, _ in found]
    if as_json:
        plain(json.dumps([{"goal": goal, "progress": shown} for goal, shown in found], indent=2))
        return
    if not found:
        plain(
            "No goal is set. `POST /v1/goals` sets one, with a metric, a target and its last day:"
            f" {profile.roi}/docs"
        )
        return
    out.print(
        _table([(goal, scope, shown) for (goal, shown), scope in zip(found, scopes, strict=True)])
    )
    told = {item["id"]: item for _, shown in found for item in shown["warnings"]}
    show_warnings(list(told.values()))
    if page["next_cursor"] is not None:
        plain(f"These are the newest {SHOWN_MAX}; GET /v1/goals lists all of them.")


async def _scope(api: Api, goal: dict[str, Any]) -> str:
    for kind in ("campaign", "creator"):
        if goal[f"{kind}_id"] is not None:
            shown = await api.get("roi", f"/v1/{kind}s/{goal[f'{kind}_id']}")
            return str(shown["name"])
    return "program"


def _table(rows: list[tuple[dict[str, Any], str, dict[str, Any]]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("goal", "of"):
        table.add_column(heading, overflow="fold")
    for heading in ("actual", "expected", "forecast", "range", "target"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("days", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for goal, scope, shown in rows:
        table.add_row(*_cells(goal, scope, shown))
    return table


def _cells(goal: dict[str, Any], scope: str, shown: dict[str, Any]) -> list[Text]:
    forecast, status = shown["forecast"], shown["status"]
    low, high = figure(forecast["low"]), figure(forecast["high"])
    word = "≥" if goal["direction"] == "at_least" else "≤"
    cells = (
        goal["name"] or goal["metric"].replace("_", " "),
        scope,
        figure(shown["actual"]),
        figure(shown["expected_to_date"]),
        figure(forecast["value"]),
        DASH if DASH in (low, high) else f"{low} to {high}",
        f"{word} {figure(shown['target'])}",
        f"{shown['days_elapsed']:.0f} of {shown['days']}",
    )
    told = Text("unknown" if status is None else status.replace("_", " "))
    told.stylize(_STYLES.get(status or "", ""))
    return [*map(Text, cells), told]


def figure(value: Any) -> str:
    """Return a figure of a progress: money with its currency, or a number."""
    if value is None:
        return DASH
    if isinstance(value, dict):
        return money(value)
    return f"{value:,.0f}" if abs(value) >= _THOUSANDS else f"{value:.4g}"
