"""The route of the list of orders: search, days, state and store, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Final

from fastapi import Query

from services.attribution.domain.model import Status
from services.attribution.pipeline.order_search import TooManyMeant, meant_by
from services.attribution.routes.parts import REFUSALS, TAGS, Parts, PartsHere, Reader, bad_cursor
from services.attribution.store import order_rows, read_queries
from services.attribution.store.attention import KINDS
from services.attribution.store.catalog_rows import read_records
from services.attribution.store.order_rows import Asked, OrderRow
from services.attribution.wire.answer_shapes import money
from services.attribution.wire.event_readings import claims_key
from services.attribution.wire.order_shapes import OrderAnswer, accounts_in, credits_in
from shared.api.shapes import (
    ListParameters,
    Page,
    StrictModel,
    decode_cursor,
    encode_cursor,
    parse_moment,
)
from shared.catalog import Placement, store_named
from shared.db.engine import driver
from shared.events import ConversionKind
from shared.http.body import Router
from shared.http.problems import field_problem
from shared.ids import MAIN_STORE, clean_id

TEXT_LENGTH_MAX: Final = 200

router = Router(tags=TAGS, responses=REFUSALS)


class SearchParameters(StrictModel):
    """Which orders are listed."""

    query: Annotated[
        str | None, Query(min_length=1, max_length=TEXT_LENGTH_MAX, examples=["1001"])
    ] = None
    """An order id (with or without `#`), a customer id, a code, or the id or name of a creator: all
    orders that it means. A code and a creator mean the orders whose decision looked at them."""
    from_: Annotated[date | None, Query(alias="from", examples=["2026-03-01"])] = None
    """The first local day of the workspace; from the beginning when left out."""
    to: Annotated[date | None, Query(examples=["2026-03-31"])] = None
    """The last local day, included; to the end when left out."""
    status: Status | None = None
    """How the orders stand; every state when left out."""
    store: Annotated[
        str | None, Query(min_length=1, max_length=TEXT_LENGTH_MAX, examples=["main"])
    ] = None
    """The id, external id or name of a store; every store when left out."""
    kind: ConversionKind | None = None
    """The kind of conversion; every kind when left out."""


class OrderParameters(SearchParameters, ListParameters):
    """Which orders are listed, and the page."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was read from its parameters; `among` None: all conversions."""

    wanted: Asked
    among: list[bytes] | None


@router.get("/v1/orders", summary="Orders and other conversions, newest first")
async def orders(
    caller: Reader, parts: PartsHere, asked: Annotated[OrderParameters, Query()]
) -> Page[OrderAnswer]:
    """Return the orders that match, as they stand, with who was credited by the model `last`."""
    after = _after(asked.cursor) if asked.cursor else None
    async with parts.database.read([caller.workspace_id]) as connection:
        conn = await driver(connection)
        search = await search_of(conn, parts, caller.workspace_id, asked)
        found = await order_rows.orders(conn, search.among, search.wanted, after, asked.limit + 1)
        page = found[: asked.limit]
        items = await answers(conn, caller.workspace_id, page)
    more = len(found) > len(page)
    return Page(items=items, next_cursor=_cursor(page[-1]) if more else None)


async def search_of(conn: Any, parts: Parts, workspace_id: str, asked: SearchParameters) -> Search:
    """Return the search of the parameters; raise a 422 that names what cannot be searched."""
    if asked.from_ is not None and asked.to is not None and asked.from_ > asked.to:
        raise field_problem("from", "is after to")
    stores = await read_queries.stores(conn)
    store = None
    if asked.store is not None:
        store = store_named(stores, asked.store)
        if store is None:
            raise field_problem("store", "is not a store of this workspace")
    time_zone = await order_rows.time_zone(conn)
    wanted = Asked(asked.from_, asked.to, time_zone, asked.status, store, asked.kind)
    among = None
    if asked.query is not None:
        text_hash = partial(parts.text_hash, workspace_id)
        words = {MAIN_STORE, *(each.word for each in stores)} if store is None else {store}
        try:
            among = await meant_by(conn, _text(asked.query), sorted(words), wanted, text_hash)
        except TooManyMeant as error:
            raise field_problem("query", str(error)) from None
    return Search(wanted, among)


def _cursor(row: OrderRow) -> str:
    return encode_cursor(row.occurred_at.isoformat(), row.own_key.hex())


async def answers(conn: Any, workspace_id: str, page: Sequence[OrderRow]) -> list[OrderAnswer]:
    """Return the answers of a page of orders."""
    accounts = {account for row in page for account in accounts_in(row.standing)}
    known = await read_records(conn, {(workspace_id, account) for account in accounts})
    creators = {
        record.id: record.creator_id for record in known.values() if isinstance(record, Placement)
    }
    keys = {row.own_key: row.own_key for row in page}
    keys |= {claims_key(row.own_key): row.own_key for row in page}
    attention = await order_rows.attention_of(conn, KINDS.values(), keys) if page else {}
    return [_answer(row, creators, attention.get(row.own_key, [])) for row in page]


def _answer(row: OrderRow, creators: Mapping[str, str | None], attention: list[str]) -> OrderAnswer:
    return OrderAnswer(
        order_id=row.natural_id,
        store=row.store,
        kind=row.kind,
        occurred_at=row.occurred_at,
        net=money(row.net_minor, row.currency),
        status=row.status,
        new_customer=row.new_customer,
        credits=credits_in(row.standing, row.currency, creators),
        attention=attention,
    )


def _text(query: str) -> str:
    try:
        return clean_id(query)
    except ValueError as error:
        raise field_problem("query", str(error)) from None


def _after(cursor: str) -> tuple[datetime, bytes]:
    moment, key = decode_cursor(cursor, (str, str))
    try:
        return parse_moment(moment), bytes.fromhex(key)
    except ValueError:
        raise bad_cursor() from None
