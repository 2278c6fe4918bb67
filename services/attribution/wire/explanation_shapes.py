"""The answer of an explanation, and the functions that build its decisions from stored ones.

Promise: money is always `{amount_minor, currency}`, and null for a conversion without money. A
share is an exact fraction as text.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from services.attribution.domain.failed_tests import failed_test
from services.attribution.domain.model import Candidate, ConversionKey, Credit, Decision, Status
from services.attribution.domain.remedies import would_count_if
from services.attribution.wire.answer_shapes import money
from services.attribution.wire.attention_shapes import AttentionItem
from services.attribution.wire.order_report_shapes import AdjustmentAnswer, VersionAnswer
from shared.api.shapes import AnswerModel, MoneyOut
from shared.models import is_additive


class CandidateAnswer(AnswerModel):
    """One piece of evidence, kept or rejected."""

    touch_id: str
    """The id of the event of the touch."""
    kind: str
    """The kind of evidence: click, code, view, referral or survey."""
    placement_id: str | None
    """The placement that it counts for."""
    creator_id: str | None
    """The creator of that placement."""
    occurred_at: datetime
    """When it happened."""
    verdict: Literal["kept", "rejected"]
    """Whether it can earn credit."""
    reason: str | None
    """Why it was rejected; null when it was kept."""
    failed_test: str | None
    """The test that it failed, with its values, as a sentence; null when it was kept."""
    would_count_if: str | None
    """What would have made it count, as a sentence; null when it was kept."""
    link_id: str | None
    """The link that was clicked; null for other evidence."""
    code: str | None
    """The discount or referral code; null for other evidence."""


class UnlistedAnswer(AnswerModel):
    """Candidates of one reason that the list leaves out, because it has at most 100."""

    reason: str | None
    """Why they were rejected; null when they were kept. Kept ones earn like those listed."""
    count: int
    """How many they are."""


class CreditAnswer(AnswerModel):
    """The share of one ledger slot under one model. `units` are millionths of a conversion.

    A slot holds the touches of one account, kind, link, code and quarter of an hour. A model with
    more than 100 slots has one credit for each account and kind here. If `additive` is false the
    credit is a memo, which is not in the ledger: the shares of such a model do not sum to the
    order.
    """

    model: str
    """The credit model."""
    additive: bool
    """Whether credits of this model are entries of the ledger; memos are never summed."""
    account: str
    """The placement that gets the credit, or `organic`."""
    touch_id: str | None
    """The touch that earned it, of several the oldest; null for organic."""
    touches: int
    """How many touches earned it together."""
    evidence_class: str | None
    """By what it was earned; null for organic, and for decisions of older releases."""
    link_id: str | None
    """The link that was clicked; null for other evidence."""
    code: str | None
    """The discount or referral code; null for other evidence."""
    share: str
    """The share of the conversion as an exact fraction, such as `1/3`."""
    amount: MoneyOut | None
    """The credited amount; null for a conversion without money."""
    units: int
    """The credited part of the conversion, in millionths."""


class AcquiredFromAnswer(AnswerModel):
    """The first order of a customer, whose touches earn a later order."""

    kind: str
    """The kind of the first order."""
    order_id: str
    """The id of the first order."""


class RevisionAnswer(AnswerModel):
    """One decision revision."""

    revision: int
    """The number of the decision, from 1."""
    reason: str
    """Why it was decided: the first decision, or what changed."""
    recorded_at: datetime
    """When it was decided."""
    net: MoneyOut | None
    """The net of the conversion at that time; null without money."""
    candidates: list[CandidateAnswer]
    """The touches that were considered, oldest first: at most 100 of them."""
    unlisted: list[UnlistedAnswer]
    """How many more touches were considered, by reason."""
    credits: list[CreditAnswer]
    """The share of each account under each model."""
    acquired_from: AcquiredFromAnswer | None
    """The customer's first order, if its touches earn this one; null otherwise."""


class CreatorAnswer(AnswerModel):
    """Why a creator earned what it did by the valid decision; `creator_id=` asks for it."""

    creator_id: str
    """The creator."""
    models: list[str]
    """The models under which it earned; empty when it earned nothing."""
    sentence: str
    """Why it earned or did not, as a sentence."""
    candidates: list[CandidateAnswer]
    """Its listed touches, oldest first, each with the reason why it did not count."""


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
    """The quarter of an hour of the touches that earned it; null for organic."""
    occurred_at: datetime
    """When the conversion happened."""
    recorded_at: datetime
    """When the line was written."""
    touch_kind: str | None
    """The kind of the touches; null for organic, and for lines of older releases."""
    evidence_class: str | None
    """By what it was earned; null for organic, and for lines of older releases."""
    link_id: str | None
    """The link that was clicked; null for other evidence."""
    code: str | None
    """The discount or referral code; null for other evidence."""
    sub_source: str | None
    """The place of the link, as its sender named it; touches do not carry it yet."""
    reverses: int | None
    """For a reversal, the revision that wrote the line that it takes back."""


class ExplanationAnswer(AnswerModel):
    """Why a conversion was credited as it was: one page of its decisions.

    On the page without a cursor the last revision is the valid one.
    """

    order_id: str
    """The id of the order or conversion."""
    store: str
    """The store that it belongs to: `main`, or the id of another store."""
    kind: str
    """The kind of the conversion."""
    status: str
    """Its status: `credited` or `organic`; or one that counts in no figure: `awaiting_order`,
    `unconfirmed`, `test`, or `history` for a past order, which counts for nobody."""
    net: MoneyOut | None
    """Its present net; null without money."""
    revisions: list[RevisionAnswer]
    """The decisions of the page, oldest first."""
    ledger: list[LineAnswer]
    """The lines of the ledger that these decisions wrote, oldest first."""
    ledger_left_out: int
    """How many older lines of these decisions the page leaves out."""
    versions: list[VersionAnswer]
    """The reports of the order itself, oldest first: at most 100 of them."""
    versions_left_out: int
    """How many older reports of the order are left out; all of them if it has more than 5,000."""
    adjustments: list[AdjustmentAnswer]
    """The reports of its refunds, edits, cancellations and chargebacks in the order of their
    effect: at most 100 of them."""
    adjustments_left_out: int
    """How many older reports of adjustments are left out; all if the order has more than 5,000."""
    attention: list[AttentionItem]
    """What changes no figure of it, or a doubtful one, as `GET /v1/attention` lists it."""
    creator: CreatorAnswer | None
    """The creator that was asked for; null without `creator_id`."""
    next_cursor: str | None
    """The cursor of the page of older decisions; null when there are none."""


def revision_answer(
    number: int,
    reason: str,
    recorded_at: datetime,
    decision: Decision,
    windows: Mapping[str, int] | None,
) -> RevisionAnswer:
    """Return the answer of one revision; `windows` as `failed_test` takes them."""
    return RevisionAnswer(
        revision=number,
        reason=reason,
        recorded_at=recorded_at,
        net=money(decision.net_minor, decision.currency),
        candidates=[
            _candidate(item, decision.occurred_at, windows) for item in decision.candidates
        ],
        unlisted=[
            UnlistedAnswer(reason=item.reason, count=item.count) for item in decision.unlisted
        ],
        credits=[_credit(item, decision.currency) for item in (*decision.credits, *decision.memos)],
        acquired_from=_acquired_from(decision.acquired_from),
    )


def _acquired_from(first: ConversionKey | None) -> AcquiredFromAnswer | None:
    return AcquiredFromAnswer(kind=first.kind, order_id=first.natural_id) if first else None


def creator_answer(
    creator_id: str,
    decision: Decision,
    accounts: Collection[str],
    windows: Mapping[str, int] | None,
) -> CreatorAnswer:
    """Return why a creator earned what it did under a decision with its listed candidates.

    `accounts` are those of the decision that belong to the creator.
    """
    own = [item for item in decision.candidates if item.creator_id == creator_id]
    credits = (*decision.credits, *decision.memos)
    models = sorted({credit.model for credit in credits if credit.account in accounts})
    return CreatorAnswer(
        creator_id=creator_id,
        models=models,
        sentence=_PAST
        if decision.status is Status.HISTORY
        else _of_creator(own, models, is_whole=not decision.unlisted),
        candidates=[_candidate(item, decision.occurred_at, windows) for item in own],
    )


_PAST: Final = "The order is history, from before Laurel: it counts for nobody."


def _of_creator(own: Sequence[Candidate], models: Sequence[str], *, is_whole: bool) -> str:
    if models:
        return f"It earned under {', '.join(models)}."
    if any(item.verdict == "kept" for item in own):
        return "Its touches count, and no model gave them a share."
    if own:
        return "None of its touches counts; each says why."
    if is_whole:
        return "The buyer is known to have met none of its content."
    return "None of the touches that are listed is one of its content."


def _candidate(
    item: Candidate, converted_at: datetime, windows: Mapping[str, int] | None
) -> CandidateAnswer:
    return CandidateAnswer(
        touch_id=item.touch_id,
        kind=item.kind,
        placement_id=item.placement_id,
        creator_id=item.creator_id,
        occurred_at=item.occurred_at,
        verdict=item.verdict,
        reason=item.reason,
        failed_test=failed_test(item, converted_at, windows),
        would_count_if=would_count_if(item, converted_at),
        link_id=item.link_id,
        code=item.code,
    )


def _credit(item: Credit, currency: str | None) -> CreditAnswer:
    return CreditAnswer(
        model=item.model,
        additive=is_additive(item.model),
        account=item.account,
        touch_id=item.touch_id,
        touches=item.touches,
        evidence_class=item.evidence_class,
        link_id=item.link_id,
        code=item.code,
        share=str(item.share),
        amount=money(item.amount_minor, currency),
        units=item.units,
    )
