"""GET /v1/roi: revenue, cost and return by creator, campaign, placement and other dimensions.

Promise: one read transaction, so all figures are of one moment, which the answer names as `as_of`.
What can go wrong: 422 names the field; 503 while Postgres is unavailable.
"""

from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import Response

from services.roi.answers.answer_shapes import RoiAnswer
from services.roi.answers.answering import answer_question
from services.roi.answers.question import RoiParameters
from services.roi.routes.parts import parts_of, require
from shared.api.openapi import problems
from shared.http.auth import Principal
from shared.http.body import Router

router = Router(tags=["answers"], responses=problems(429))


@router.get("/v1/roi", response_model=RoiAnswer)
async def answer_roi(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    asked: Annotated[RoiParameters, Query()],
) -> Response:
    """Revenue, cost and return by one or two dimensions, in a span of days or between two times.

    For every additive measure rows + organic = totals.
    """
    parts = parts_of(request)
    async with parts.database.read([caller.workspace_id]) as conn:
        body = await answer_question(conn, caller.workspace_id, parts.clock.now(), asked)
    return Response(body, media_type="application/json")
