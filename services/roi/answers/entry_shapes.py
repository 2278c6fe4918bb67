"""HTTP shapes of `GET /v1/entries`: the entries behind a figure.

Promise: the values of the entries of all pages add up to `sum`, which is the figure of the answer.
"""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field

from services.roi.answers.answer_shapes import CurrencyMoney
from services.roi.answers.entry_listing import Listed, Opened
from services.roi.answers.entry_question import cursor_of
from shared.api.shapes import AnswerModel, MoneyOut

Amount = MoneyOut | float


class CreditEntryAnswer(AnswerModel):
    """One entry of the ledger."""

    entry: Literal["credit"]
    """What the entry is: credit of a conversion."""
    account: str
    """The credited placement, or `organic`."""
    conversion_id: str
    """The conversion."""
    conversion_kind: str
    """The kind of the conversion, such as `purchase`."""
    natural_id: str
    """The id of the order or conversion in its store."""
    store: str
    """The store of the conversion."""
    model: str
    """The credit model."""
    revision: int
    """The revision of the decision that booked the entry."""
    reverses: int | None
    """The revision whose entry it takes back; null when it takes back none."""
    stage: str
    """The stage of the conversion."""
    touch_stage: str | None
    """The stage of the touches."""
    evidence_class: str | None
    """By what the credit was earned."""
    touch_kind: str | None
    """The kind of the touches."""
    link_id: str | None
    """The link that was clicked."""
    code: str | None
    """The discount code."""
    sub_source: str | None
    """What the link's `?s=` told."""
    occurred_at: datetime
    """When the conversion occurred."""
    touched_at: datetime | None
    """The quarter of an hour of the touches."""
    recorded_at: datetime
    """When the entry was booked."""
    sequence: int
    """The number of the credits record."""
    position: int
    """The place of the entry in its record."""
    value: Amount
    """What the entry adds to the figure."""


class TouchEntryAnswer(AnswerModel):
    """One change of the touch counts."""

    entry: Literal["touches"]
    """What the entry is: counted touches."""
    account: str
    """The placement that was touched."""
    touch_kind: str
    """The kind of the touches."""
    stage: str
    """The stage of the touches."""
    link_id: str | None
    """The link."""
    code: str | None
    """The code."""
    sub_source: str | None
    """What the link's `?s=` told."""
    quarter_at: datetime
    """The quarter of an hour of the touches."""
    recorded_at: datetime
    """When the change was booked."""
    sequence: int
    """The number of the credits record."""
    position: int
    """The place of the entry in its record."""
    value: Amount
    """What the entry adds to the figure."""


class CostEntryAnswer(AnswerModel):
    """The part of one cost that one placement carries."""

    entry: Literal["cost"]
    """What the entry is: a part of a cost."""
    cost_id: str
    """The cost."""
    kind: str
    """The kind of the cost, such as `fee`."""
    incurred_on: date
    """The local day on which it was incurred."""
    from_: Annotated[date, Field(alias="from")]
    """The first day that it serves."""
    to: date
    """The last day that it serves."""
    spread: str
    """What it is spread by."""
    creator_id: str | None
    """The creator who owns the cost."""
    campaign_id: str | None
    """The campaign that owns the cost."""
    placement_id: str | None
    """The placement that owns the cost."""
    account: str | None
    """The placement that carries the part; null when none does."""
    amount: MoneyOut
    """The whole cost."""
    value: Amount
    """What the part adds to the figure."""


class EntryMeta(AnswerModel):
    """The figure that was opened, and its moment."""

    metric: str
    """The metric."""
    model: str
    """The credit model."""
    by: str
    """The time that dates a credit."""
    group: dict[str, str | None] | None
    """The row's values; null where a headline figure was opened."""
    part: str
    """The headline figure."""
    filters: dict[str, str]
    """The filters, by dimension, as they were sent."""
    from_: Annotated[date | datetime, Field(alias="from")]
    """The first day or moment."""
    to: date | datetime
    """The last day (included) or moment (excluded)."""
    time_zone: str
    """The time zone of the days."""
    as_of: datetime
    """The moment of all pages."""
    sequence: int
    """The sequence of the last credits record in the figure."""


class EntryList(AnswerModel):
    """One page of the entries behind a figure, newest first."""

    meta: EntryMeta
    """The figure that was opened."""
    items: list[CreditEntryAnswer | TouchEntryAnswer | CostEntryAnswer]
    """The entries of this page."""
    sum: MoneyOut | list[CurrencyMoney] | float | None
    """The figure: the sum of the entries of all pages, as the answer has it."""
    next_cursor: str | None = None
    """Send it as `cursor` for the next page; null on the last page."""


_encoder: Final = msgspec.json.Encoder()


def encode_entries(figure: Opened, page: Listed) -> bytes:
    """Return the body of a page."""
    given = figure.given
    cursor = None
    if page.last is not None:
        cursor = cursor_of(given.at.as_of, given.period, page.last)
    meta = meta_of_entries(figure)
    body = {"meta": meta, "items": page.items, "sum": figure.total, "next_cursor": cursor}
    return _encoder.encode(body)


def meta_of_entries(figure: Opened) -> dict[str, Any]:
    """Return what a list of entries says of its figure."""
    given, asked = figure.given, figure.chooser.figure
    (metric,) = given.question.metrics
    return {
        "metric": metric.id,
        "model": given.question.models[0],
        "by": given.question.by,
        "group": asked.group,
        "part": asked.part,
        "filters": given.filters,
        "from": given.period[0],
        "to": given.period[1],
        "time_zone": given.at.time_zone,
        "as_of": given.at.as_of,
        "sequence": given.at.sequence,
    }
