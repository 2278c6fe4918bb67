"""The route of explanations: why a conversion was credited as it was."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, get_args
from uuid import UUID

from fastapi import Query

from services.attribution.pipeline.conversion_search import (
    Found,
    NotFound,
    UnknownStore,
    find_conversion,
)
from services.attribution.pipeline.explaining import (
    REVISION_MAX,
    Explanation,
    last_decision,
    read_explanation,
)
from services.attribution.routes.attention import attention_item
from services.attribution.routes.parts import REFUSALS, TAGS, Id, PartsHere, Reader, bad_cursor
from services.attribution.store import read_queries as store
from services.attribution.store.catalog_rows import read_records
from services.attribution.wire import answer_shapes as wire
from services.attribution.wire import explanation_shapes as shapes
from services.attribution.wire.order_report_shapes import report_answers
from shared.api.openapi import example_id, problems
from shared.api.shapes import ListParameters, decode_cursor, encode_cursor
from shared.catalog import Placement
from shared.credits import ORGANIC
from shared.db.engine import driver
from shared.events import ConversionKind
from shared.http.body import Router
from shared.http.problems import Problem, field_problem
from shared.ids import clean_id
from shared.private_texts import stored_forms

# Purchases come first, because an order usually means a purchase.
KINDS: Final[tuple[ConversionKind, ...]] = get_args(ConversionKind)
# The longest name of a store.
NAME_LENGTH_MAX: Final = 200

router = Router(tags=TAGS, responses=REFUSALS)


class ExplanationParameters(ListParameters):
    """The conversion to explain (the id of an order or of another conversion) and the page."""

    order_id: Annotated[Id | None, Query(examples=["1001"])] = None
    """The id of the order."""
    conversion_id: Id | None = None
    """The id of a conversion that is no order."""
    kind: ConversionKind | None = None
    """The kind of the conversion. The default searches all kinds, purchases first."""
    store: Annotated[
        str | None, Query(min_length=1, max_length=NAME_LENGTH_MAX, examples=["main"])
    ] = None
    """The id, external id or name of the store. The default is `main`, then the only other store
    that has the conversion."""
    creator_id: Annotated[UUID | None, Query(examples=[example_id("creator")])] = None
    """A creator of whom the answer says why it earned or did not."""


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
    revisions. A page has at most 1,000 ledger lines. Each page has what was told of the conversion
    and what of it is on the attention list. Without `kind` all kinds are searched, purchases first.
    Shops show `#1001` for the order 1001; either finds it.
    """
    below = _below(asked.cursor) if asked.cursor else None
    natural_id = _natural_id(asked)
    kinds = (asked.kind,) if asked.kind else KINDS
    text_hash = partial(parts.text_hash, caller.workspace_id)
    # Each form in which the id may be stored, with the id as people know it.
    named = {
        text: form for form in _number_forms(natural_id) for text in stored_forms(form, text_hash)
    }
    async with parts.database.read([caller.workspace_id]) as connection:
        conn = await driver(connection)
        found = _found(await find_conversion(conn, kinds, named, asked.store))
        explanation = await read_explanation(
            conn, caller.workspace_id, found.own_key, below=below, limit=asked.limit
        )
        if explanation is None:
            raise bad_cursor()
        creator = await _creator(conn, caller.workspace_id, found.own_key, asked.creator_id)
    opened = partial(parts.texts.open, caller.workspace_id)
    return _answer(found, named[found.stored_id], explanation, creator, opened)


def _answer(
    found: Found,
    order_id: str,
    explanation: Explanation,
    creator: shapes.CreatorAnswer | None,
    opened: Callable[[str], str],
) -> shapes.ExplanationAnswer:
    conversion, told = found.conversion, explanation.told
    versions, adjustments = report_answers(told.bodies)
    first = explanation.revisions[0].stored.revision
    return shapes.ExplanationAnswer(
        order_id=order_id,
        store=conversion.store,
        kind=conversion.kind,
        status=conversion.status,
        net=wire.money(conversion.net_minor, conversion.currency),
        revisions=[
            shapes.revision_answer(
                item.stored.revision,
                item.stored.reason,
                item.stored.recorded_at,
                item.decision,
                item.windows,
            )
            for item in explanation.revisions
        ],
        ledger=[_line(line) for line in explanation.lines],
        ledger_left_out=explanation.left_out,
        versions=versions,
        versions_left_out=told.versions - len(versions),
        adjustments=adjustments,
        adjustments_left_out=told.adjustments - len(adjustments),
        attention=[attention_item(item, opened) for item in explanation.attention],
        creator=creator,
        next_cursor=encode_cursor(first) if first > 1 else None,
    )


def _found(result: Found | NotFound | UnknownStore) -> Found:
    match result:
        case Found():
            return result
        case UnknownStore():
            raise field_problem("store", "is not a store of this workspace")
        case NotFound(()):
            raise Problem(404, None, "the order or conversion is unknown")
        case NotFound(names):
            known = ", ".join(names)
            raise Problem(404, None, f"several stores have it; send `store`, one of: {known}")


async def _creator(
    conn: Any, workspace_id: str, key: bytes, creator_id: UUID | None
) -> shapes.CreatorAnswer | None:
    """Return what the last decision says of a creator; None if no creator is asked for."""
    if creator_id is None:
        return None
    last = await last_decision(conn, workspace_id, key)
    decision = last.decision
    accounts = {credit.account for credit in (*decision.credits, *decision.memos)} - {ORGANIC}
    known = await read_records(conn, {(workspace_id, account) for account in accounts})
    owned = {
        account
        for (_, account), record in known.items()
        if isinstance(record, Placement) and record.creator_id == str(creator_id)
    }
    return shapes.creator_answer(str(creator_id), decision, owned, last.windows)


def _number_forms(natural_id: str) -> tuple[str, str]:
    """Return an order number as it was asked for, then without its `#`, or with one."""
    plain = natural_id.removeprefix("#")
    return natural_id, plain if plain != natural_id else f"#{natural_id}"


def _below(cursor: str) -> int:
    """Return the revision number below which the page begins."""
    (number,) = decode_cursor(cursor, (int,))
    if not 1 < number <= REVISION_MAX:
        raise bad_cursor()
    return int(number)


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
