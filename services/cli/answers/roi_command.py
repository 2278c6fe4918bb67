"""The command `laurel roi`: the table of `GET /v1/roi`, its warnings in words, and what to ask."""

import asyncio
import json
from typing import Any

from rich.text import Text

from services.cli.answers.options import (
    AsJson,
    AsOf,
    By,
    From,
    InCurrency,
    Model,
    Order,
    To,
    Workspace,
)
from services.cli.answers.roi_table import lines_of, roi_table
from services.cli.console import LAUREL, out, plain
from services.cli.profile import Api, choose_profile
from services.roi.answers.question import DEFAULT_GROUP_BY
from shared.clock import SystemClock
from shared.settings import Settings


def roi(
    by: By = DEFAULT_GROUP_BY,
    from_: From = None,
    to: To = None,
    model: Model = None,
    currency: InCurrency = None,
    order: Order = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Show what came back for what was spent: revenue, cost, profit and ROI.

    `program` is all that creators earned, and all that creators and campaigns cost. `brand` is
    your own content, `organic` what no content is credited with, `overhead` costs of no creator.
    Sentences below the table say what weakens its figures.

    The range beside the ROI covers the true one nine times of ten, if orders come by chance; `too
    few` means that too few orders were kept to tell. It is green where the return is above the cost
    all along the range, and red where it is below.

    Try `laurel roi --by campaign`, `laurel roi --by creator,month --from 2026-01-01`, or
    `laurel roi --model first --order lower_bound`.
    """
    asked = {"group_by": by, "from": from_, "to": to, "model": model, "currency": currency}
    asyncio.run(_roi(asked | {"order": order, "as_of": as_of}, workspace, as_json=as_json))


async def _roi(asked: dict[str, Any], workspace: str | None, *, as_json: bool) -> None:
    profile = await choose_profile(Settings.load(), workspace, SystemClock())
    async with Api(profile) as api:
        answer = await api.get("roi", "/v1/roi", **asked)
    if as_json:
        plain(json.dumps(answer, indent=2))
        return
    show(answer)


def show(answer: dict[str, Any]) -> None:
    """Print the table and the warnings; without rows, what to do next."""
    out.print(roi_table(answer, lines_of(answer)))
    show_warnings(answer["meta"]["warnings"])
    if not answer["rows"]:
        meta = answer["meta"]
        out.print(
            Text(
                f"\nNothing of a creator, a campaign or your content lies between {meta['from']}"
                f" and {meta['to']}. Ask for other days with --from and --to, or see a month of"
                f" made-up traffic: {LAUREL} demo"
            ),
            soft_wrap=True,
        )


def show_warnings(warnings: list[dict[str, str]]) -> None:
    """Print each warning as a sentence."""
    for warning in warnings:
        out.print(Text.assemble(("! ", "quiet"), warning["sentence"]), soft_wrap=True)
