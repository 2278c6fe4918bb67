"""GET /v1/metrics: the metric dictionary, which defines every figure of an answer.

Promise: the list is made from the same entries that compute the figures.
"""

from typing import Annotated

from fastapi import Depends

from services.roi.answers.metric_shapes import MetricList, metric_list
from services.roi.routes.parts import require
from shared.api.openapi import problems
from shared.http.auth import Principal
from shared.http.body import Router

router = Router(tags=["answers"], responses=problems(429))


@router.get("/v1/metrics")
async def list_metrics(_caller: Annotated[Principal, Depends(require("read"))]) -> MetricList:
    """Every metric: id, version, formula, inputs, basis, unit, empty values, source, interval."""
    return metric_list()
