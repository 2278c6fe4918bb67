"""GET /v1/entries: the ledger entries, touch counts or parts of costs that a figure sums.

Promise: the same query as `GET /v1/roi` and one of its figures; the entries of all pages add up to
the figure. All pages are of the moment of the first.
What can go wrong: 422 names the field; 429 when the brand has too many answers in progress.
"""

import asyncio
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from services.roi.answers.answering import read_input
from services.roi.answers.entry_listing import Listed, cost_page, ledger_page, opened
from services.roi.answers.entry_question import (
    EntryParameters,
    continued,
    entry_question,
    figure_of,
    no_cursor,
)
from services.roi.answers.entry_shapes import EntryList, encode_entries
from services.roi.routes.parts import Parts, answer_turn, parts_of, require
from shared.api.openapi import problems
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.problems import Problem
from shared.http.query import described_query, query_of

router = Router(tags=["answers"], responses=problems(429))


@router.get("/v1/entries", response_model=EntryList, openapi_extra=described_query(EntryParameters))
async def list_entries(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    asked: Annotated[EntryParameters, Depends(query_of(EntryParameters))],
) -> Response:
    """Open a figure of an answer: what it sums, newest first, with the sum.

    Send the query of the answer, `metric`, and the row's values as `group.<dimension>`, or `part`.
    """
    parts = parts_of(request)
    async with answer_turn(parts, caller):
        body = await _page(parts, caller.workspace_id, asked)
    return Response(body, media_type="application/json")


async def _page(parts: Parts, workspace_id: str, asked: EntryParameters) -> bytes:
    """Read the sums, choose those of the figure in a thread, and read a page of their entries."""
    figure, question = figure_of(asked), entry_question(asked)
    continuing, before = continued(asked)
    async with parts.database.read([workspace_id]) as conn:
        try:
            given = await read_input(conn, workspace_id, parts.clock.now(), continuing, question)
        except Problem as problem:
            # With a cursor the days are those of the cursor, and not the caller's.
            if before is None or {error.field for error in problem.errors} != {"from"}:
                raise
            raise no_cursor() from None
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(parts.answer_threads, opened, given, figure)
    page: Listed
    if given.read.plan.facts:
        async with parts.database.read([workspace_id]) as conn:
            page = await ledger_page(conn, found, before, asked.limit)
    else:
        page = await loop.run_in_executor(
            parts.answer_threads, cost_page, found, before, asked.limit
        )
    return encode_entries(found, page)
