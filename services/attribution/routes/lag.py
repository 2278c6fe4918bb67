"""The route of the lag: how far attribution is behind the log."""

from services.attribution.routes.parts import TAGS, PartsHere, Reader
from services.attribution.wire import answer_shapes as wire
from shared.http.body import Router

router = Router(tags=TAGS)


@router.get("/v1/lag", summary="How far behind the log, per partition")
async def lag(caller: Reader, parts: PartsHere) -> wire.LagAnswer:
    """Return the lag in records and seconds; 503 while the log does not answer."""
    del caller
    return wire.LagAnswer(items=await parts.lag())
