"""GET /v1/funnel: six stages of the customer journey, with volumes, unit costs and returns.

Promise: it answers the question of `GET /v1/roi` in the same way, from one moment, for one model.
What can go wrong: the same as there; 422 of `group_by` for dimensions that are no rows of a funnel.
"""

import asyncio
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from services.roi.answers.funnel.answering import build_funnel, question_of_funnel, read_funnel
from services.roi.answers.funnel.funnel_shapes import FunnelAnswer
from services.roi.answers.question import RoiParameters
from services.roi.routes.parts import answer_turn, parts_of, require
from shared.api.openapi import problems
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.query import described_query, query_of

router = Router(tags=["answers"], responses=problems(429))


@router.get("/v1/funnel", response_model=FunnelAnswer, openapi_extra=described_query(RoiParameters))
async def answer_funnel(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    asked: Annotated[RoiParameters, Depends(query_of(RoiParameters))],
) -> Response:
    """Six stages by one or two dimensions: volumes, rates, what a unit costs, and what came back.

    The KPI map of the policy of the last day adds metrics to the stages. For each layer the stages'
    returns per unit of cost add up to its benefit-cost ratio.
    """
    question = question_of_funnel(asked)
    parts = parts_of(request)
    async with answer_turn(parts, caller):
        async with parts.database.read([caller.workspace_id]) as conn:
            now = parts.clock.now()
            given = await read_funnel(conn, caller.workspace_id, now, asked, question)
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(parts.answer_threads, build_funnel, given)
    return Response(body, media_type="application/json")
