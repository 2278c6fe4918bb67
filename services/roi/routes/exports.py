"""GET /v1/exports/…: answers and raw rows as files, CSV or JSON.

Promise: an export of an answer takes the query of the answer and says what the answer says. Raw
rows are streamed: the file may have any length, and its totals are those of the answer to the same
question.
What can go wrong: as the answer; 422 for another format; 429 when the brand has too many exports in
progress. A file without totals was cut off.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import Response

from services.roi.answers.answer_shapes import RoiAnswer
from services.roi.answers.answering import AnswerInput, ReadAnswer, build_answer, read_input
from services.roi.answers.entry_listing import Listed, Opened, cost_page, ledger_page, opened
from services.roi.answers.entry_question import (
    Before,
    FigureParameters,
    entry_question,
    figure_of,
)
from services.roi.answers.exports.answer_lines import answer_csv
from services.roi.answers.exports.entry_file import entries_file
from services.roi.answers.exports.raw_files import (
    CostsParameters,
    CreditsParameters,
    costs_file,
    credits_file,
)
from services.roi.answers.funnel.answering import build_funnel, question_of_funnel, read_funnel
from services.roi.answers.funnel.funnel_shapes import FunnelAnswer
from services.roi.answers.question import RoiParameters
from services.roi.answers.sizes import CELLS_MAX
from services.roi.routes.parts import Parts, answer_turn, parts_of, require
from services.roi.store.export_rows import PAGE_ROWS
from shared.api.exports import (
    CSV_CONTENT,
    CSV_TYPE,
    JSON_TYPE,
    RAW_CONTENT,
    FileFormat,
    attachment,
    streamed,
)
from shared.api.openapi import problems
from shared.http.auth import Principal
from shared.http.body import Router

router = Router(prefix="/v1/exports", tags=["exports"], responses=problems(429))


async def exporting(
    request: Request, caller: Annotated[Principal, Depends(require("read"))]
) -> AsyncIterator[Principal]:
    """Count an export of the caller's brand until its file is sent; 429 beyond the limit."""
    with parts_of(request).exports.admitted(caller.workspace_id):
        yield caller


Exporter = Annotated[Principal, Depends(exporting)]


@router.get(
    "/roi.{file_format}",
    response_model=RoiAnswer,
    responses=CSV_CONTENT,
    summary="Export the answer of `GET /v1/roi`",
)
async def export_roi(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    file_format: FileFormat,
    asked: Annotated[RoiParameters, Query()],
) -> Response:
    """Send the query of the answer.

    As CSV: a line for each row, then the headline figures and the totals.
    """
    return await _answer(request, caller, ("roi", file_format), asked, read_input, build_answer)


@router.get(
    "/funnel.{file_format}",
    response_model=FunnelAnswer,
    responses=CSV_CONTENT,
    summary="Export the answer of `GET /v1/funnel`",
)
async def export_funnel(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    file_format: FileFormat,
    asked: Annotated[RoiParameters, Query()],
) -> Response:
    """Send the query of the answer.

    As CSV: a line for each row, with the figures of all stages side by side.
    """
    read = partial(read_funnel, question=question_of_funnel(asked))
    return await _answer(request, caller, ("funnel", file_format), asked, read, build_funnel)


async def _answer(
    request: Request,
    caller: Principal,
    name: tuple[str, str],
    asked: RoiParameters,
    read: ReadAnswer,
    build: Callable[[AnswerInput], bytes],
) -> Response:
    parts, (what, file_format) = parts_of(request), name
    async with answer_turn(parts, caller):
        async with parts.database.read([caller.workspace_id]) as conn:
            now = parts.clock.now()
            given = await read(conn, caller.workspace_id, now, asked)
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(parts.answer_threads, build, given)
        if file_format == "csv":
            body = await loop.run_in_executor(parts.answer_threads, answer_csv, body)
    media_type = CSV_TYPE if file_format == "csv" else JSON_TYPE
    return Response(body, media_type=media_type, headers=attachment(what, file_format))


@router.get(
    "/credits.{file_format}",
    response_class=Response,
    responses=RAW_CONTENT,
    summary="Export the ledger entries of one model",
)
async def export_credits(
    request: Request,
    caller: Exporter,
    file_format: FileFormat,
    asked: Annotated[CreditsParameters, Query()],
) -> Response:
    """Every entry and reversal of a span, newest first, of any number.

    The totals are `net_revenue` and `conversions` of the totals of `GET /v1/roi`.
    """
    parts = parts_of(request)
    now = parts.clock.now()
    file = await credits_file(parts.database, caller.workspace_id, now, asked)
    return await streamed(file, file_format)


@router.get(
    "/costs.{file_format}",
    response_class=Response,
    responses=RAW_CONTENT,
    summary="Export the costs of a span",
)
async def export_costs(
    request: Request,
    caller: Exporter,
    file_format: FileFormat,
    asked: Annotated[CostsParameters, Query()],
) -> Response:
    """Every cost by the day on which it was incurred, newest first, of any number.

    The totals are `cost` of the totals of `GET /v1/roi`.
    """
    parts = parts_of(request)
    now = parts.clock.now()
    file = await costs_file(parts.database, caller.workspace_id, now, asked)
    return await streamed(file, file_format)


@router.get(
    "/entries.{file_format}",
    response_class=Response,
    responses=RAW_CONTENT,
    summary="Export the entries behind a figure",
)
async def export_entries(
    request: Request,
    caller: Exporter,
    file_format: FileFormat,
    asked: Annotated[FigureParameters, Query()],
) -> Response:
    """Send the query of `GET /v1/entries`, without `cursor` and `limit`.

    Every entry of all pages, newest first; the totals are the figure.
    """
    parts = parts_of(request)
    async with answer_turn(parts, caller):
        async with parts.database.read([caller.workspace_id]) as conn:
            now, question = parts.clock.now(), entry_question(asked)
            figure = figure_of(asked)
            given = await read_input(conn, caller.workspace_id, now, asked, question)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(parts.answer_threads, opened, given, figure)
        file = entries_file(found, partial(_entry_page, parts, found))
        # The first page may refuse the question, which `answer_turn` makes a 422.
        return await streamed(file, file_format)


async def _entry_page(parts: Parts, found: Opened, before: Before | None) -> Listed:
    if found.given.read.plan.facts:
        async with parts.database.read([found.given.at.workspace_id]) as conn:
            return await ledger_page(conn, found, before, PAGE_ROWS)
    loop = asyncio.get_running_loop()
    # The parts of costs are counted before they are listed, and all of them are computed at once.
    return await loop.run_in_executor(parts.answer_threads, cost_page, found, before, CELLS_MAX)
