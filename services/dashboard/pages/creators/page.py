"""`/app/creators`: creators with their figures, ranked, drawn and filtered; the form that adds one.

Promise: drawing, table and file are of one answer. A creator without a figure in the period is in
the table, too, with dashes. The form is offered to keys that may write.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, Got, made, together
from services.dashboard.layout.creator_table import CREATORS
from services.dashboard.layout.filters import chips
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, MenuEntry
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.trend import ASKED
from services.dashboard.pages.creators.creator_form import FIELDS, OTHER_NAMES, body_of_form
from services.dashboard.pages.creators.panels import (
    ORDER,
    SPLIT,
    creators_chart,
    creators_table,
    order_of,
    orders,
    split_of,
    split_table,
    splits,
)

router = PageRouter()
MENU = MenuEntry(20, "Creators", CREATORS)
OWN: Final = ("done", ORDER, SPLIT)
DONE: Final = {"archived": "The creator is archived. Past figures stay."}
Json = Mapping[str, Any]


@router.get(CREATORS)
@router.get(f"{CREATORS}.csv")
async def creators(request: Request) -> Response:
    """Show the creators."""
    return await _page(await Frame.of(request, OWN), Form())


@router.post(CREATORS)
async def add_creator(request: Request) -> Response:
    """Add a creator."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    body = {name: value for name, value in body_of_form(fields).items() if value}
    answer = await frame.api.send("POST", "roi", "/v1/creators", json=body)
    if isinstance(answer, Failed):
        return await _page(frame, Form.refused(fields, answer, FIELDS, OTHER_NAMES), 422)
    return frame.leave(frame.view.carried(f"{CREATORS}/{answer.body['id']}", done="added"))


async def _page(frame: Frame, form: Form, status: int = 200) -> Response:
    split = split_of(frame)
    ranked, known, parted = await together(
        frame.roi(group_by="creator", metrics=ASKED, order=order_of(frame)),
        frame.api.items("roi", "/v1/creators"),
        frame.roi(group_by=split, metrics=ASKED),
    )
    people: Sequence[Json] = known.body if isinstance(known, Got) else ()
    table = made(ranked, lambda body: creators_table(frame, body, people))
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "creators/creators.html",
        status=status,
        answers=(ranked, parted),
        tables={
            "creators": table,
            "split": made(parted, lambda body: split_table(frame, split, body)),
        },
        drawing=made(ranked, creators_chart),
        has_creators=bool(people) or isinstance(known, Failed),
        orders=orders(frame),
        splits=splits(frame),
        chips=chips(frame.view, {one["id"]: one["name"] for one in people}),
        form=form,
        toast=None if done is None else (done, None),
    )
