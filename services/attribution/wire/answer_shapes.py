"""The request and answer bodies of the API, and the functions that build them from stored values.

Promise: money is always `{amount_minor, currency}`, and null for a conversion without money.
Explanations are in `explanation_shapes.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from services.attribution.domain.model import Adjustment
from services.attribution.wire.event_readings import conversion_evidence
from shared.api.shapes import AnswerModel, MoneyOut, StrictModel


class BalanceItem(AnswerModel):
    """The ledger sum of one model and currency, and the sum of orders less adjustments.

    An item of one account or one day has the ledger sum only.
    """

    model: str
    """The credit model."""
    currency: str
    """The currency of the sums."""
    account: str | None = None
    """The account, if grouped by account."""
    day: date | None = None
    """The local day of the conversion, if grouped by day."""
    credited_minor: int
    """The sum of credits, in minor units."""
    net_minor: int | None
    """The sum of orders less adjustments, in minor units."""
    difference_minor: int | None
    """`net_minor` less `credited_minor`: 0 unless the ledger has a defect."""


class UnmatchedAnswer(AnswerModel):
    """An adjustment without its order.

    At most one of `amount` and `net_after` is set; a cancel and a chargeback have neither.
    """

    order_id: str
    """The id of the missing order."""
    store: str
    """The store of the order: `main`, or the id of another store."""
    adjustment_id: str
    """The id of the adjustment."""
    kind: str
    """The kind of the adjustment: refund, cancel, chargeback or edit."""
    amount: MoneyOut | None
    """The amount that it subtracts."""
    net_after: MoneyOut | None
    """The net of the order after it."""
    occurred_at: datetime
    """When it happened."""


class BalanceAnswer(AnswerModel):
    """The balance of the ledger up to `sequence`."""

    sequence: int
    """The number of the last publication that is in the sums."""
    items: list[BalanceItem]
    """The sums."""
    unmatched_adjustments: list[UnmatchedAnswer]
    """Adjustments without their order."""


class EventsAnswer(AnswerModel):
    """What became of the accepted events: each is in one class."""

    read: int
    """How many events attribution read from the log."""
    booked: int
    """Events that count: touches, ties, and the versions, refunds and claims that are in effect.
    Past orders are among them, as evidence about customers."""
    superseded: int
    """Repeated events, and versions of conversions that another version replaced."""
    set_aside: int
    """Events that change no figure; `GET /v1/attention` lists them with what to do."""
    difference: int
    """`read` less the three classes: 0 unless there is a defect."""


class DeadLetterAnswer(AnswerModel):
    """A record that could not be used. `value` is its text, cut when it is long."""

    id: str
    """The id of the dead letter."""
    topic: str
    """The topic of the record."""
    partition: int
    """The partition of the record."""
    offset: int
    """The offset of the record."""
    reason: str
    """Why it could not be used, as a code."""
    detail: str
    """Why it could not be used, as a sentence."""
    event_id: str | None
    """The id of the event, if it could be read."""
    recorded_at: datetime
    """When it became a dead letter."""
    value: str
    """The record's text, cut when it is long."""


class RetryBody(StrictModel):
    """The dead letters to retry."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": None}]})

    ids: Annotated[list[str], Field(max_length=100)] | None = None
    """The ids of the dead letters; the default is the oldest."""


class RetriedAnswer(AnswerModel):
    """The result of one dead letter."""

    id: str
    """The id of the dead letter."""
    outcome: Literal["resolved", "failed"]
    """Whether it could be used now."""
    reason: str | None
    """Why it could not be used; null if it could."""


class RetryAnswer(AnswerModel):
    """The results of a retry."""

    retried: int
    """How many were retried."""
    resolved: int
    """How many could be used."""
    items: list[RetriedAnswer]
    """The result of each."""


class ReplayBody(StrictModel):
    """The credits records to publish again: one span of numbers for each call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"publish": True}]})

    publish: Literal[True]
    """Publish the records again with their old numbers."""
    from_sequence: Annotated[int, Field(ge=1, le=2**63 - 1)] = 1
    """The first number. Continue with `next_sequence` of the answer."""


class ReplayAnswer(AnswerModel):
    """The span of numbers that is published again."""

    published: int
    """How many records were put into the outbox; the relay sends them to the log soon."""
    from_sequence: int
    """The first number of the span."""
    to_sequence: int
    """The last number of the span."""
    next_sequence: int | None
    """The first number of the next call; null when `newest_sequence` is reached."""
    newest_sequence: int
    """The newest number of the workspace."""
    missing: list[int]
    """Numbers of touch tallies that an older release sent without storing them."""


class LagItem(AnswerModel):
    """The lag of one partition."""

    topic: str
    """The topic."""
    partition: int
    """The partition."""
    records: int
    """How many records are not read yet."""
    seconds: float | None
    """The age of the oldest of them; null while another process reads the partition."""


class LagAnswer(AnswerModel):
    """The lag of all partitions."""

    items: list[LagItem]
    """One item for each partition."""


def money(amount_minor: int, currency: str | None) -> MoneyOut | None:
    """Return the amount as money, or None without a currency."""
    return None if currency is None else MoneyOut(amount_minor=amount_minor, currency=currency)


def balance_items(
    credited: dict[tuple[str, str, str], int],
    nets: dict[tuple[str, str], int],
    *,
    by_account: bool,
) -> list[BalanceItem]:
    """Return one item for each model and currency, and for each account if `by_account`."""
    if by_account:
        return [
            BalanceItem(
                model=model,
                currency=currency,
                account=account,
                credited_minor=amount,
                net_minor=None,
                difference_minor=None,
            )
            for (model, currency, account), amount in sorted(credited.items())
        ]
    sums: defaultdict[tuple[str, str], int] = defaultdict(int, dict.fromkeys(nets, 0))
    for (model, currency, _), amount in credited.items():
        sums[model, currency] += amount
    return [
        BalanceItem(
            model=model,
            currency=currency,
            credited_minor=amount,
            net_minor=nets.get((model, currency), 0),
            difference_minor=nets.get((model, currency), 0) - amount,
        )
        for (model, currency), amount in sorted(sums.items())
    ]


def day_items(
    credited: dict[tuple[str, str, str, date], int], *, by_account: bool
) -> list[BalanceItem]:
    """Return one item for each model, currency and day, and for each account if `by_account`.

    A day without credit has no item.
    """
    sums: defaultdict[tuple[str, str, str, date], int] = defaultdict(int)
    for (model, currency, account, day), amount in credited.items():
        sums[model, currency, account if by_account else "", day] += amount
    return [
        BalanceItem(
            model=model,
            currency=currency,
            account=account or None,
            day=day,
            credited_minor=amount,
            net_minor=None,
            difference_minor=None,
        )
        for (model, currency, account, day), amount in sorted(sums.items())
    ]


def unmatched_answers(bodies: Iterable[bytes]) -> Sequence[UnmatchedAnswer]:
    """Return the adjustments of these stored events."""
    facts = [conversion_evidence(body) for body in bodies]
    return [_unmatched(fact) for fact in facts if isinstance(fact, Adjustment)]


def _unmatched(fact: Adjustment) -> UnmatchedAnswer:
    amount, after = fact.amount_minor, fact.net_after_minor
    return UnmatchedAnswer(
        order_id=fact.key.natural_id,
        store=fact.key.store,
        adjustment_id=fact.adjustment_id,
        kind=fact.kind,
        amount=None if amount is None else money(amount, fact.currency),
        net_after=None if after is None else money(after, fact.currency),
        occurred_at=fact.occurred_at,
    )
