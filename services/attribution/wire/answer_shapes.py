"""The shapes of the API's answers and bodies, and the one place where they are made from stored values.

Promise: money is always `{amount_minor, currency}`, null for a conversion without money; shares are exact fractions as text.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from services.attribution.domain.model import Adjustment, Candidate, Credit, Decision
from services.attribution.wire.event_readings import conversion_evidence
from shared.api.shapes import AnswerModel, MoneyOut, StrictModel
from shared.models import is_additive


class CandidateAnswer(AnswerModel):
    """One piece of evidence, kept or rejected."""

    touch_id: str
    """The id of the event that the touch came by."""
    kind: str
    """The kind of evidence: click, code, view, referral or survey."""
    placement_id: str | None
    """The placement that it speaks for."""
    creator_id: str | None
    """The creator of that placement."""
    occurred_at: datetime
    """When it happened."""
    verdict: Literal["kept", "rejected"]
    """Whether it can earn credit."""
    reason: str | None
    """Why it was rejected; null when it was kept."""


class CreditAnswer(AnswerModel):
    """One account's share under one model. `units` are millionths of a conversion.

    `touch_id` names the candidate that earned it, null for organic credit. With `additive` false
    the credit is a memo beside the ledger: the shares of its model do not sum to the order.
    """

    model: str
    """The credit model."""
    additive: bool
    """Whether credits of this model are entries of the ledger; a memo's are never summed."""
    account: str
    """The placement that gets the credit, or `organic`."""
    touch_id: str | None
    """The touch that earned it; null for organic."""
    share: str
    """The share of the conversion as an exact fraction, such as `1/3`."""
    amount: MoneyOut | None
    """The credited amount; null for a conversion without money."""
    units: int
    """The credited part of the conversion, in millionths."""


class RevisionAnswer(AnswerModel):
    """One decision revision."""

    revision: int
    """The number of the decision, from 1."""
    reason: str
    """Why it was decided: the first time, or what changed."""
    recorded_at: datetime
    """When it was decided."""
    net: MoneyOut | None
    """What the conversion was worth then; null without money."""
    candidates: list[CandidateAnswer]
    """Every touch that was looked at, oldest first."""
    credits: list[CreditAnswer]
    """Who got which share under each model."""


class LineAnswer(AnswerModel):
    """One line of the ledger."""

    sequence: int
    """The workspace's number of the publication that holds the line."""
    model: str
    """The credit model."""
    revision: int
    """The number of the decision, from 1."""
    account: str
    """The placement that gets the credit, or `organic`."""
    amount: MoneyOut | None
    """The credited amount; null for a conversion without money."""
    units: int
    """The credited part of the conversion, in millionths."""
    stage: str
    """The stage of the conversion."""
    touched_at: datetime | None
    """When the touch that earned it happened; null for organic."""
    occurred_at: datetime
    """When the conversion happened."""
    recorded_at: datetime
    """When the line was written."""


class ExplanationAnswer(AnswerModel):
    """Why a conversion was credited as it was; the last revision is what stands."""

    order_id: str
    """The order's or conversion's own id."""
    kind: str
    """The kind of the conversion."""
    status: str
    """Whether it is credited, organic, cancelled or waits for its order."""
    net: MoneyOut | None
    """What it is worth now; null without money."""
    revisions: list[RevisionAnswer]
    """Every decision, oldest first; the last one stands."""
    ledger: list[LineAnswer]
    """The lines of the ledger, oldest first."""


class BalanceItem(AnswerModel):
    """The ledger's sum of one model and currency, beside the sum of orders and adjustments; per account only the former."""

    model: str
    """The credit model."""
    currency: str
    """The currency of the sums."""
    account: str | None = None
    """The account, where they were asked for."""
    day: date | None = None
    """The conversion's local day, where days were asked for."""
    credited_minor: int
    """The sum of credits, in minor units."""
    net_minor: int | None
    """The sum of orders less adjustments, in minor units."""
    difference_minor: int | None
    """The one less the other: 0 unless something is broken."""


class UnmatchedAnswer(AnswerModel):
    """An adjustment whose order has not come. Exactly one of the figures is there, or none (cancel, chargeback)."""

    order_id: str
    """The order that has not come."""
    adjustment_id: str
    """The id of the adjustment."""
    kind: str
    """What happened: a refund, cancel, chargeback or edit."""
    amount: MoneyOut | None
    """What it takes away."""
    net_after: MoneyOut | None
    """What the order would be worth afterwards."""
    occurred_at: datetime
    """When it happened."""


class BalanceAnswer(AnswerModel):
    """The balance of the ledger up to `sequence`."""

    sequence: int
    """The number of the publication up to which the sums go."""
    items: list[BalanceItem]
    """The sums."""
    unmatched_adjustments: list[UnmatchedAnswer]
    """Adjustments that wait for their order."""


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
    """Why it could not be used, as a word."""
    detail: str
    """The same as a sentence."""
    event_id: str | None
    """The id of the event, where it could be read."""
    recorded_at: datetime
    """When it was set aside."""
    value: str
    """The record's text, cut when it is long."""


class RetryBody(StrictModel):
    """Which letters to try again; without `ids` the oldest."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": None}]})

    ids: Annotated[list[str], Field(max_length=100)] | None = None
    """Which dead letters to try; the oldest when left out."""


class RetriedAnswer(AnswerModel):
    """What became of one letter."""

    id: str
    """The id of the dead letter."""
    outcome: Literal["resolved", "failed"]
    """Whether it could be used now."""
    reason: str | None
    """Why it could not; null when it could."""


class RetryAnswer(AnswerModel):
    """What became of all that were tried."""

    retried: int
    """How many were tried."""
    resolved: int
    """How many could be used."""
    items: list[RetriedAnswer]
    """What became of each."""


class ReplayBody(StrictModel):
    """Which credits records to publish again: one span of numbers a call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"publish": True}]})

    publish: Literal[True]
    """Publish the records again with their old numbers."""
    from_sequence: Annotated[int, Field(ge=1, le=2**63 - 1)] = 1
    """The first number; go on with `next_sequence` of the answer."""


class ReplayAnswer(AnswerModel):
    """The span of numbers that is published again."""

    published: int
    """How many records: they are in the outbox, and on the log within moments."""
    from_sequence: int
    """The first number of the span."""
    to_sequence: int
    """The last number of the span."""
    next_sequence: int | None
    """Where to go on; null when `newest_sequence` was reached."""
    newest_sequence: int
    """The workspace's newest number."""
    missing: list[int]
    """Numbers of touch tallies that were sent before they were kept: only the log has them."""


class LagItem(AnswerModel):
    """How far one partition is behind; `seconds` is null while another process reads it."""

    topic: str
    """The topic."""
    partition: int
    """The partition."""
    records: int
    """How many records wait."""
    seconds: float | None
    """How old the oldest of them is; null while another process reads the partition."""


class LagAnswer(AnswerModel):
    """How far all partitions are behind."""

    items: list[LagItem]
    """One item for each partition."""


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
