"""GET /v1/metrics: the metric dictionary, so that every figure of an answer can be looked up.

Promise: what is listed here is what computes; the list needs a key with scope `read` like any answer.
"""

from typing import Annotated

from fastapi import Depends

from services.roi.answers.answer_shapes import MetricList, metric_list
from services.roi.routes.parts import require
from shared.api.openapi import problems
from shared.http.auth import Principal
from shared.http.body import Router

router = Router(tags=["answers"], responses=problems(429))


@router.get("/v1/metrics")
async def list_metrics(_caller: Annotated[Principal, Depends(require("read"))]) -> MetricList:
    """Every metric: id, version, formula, inputs, basis, unit, what an empty value means, and its source."""
    return metric_list()
