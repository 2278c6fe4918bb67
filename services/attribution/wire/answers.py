"""The shapes of the API's answers and bodies, and the one place where they are made from stored values.

Promise: money is always `{amount_minor, currency}`, null for a conversion without money; shares are exact fractions as text.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from services.attribution.domain.model import Adjustment, Candidate, Credit, Decision
from services.attribution.wire.events import conversion_evidence
from shared.http.wire import AnswerModel, MoneyOut, StrictModel
from shared.models import is_additive


class CandidateAnswer(AnswerModel):
    """One piece of evidence, kept or rejected."""

    touch_id: str
    kind: str
    placement_id: str | None
    creator_id: str | None
    occurred_at: datetime
    verdict: Literal["kept", "rejected"]
    reason: str | None


class CreditAnswer(AnswerModel):
    """One account's share under one model. `units` are millionths of a conversion.

    `touch_id` names the candidate that earned it, null for organic credit. With `additive` false
    the credit is a memo beside the ledger: the shares of its model do not sum to the order.
    """

    model: str
    additive: bool
    account: str
    touch_id: str | None
    share: str
    amount: MoneyOut | None
    units: int


class RevisionAnswer(AnswerModel):
    """One decision revision."""

    revision: int
    reason: str
    recorded_at: datetime
    net: MoneyOut | None
    candidates: list[CandidateAnswer]
    credits: list[CreditAnswer]


class LineAnswer(AnswerModel):
    """One line of the ledger."""

    sequence: int
    model: str
    revision: int
    account: str
    amount: MoneyOut | None
    units: int
    stage: str
    touched_at: datetime | None
    occurred_at: datetime
    recorded_at: datetime


class ExplanationAnswer(AnswerModel):
    """Why a conversion was credited as it was; the last revision is what stands."""

    order_id: str
    kind: str
    status: str
    net: MoneyOut | None
    revisions: list[RevisionAnswer]
    ledger: list[LineAnswer]


class BalanceItem(AnswerModel):
    """The ledger's sum of one model and currency, beside the sum of orders and adjustments; per account only the former."""

    model: str
    currency: str
    account: str | None = None
    day: date | None = None
    """The conversion's local day, where days were asked for."""
    credited_minor: int
    net_minor: int | None
    difference_minor: int | None


class UnmatchedAnswer(AnswerModel):
    """An adjustment whose order has not come. Exactly one of the figures is there, or none (cancel, chargeback)."""

    order_id: str
    adjustment_id: str
    kind: str
    amount: MoneyOut | None
    net_after: MoneyOut | None
    occurred_at: datetime


class BalanceAnswer(AnswerModel):
    """The balance of the ledger up to `sequence`."""

    sequence: int
    items: list[BalanceItem]
    unmatched_adjustments: list[UnmatchedAnswer]


class DeadLetterAnswer(AnswerModel):
    """A record that could not be used. `value` is its text, cut when it is long."""

    id: str
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    event_id: str | None
    recorded_at: datetime
    value: str


class RetryBody(StrictModel):
    """Which letters to try again; without `ids` the oldest."""

    ids: Annotated[list[str], Field(max_length=100)] | None = None


class RetriedAnswer(AnswerModel):
    """What became of one letter."""

    id: str
    outcome: Literal["resolved", "failed"]
    reason: str | None


class RetryAnswer(AnswerModel):
    """What became of all that were tried."""

    retried: int
    resolved: int
    items: list[RetriedAnswer]


class ReplayBody(StrictModel):
    """Which credits records to publish again: one span of numbers a call."""

    publish: Literal[True]
    """Publish the records again with their old numbers."""
    from_sequence: Annotated[int, Field(ge=1, le=2**63 - 1)] = 1
    """The first number; go on with `next_sequence` of the answer."""


class ReplayAnswer(AnswerModel):
    """The span of numbers that is published again."""

    published: int
    """How many records: they are in the outbox, and on the log within moments."""
    from_sequence: int
    to_sequence: int
    next_sequence: int | None
    """Where to go on; null when `newest_sequence` was reached."""
    newest_sequence: int
    missing: list[int]
    """Numbers of touch tallies that were sent before they were kept: only the log has them."""


class LagItem(AnswerModel):
    """How far one partition is behind; `seconds` is null while another process reads it."""

    topic: str
    partition: int
    records: int
    seconds: float | None


class LagAnswer(AnswerModel):
    """How far all partitions are behind."""

    items: list[LagItem]


def money(amount_minor: int, currency: str | None) -> MoneyOut | None:
    """Money, or null without a currency."""
    return None if currency is None else MoneyOut(amount_minor=amount_minor, currency=currency)


def revision_answer(
    number: int, reason: str, recorded_at: datetime, decision: Decision
) -> RevisionAnswer:
    """One revision as answered."""
    return RevisionAnswer(
        revision=number,
        reason=reason,
        recorded_at=recorded_at,
        net=money(decision.net_minor, decision.currency),
        candidates=[_candidate(item) for item in decision.candidates],
        credits=[_credit(item, decision.currency) for item in (*decision.credits, *decision.memos)],
    )


def _candidate(item: Candidate) -> CandidateAnswer:
    return CandidateAnswer(
        touch_id=item.touch_id,
        kind=item.kind,
        placement_id=item.placement_id,
        creator_id=item.creator_id,
        occurred_at=item.occurred_at,
        verdict=item.verdict,
        reason=item.reason,
    )


def _credit(item: Credit, currency: str | None) -> CreditAnswer:
    return CreditAnswer(
        model=item.model,
        additive=is_additive(item.model),
        account=item.account,
        touch_id=item.touch_id,
        share=str(item.share),
        amount=money(item.amount_minor, currency),
        units=item.units,
    )


def balance_items(
    credited: dict[tuple[str, str, str], int],
    nets: dict[tuple[str, str], int],
    *,
    by_account: bool,
) -> list[BalanceItem]:
    """One item per model and currency, or per account besides."""
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
    """One item per model, currency and day, or per account besides; days without credit have none."""
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
    """Adjustments that wait, from their events."""
    facts = [conversion_evidence(body) for body in bodies]
    return [_unmatched(fact) for fact in facts if isinstance(fact, Adjustment)]


def _unmatched(fact: Adjustment) -> UnmatchedAnswer:
    amount, after = fact.amount_minor, fact.net_after_minor
    return UnmatchedAnswer(
        order_id=fact.key.natural_id,
        adjustment_id=fact.adjustment_id,
        kind=fact.kind,
        amount=None if amount is None else money(amount, fact.currency),
        net_after=None if after is None else money(after, fact.currency),
        occurred_at=fact.occurred_at,
    )
