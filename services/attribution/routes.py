"""The HTTP routes of attribution: explanations, balance, attention, dead letters, replays, lag.

Promise: each call reads only the workspace of its key, in one snapshot. Only the retry of dead
letters and the replay write; both need scope admin. A wrong parameter is answered 422 with its
name, an unknown order 404, too many requests of one key at once 429.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Final, get_args
from uuid import UUID

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from services.attribution.domain.listing import listed
from services.attribution.domain.model import ConversionKey
from services.attribution.pipeline.dead_letter_retry import Retrier
from services.attribution.pipeline.publish_again import Publisher
from services.attribution.store import attention_rows, outbox_rows
from services.attribution.store import read_queries as store
from services.attribution.store.attention import KINDS as ATTENTION_KINDS
from services.attribution.store.attention import KindId
from services.attribution.store.outbox_rows import DeadLetter
from services.attribution.wire import answer_shapes as wire
from services.attribution.wire import explanation_shapes as shapes
from services.attribution.wire.attention_shapes import (
    AttentionAnswer,
    AttentionExample,
    AttentionItem,
)
from services.attribution.wire.decision_bytes import decode_decision
from services.attribution.wire.event_readings import own_key
from shared.api.openapi import problems
from shared.api.shapes import (
    ListParameters,
    Page,
    StrictModel,
    decode_cursor,
    encode_cursor,
    parse_moment,
)
from shared.db.engine import Database, driver
from shared.events import TEXT_LENGTH_MAX, ConversionKind
from shared.http.admission import Admission, key_admission
from shared.http.auth import Lookup, Principal, authorize
from shared.http.body import Router
from shared.http.problems import Problem, field_problem
from shared.ids import clean_id
from shared.private_texts import stored_forms

# How much of a record the list of dead letters shows; the record is stored in full.
VALUE_CHARACTERS_MAX: Final = 10_000
# Purchases come first, because an order usually means a purchase.
KINDS: Final[tuple[ConversionKind, ...]] = get_args(ConversionKind)
GROUPS: Final = ("model", "currency", "account", "day")
# Revisions are numbered by a 32-bit column.
REVISION_MAX: Final = 2**31 - 1

_BEARER: Final = HTTPBearer(auto_error=False, description="`lrl_sec_…`")

router = Router(tags=["attribution"], responses=problems(429))


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects that the composition root passes to the routes."""

    database: Database
    lookup: Lookup
    retrier: Retrier
    publisher: Publisher
    lag: Callable[[], Awaitable[list[wire.LagItem]]]
    # Of a workspace and an id that may name a person.
    text_hash: Callable[[str, str], str]
    admission: Admission = field(default_factory=key_admission)


def _parts(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts), "the composition root sets the parts"
    return parts


def _require(scope: str) -> Callable[..., AsyncIterator[Principal]]:
    async def principal_of(
        request: Request,
        declared: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> AsyncIterator[Principal]:
        parts = _parts(request)
        caller = await authorize(parts.lookup)(scope)(request, declared)
        with parts.admission.admitted(caller.key_id):
            yield caller

    return principal_of


Reader = Annotated[Principal, Depends(_require("read"))]
Admin = Annotated[Principal, Depends(_require("admin"))]
PartsHere = Annotated[Parts, Depends(_parts)]
_Id = Annotated[str, Query(min_length=1, max_length=TEXT_LENGTH_MAX)]


class ExplanationParameters(ListParameters):
    """The conversion to explain (the id of an order or of another conversion) and the page."""

    order_id: Annotated[_Id | None, Query(examples=["1001"])] = None
    """The id of the order."""
    conversion_id: _Id | None = None
    """The id of a conversion that is no order."""
    kind: ConversionKind | None = None
    """The kind of the conversion. The default searches all kinds, purchases first."""


@router.get(
    "/v1/explanations",
    summary="Why a conversion was credited as it was",
    responses=problems(404),
)
async def explain(
    caller: Reader, parts: PartsHere, asked: Annotated[ExplanationParameters, Query()]
) -> shapes.ExplanationAnswer:
    """Return the newest revisions with candidates and credits, and their ledger lines.

    Without `cursor` the last revision of the page is the valid one; `next_cursor` leads to older
    revisions. A page has at most 1,000 ledger lines. Without `kind` all kinds are searched,
    purchases first.
    """
    below = _below(asked.cursor) if asked.cursor else REVISION_MAX + 1
    natural_id = _natural_id(asked)
    kinds = (asked.kind,) if asked.kind else KINDS
    stored = stored_forms(natural_id, partial(parts.text_hash, caller.workspace_id))
    keys = [own_key(ConversionKey(kind, text)) for kind in kinds for text in stored]
    async with parts.database.read([caller.workspace_id]) as connection:
        conn = await driver(connection)
        known = await store.known_conversions(conn, keys)
        key = next((key for key in keys if key in known), None)
        if key is None:
            raise Problem(404, None, "the order or conversion is unknown")
        revisions = await store.revisions(conn, key, below, asked.limit)
        if not revisions:
            raise _bad_cursor()
        first, last = revisions[0].revision, revisions[-1].revision
        lines, left_out = await store.ledger_lines(conn, key, first, last)
    shown = [
        shapes.revision_answer(
            item.revision, item.reason, item.recorded_at, listed(decode_decision(item.body))
        )
        for item in revisions
    ]
    found = known[key]
    return shapes.ExplanationAnswer(
        order_id=natural_id,
        kind=found.kind,
        status=found.status,
        net=wire.money(found.net_minor, found.currency),
        revisions=shown,
        ledger=[_line(line) for line in lines],
        ledger_left_out=left_out,
        next_cursor=encode_cursor(first) if first > 1 else None,
    )


def _below(cursor: str) -> int:
    """Return the revision number below which the page begins."""
    (number,) = decode_cursor(cursor, (int,))
    if not 1 < number <= REVISION_MAX:
        raise _bad_cursor()
    return int(number)


def _bad_cursor() -> Problem:
    return field_problem("cursor", "is not a cursor of this list; start again without one")


def _natural_id(asked: ExplanationParameters) -> str:
    if (asked.order_id is None) == (asked.conversion_id is None):
        raise field_problem("order_id", "send either order_id or conversion_id")
    field = "order_id" if asked.order_id is not None else "conversion_id"
    try:
        return clean_id(asked.order_id or asked.conversion_id or "")
    except ValueError as error:
        raise field_problem(field, str(error)) from None


def _line(line: store.LedgerLine) -> shapes.LineAnswer:
    return shapes.LineAnswer(
        sequence=line.sequence,
        model=line.model,
        revision=line.revision,
        account=line.account,
        amount=wire.money(line.amount_minor, line.currency),
        units=line.units,
        stage=line.stage,
        touched_at=line.touched_at,
        occurred_at=line.occurred_at,
        recorded_at=line.recorded_at,
        touch_kind=line.touch_kind,
        evidence_class=line.evidence_class,
        link_id=line.link_id,
        code=line.code,
        sub_source=line.sub_source,
        reverses=line.reverses,
    )


class BalanceParameters(StrictModel):
    """How the balance is grouped, and which lines it sums."""

    group_by: Annotated[str, Query(examples=["model,currency,account"])] = "model,currency"
    """`model,currency`; add `account` or `day` for one sum of each."""
    sequence: Annotated[int, Query(ge=0, le=2**63 - 1)] | None = None
    """Sum the lines up to this number; the default is the newest."""
    time_zone: Annotated[str, Query(min_length=1, max_length=64)] = "UTC"
    """The time zone of the days, with `group_by=…,day`."""
    from_: Annotated[date | None, Field(alias="from")] = None
    """The first day, with `group_by=…,day`."""
    to: date | None = None
    """The last day, with `group_by=…,day`."""


@router.get("/v1/ledger/balance", summary="Credit against orders minus adjustments")
async def balance(
    caller: Reader, parts: PartsHere, asked: Annotated[BalanceParameters, Query()]
) -> wire.BalanceAnswer:
    """Return the sums of the ledger. The difference is always 0 for every additive model.

    Grouped by account or by day, the items have no net and no difference. A day is the local day
    of the conversion; a reversal counts on the day of the credit that it reverses.
    """
    groups = set(asked.group_by.split(","))
    if not groups <= set(GROUPS):
        raise field_problem("group_by", f"use any of {', '.join(GROUPS)}")
    by_account, by_day = "account" in groups, "day" in groups
    async with parts.database.read([caller.workspace_id]) as connection:
        conn = await driver(connection)
        newest = await store.last_sequence(conn, caller.workspace_id)
        if asked.sequence is not None and asked.sequence > newest:
            raise field_problem("sequence", f"the newest is {newest}")
        wanted = newest if asked.sequence is None else asked.sequence
        sums = await store.balance(conn, wanted)
        if by_day:
            found = await _credited_by_day(conn, wanted, asked)
            items = wire.day_items(found, by_account=by_account)
        else:
            items = wire.balance_items(sums.credited, sums.nets, by_account=by_account)
    return wire.BalanceAnswer(
        sequence=sums.sequence,
        items=items,
        unmatched_adjustments=list(wire.unmatched_answers(sums.unmatched)),
    )


async def _credited_by_day(
    conn: Any, sequence: int, asked: BalanceParameters
) -> dict[tuple[str, str, str, date], int]:
    if not asked.time_zone.isprintable():
        raise field_problem("time_zone", "a time zone name has no control characters")
    try:
        return await store.credited_by_day(conn, sequence, asked.time_zone, asked.from_, asked.to)
    except store.UnknownTimeZone:
        raise field_problem("time_zone", "use a name such as Europe/Berlin") from None


class AttentionParameters(StrictModel):
    """Which kind of attention is asked for."""

    kind: Annotated[KindId | None, Query(examples=[next(iter(ATTENTION_KINDS))])] = None
    """Only this kind; the default is every kind."""


@router.get("/v1/attention", summary="What was accepted and changes no figure, or a doubtful one")
async def attention(
    caller: Reader, parts: PartsHere, asked: Annotated[AttentionParameters, Query()]
) -> AttentionAnswer:
    """Return each kind that found something, with its count and newest examples.

    The list is empty when there is nothing to look at.
    """
    kinds = [kind for kind in ATTENTION_KINDS.values() if asked.kind in (None, kind.id)]
    async with parts.database.read([caller.workspace_id]) as connection:
        found = await attention_rows.attention(await driver(connection), kinds)
    return AttentionAnswer(items=[_attention_item(item) for item in found])


def _attention_item(found: attention_rows.Attention) -> AttentionItem:
    return AttentionItem(
        kind=found.kind.id,
        sentence=found.kind.sentence,
        count=found.count,
        newest_at=found.newest_at,
        what_to_do=found.kind.what_to_do,
        examples=[
            AttentionExample(
                order_id=item.order_id,
                event_id=item.event_id,
                occurred_at=item.occurred_at,
                detail=item.detail,
            )
            for item in found.examples
        ],
    )


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
        raise _bad_cursor() from None


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


@router.post("/v1/replays", summary="Publish credits again with their old numbers")
async def replay(caller: Admin, parts: PartsHere, body: wire.ReplayBody) -> wire.ReplayAnswer:
    """Publish one bounded span of numbers; call again with `next_sequence` until it is null.

    Readers of the credits topic drop the numbers that they have. An roi database without data of
    the workspace is rebuilt from the records. An roi that has a record with other dates corrects
    the dates.
    """
    span = await parts.publisher.publish(caller.workspace_id, body.from_sequence)
    return wire.ReplayAnswer(
        published=span.published,
        from_sequence=span.first,
        to_sequence=span.last,
        next_sequence=span.last + 1 if span.last < span.newest else None,
        newest_sequence=span.newest,
        missing=list(span.missing),
    )


@router.get("/v1/lag", summary="How far behind the log, per partition")
async def lag(caller: Reader, parts: PartsHere) -> wire.LagAnswer:
    """Return the lag in records and seconds; 503 while the log does not answer."""
    del caller
    return wire.LagAnswer(items=await parts.lag())
