"""The route of the attention list: what was accepted and changes no figure, or a doubtful one."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Query

from services.attribution.routes.parts import REFUSALS, TAGS, PartsHere, Reader
from services.attribution.store import attention_rows
from services.attribution.store.attention import KINDS, KindId
from services.attribution.wire.attention_shapes import (
    AttentionAnswer,
    AttentionExample,
    AttentionItem,
)
from shared.api.shapes import StrictModel
from shared.db.engine import driver
from shared.http.body import Router

router = Router(tags=TAGS, responses=REFUSALS)


class AttentionParameters(StrictModel):
    """Which kind of attention is asked for."""

    kind: Annotated[KindId | None, Query(examples=[next(iter(KINDS))])] = None
    """Only this kind; the default is every kind."""


@router.get("/v1/attention", summary="What was accepted and changes no figure, or a doubtful one")
async def attention(
    caller: Reader, parts: PartsHere, asked: Annotated[AttentionParameters, Query()]
) -> AttentionAnswer:
    """Return each kind that found something, with its count and newest examples.

    The list is empty when there is nothing to look at.
    """
    kinds = [kind for kind in KINDS.values() if asked.kind in (None, kind.id)]
    async with parts.database.read([caller.workspace_id]) as connection:
        found = await attention_rows.attention(await driver(connection), kinds)
    opened = partial(parts.texts.open, caller.workspace_id)
    return AttentionAnswer(items=[attention_item(item, opened) for item in found])


def attention_item(found: attention_rows.Attention, opened: Callable[[str], str]) -> AttentionItem:
    """Return the item of one kind; `opened` opens the texts that are sealed."""
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
                detail=opened(item.detail) if found.kind.is_sealed else item.detail,
            )
            for item in found.examples
        ],
    )
