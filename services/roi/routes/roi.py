"""GET /v1/roi: revenue, cost and return by creator, campaign, placement and other dimensions.

Promise: one read transaction, so all figures are of one moment, which the answer names as `as_of`.
An answer is computed in a thread, after its transaction, so that it does not hold the event loop.
What can go wrong: 422 names the field, also where the answer would be too large; 429 when the brand
has too many answers in progress; 503 while Postgres is unavailable.
"""

import asyncio
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from services.roi.answers.answer_shapes import RoiAnswer
from services.roi.answers.answering import build_answer, read_input
from services.roi.answers.question import RoiParameters
from services.roi.routes.parts import Parts, answer_turn, parts_of, require
from shared.api.openapi import problems
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.query import described_query, query_of

router = Router(tags=["answers"], responses=problems(429))


@router.get("/v1/roi", response_model=RoiAnswer, openapi_extra=described_query(RoiParameters))
async def answer_roi(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    asked: Annotated[RoiParameters, Depends(query_of(RoiParameters))],
) -> Response:
    """Revenue, cost and return by one or two dimensions, in a span of days or between two times.

    For every additive measure rows + organic = totals.
    """
    parts = parts_of(request)
    async with answer_turn(parts, caller):
        body = await _answer(parts, caller.workspace_id, asked)
    return Response(body, media_type="application/json")


async def _answer(parts: Parts, workspace_id: str, asked: RoiParameters) -> bytes:
    """Read in one transaction, then build in a thread."""
    async with parts.database.read([workspace_id]) as conn:
        given = await read_input(conn, workspace_id, parts.clock.now(), asked)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(parts.answer_threads, build_answer, given)
