"""The command `laurel funnel`: the six stages of the journey, from `GET /v1/funnel`."""

import asyncio
import json
from typing import Any

from services.cli.answers.funnel_table import rows_table, stages_table
from services.cli.answers.options import (
    AsJson,
    AsOf,
    By,
    From,
    InCurrency,
    Model,
    To,
    Workspace,
)
from services.cli.answers.roi_command import show_warnings
from services.cli.console import out, plain
from services.cli.profile import Api, choose_profile
from services.roi.answers.question import DEFAULT_GROUP_BY
from shared.clock import SystemClock
from shared.settings import Settings


def funnel(
    by: By = DEFAULT_GROUP_BY,
    from_: From = None,
    to: To = None,
    model: Model = None,
    currency: InCurrency = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    workspace: Workspace = None,
) -> None:
    """Show what creators brought at each stage of the journey, and what it cost.

    The first table has the six stages of the whole program: how often each happened, how many came
    from the stage before, what one unit cost, and what came back: booked, and under names of their
    own what is modelled and assumed. The second has the booked return of each row for 1.00 of its
    cost, stage by stage; the stages add up to its benefit-cost ratio (BCR). A dash is a figure that
    is not known.

    Try `laurel funnel --by campaign` or `laurel funnel --by content_type --from 2026-01-01`.
    """
    asked = {"group_by": by, "from": from_, "to": to, "model": model, "currency": currency}
    asyncio.run(_funnel(asked | {"as_of": as_of}, workspace, as_json=as_json))


async def _funnel(asked: dict[str, Any], workspace: str | None, *, as_json: bool) -> None:
    profile = await choose_profile(Settings.load(), workspace, SystemClock())
    async with Api(profile) as api:
        answer = await api.get("roi", "/v1/funnel", **asked)
    if as_json:
        plain(json.dumps(answer, indent=2))
        return
    out.print(stages_table(answer))
    if answer["rows"]:
        out.print()
        out.print(rows_table(answer))
    show_warnings(answer["meta"]["warnings"])
