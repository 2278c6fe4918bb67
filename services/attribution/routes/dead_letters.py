"""The routes of dead letters: the list of records that could not be used, and their retry."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query

from services.attribution.routes.parts import REFUSALS, TAGS, Admin, PartsHere, Reader, bad_cursor
from services.attribution.store import outbox_rows
from services.attribution.store.outbox_rows import DeadLetter
from services.attribution.wire import answer_shapes as wire
from shared.api.shapes import ListParameters, Page, decode_cursor, encode_cursor, parse_moment
from shared.db.engine import driver
from shared.http.body import Router
from shared.http.problems import field_problem

# How much of a record the list of dead letters shows; the record is stored in full.
VALUE_CHARACTERS_MAX: Final = 10_000

router = Router(tags=TAGS, responses=REFUSALS)


@router.get("/v1/dead-letters", summary="Records that could not be used")
async def dead_letters(
    caller: Reader, parts: PartsHere, asked: Annotated[ListParameters, Query()]
) -> Page[wire.DeadLetterAnswer]:
    """Return the unresolved dead letters, newest first."""
    before = _before(asked.cursor) if asked.cursor else None
    async with parts.database.read([caller.workspace_id]) as connection:
        found = await outbox_rows.list_dead_letters(
            await driver(connection), before, asked.limit + 1
        )
    page = found[: asked.limit]
    more = len(found) > len(page)
    cursor = (
        encode_cursor(page[-1].recorded_at.isoformat(), page[-1].dead_letter_id) if more else None
    )
    return Page(items=[_letter(letter) for letter in page], next_cursor=cursor)


def _before(cursor: str) -> tuple[datetime, str]:
    moment, letter_id = decode_cursor(cursor, (str, str))
    try:
        return parse_moment(moment), str(UUID(letter_id))
    except ValueError:
        raise bad_cursor() from None


def _letter(letter: DeadLetter) -> wire.DeadLetterAnswer:
    return wire.DeadLetterAnswer(
        id=letter.dead_letter_id,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        reason=letter.reason,
        detail=letter.detail,
        event_id=letter.event_id,
        recorded_at=letter.recorded_at,
        value=letter.value.decode(errors="replace")[:VALUE_CHARACTERS_MAX],
    )


@router.post("/v1/dead-letters/retry", summary="Try dead letters again")
async def retry(caller: Admin, parts: PartsHere, body: wire.RetryBody) -> wire.RetryAnswer:
    """Retry each dead letter once, in its own transaction. Those that fail again stay."""
    try:
        ids = None if body.ids is None else [str(UUID(text)) for text in body.ids]
    except ValueError:
        raise field_problem("ids", "send ids of dead letters") from None
    done = await parts.retrier.retry(caller.workspace_id, ids)
    missing = set(ids or ()) - {item.dead_letter_id for item in done}
    if missing:
        raise field_problem("ids", f"unknown: {', '.join(sorted(missing))}")
    return wire.RetryAnswer(
        retried=len(done),
        resolved=sum(item.outcome == "resolved" for item in done),
        items=[
            wire.RetriedAnswer(id=item.dead_letter_id, outcome=item.outcome, reason=item.reason)
            for item in done
        ],
    )
