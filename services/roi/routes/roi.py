"""GET /v1/roi: what creators, campaigns, placements … earned and cost in a span of days or between two times.

Promise: one read transaction, so all figures are of one moment; the answer names that moment as `as_of`, and asking again with it
gives the same answer. Of whole days only rollups are read, unless `as_of` is named. What can go wrong: 422 naming the field; 503 when Postgres is away.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response

from services.roi.domain.answer import MODELS, CreditCell, Question, build_answer
from services.roi.domain.answer_facts import spread_costs
from services.roi.routes.parts import parts_of, require
from services.roi.store import answers as store
from services.roi.store.spans import Asked, Span, span_of
from services.roi.wire.answers import RoiAnswer, RoiParameters, encode_answer
from services.roi.wire.fields import QUARTER, quarter_of
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.openapi import problems
from shared.http.problems import field_problem

DEFAULT_SPAN_DAYS: Final = 30
DEFAULT_MODEL: Final = "last"
# Ten years with their leap days: longer than any history, short enough to be a list of days.
SPAN_DAYS_MAX: Final = 3_653
# About 10 MB of JSON: more is an export, not an answer.
ROWS_MAX: Final = 20_000

router = Router(tags=["answers"], responses=problems(429))


@router.get("/v1/roi", response_model=RoiAnswer)
async def answer_roi(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    asked: Annotated[RoiParameters, Query()],
) -> Response:
    """Return, cost and what came of it, by one or two dimensions; rows + organic = totals for every additive measure."""
    parts = parts_of(request)
    group_by = tuple(asked.group_by.split(","))
    async with parts.database.read([caller.workspace_id]) as conn:
        desk = await store.desk(conn, caller.workspace_id, parts.clock.now(), asked.as_of)
        from_, to = _asked(asked, desk.today, parts.clock.now())
        span = await span_of(conn, desk.time_zone, (from_, to))
        found = await store.gather(conn, desk, _ask(asked, group_by, span))
    models = _models_found(_models_asked(asked.model, group_by), found.credits)
    answer = build_answer(
        Question(group_by, models, asked.currency, desk.currency),
        found.facts,
        found.credits,
        found.touches,
        spread_costs(found.facts, found.costs, found.starts),
    )
    if len(answer.rows) > ROWS_MAX:
        message = f"gives {len(answer.rows)} rows, more than {ROWS_MAX}: ask for fewer days"
        raise field_problem("group_by", message)
    meta: dict[str, Any] = {
        "by": asked.by,
        "group_by": group_by,
        "from": from_,
        "to": to,
        "time_zone": desk.time_zone,
        "as_of": desk.as_of,
        "fresh_to": desk.fresh_to,
        "sequence": desk.sequence,
    }
    body = encode_answer(answer, meta, models, lists_models="model" in group_by)
    return Response(body, media_type="application/json")


def _ask(asked: RoiParameters, group_by: tuple[str, ...], span: Span) -> store.Ask:
    models = _models_asked(asked.model, group_by)
    return store.Ask(span, basis=asked.by, models=models, dimensions=group_by)


def _asked(asked: RoiParameters, today: date, now: datetime) -> Asked:
    """What is asked for, days or times; what is left open ends today or with this quarter of an hour, and is 30 days long."""
    is_times = {isinstance(end, datetime) for end in (asked.from_, asked.to) if end is not None}
    if len(is_times) > 1:
        message = "must be a date where to is one, and a time where to is one"
        raise field_problem("from", message)
    if True in is_times:
        return _times(asked, now)
    to_on = asked.to or max(today, asked.from_ or today)
    from_on = asked.from_ or to_on - timedelta(days=DEFAULT_SPAN_DAYS - 1)
    if from_on > to_on:
        raise field_problem("from", "is after to")
    if (to_on - from_on).days >= SPAN_DAYS_MAX:
        raise field_problem("from", f"is more than {SPAN_DAYS_MAX} days before to")
    return from_on, to_on


def _times(asked: RoiParameters, now: datetime) -> tuple[datetime, datetime]:
    to = asked.to or quarter_of(now) + QUARTER
    assert isinstance(to, datetime)
    from_ = asked.from_ or to - timedelta(days=DEFAULT_SPAN_DAYS)
    assert isinstance(from_, datetime)
    if from_ >= to:
        raise field_problem("from", "is not before to")
    if to - from_ > timedelta(days=SPAN_DAYS_MAX):
        raise field_problem("from", f"is more than {SPAN_DAYS_MAX} days before to")
    return from_, to


def _models_asked(model: str | None, group_by: tuple[str, ...]) -> tuple[str, ...]:
    """Side by side all models, unless one is named."""
    if model is not None:
        return (model,)
    return MODELS if "model" in group_by else (DEFAULT_MODEL,)


def _models_found(asked: Sequence[str], credits: Sequence[CreditCell]) -> tuple[str, ...]:
    """The models that the workspace's policy lets run; where nothing was credited, all that were asked for."""
    found = {cell.model for cell in credits if cell.units or cell.amount_minor}
    return tuple(model for model in asked if model in found) or tuple(asked)
