"""Invariants of what earns: memos show the best piece of evidence, acquired credit copies others.

Promise: the evidence is that of `test_properties`.
"""

from fractions import Fraction

from hypothesis import given

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import Credit, Decision, Scope, Status
from shared.catalog import Precedence
from tests.unit.attribution.test_properties import RULES, facts_of, kept_ids, scopes


@given(scopes(), RULES)
def test_a_memo_shows_each_account_once_with_its_best_part_of_the_whole_conversion(
    evidence: Scope, rule: Precedence
) -> None:
    decisions = decide_scope(evidence, facts_of(rule))
    for decision in decisions.values():
        assert is_confirmed_by_memos(decision)
        if decision.status not in (Status.CREDITED, Status.ORGANIC):
            continue
        parts = parts_in(decisions[decision.acquired_from or decision.key])
        assert {c.account: c.share for c in decision.memos} == (parts or {"organic": Fraction(1)})
        assert len(decision.memos) == len(parts or ("organic",))
        for memo in decision.memos:
            assert memo.amount_minor == round(decision.net_minor * memo.share)


def parts_in(decision: Decision) -> dict[str, Fraction]:
    """Return each account's best part of one piece of evidence; owners of a code share it."""
    kept = [c for c in decision.candidates if c.verdict == "kept"]
    joined = {}
    for one in kept:
        if one.kind == "click" and one.creator_id in {
            c.creator_id for c in kept if c.kind == "code"
        }:
            joined[one.creator_id] = one
    joined.pop(None, None)
    parts: dict[tuple[object, str], Fraction] = {}
    for one in kept:
        if one in joined.values():
            continue
        evidence = (one.occurred_at, one.kind, one.code or one.touch_id)
        owners = [c for c in kept if (c.occurred_at, c.kind, c.code or c.touch_id) == evidence]
        clicked = joined.get(one.creator_id) if one.kind == "code" else None
        account = str((clicked or one).placement_id)
        part = parts.get((evidence, account), Fraction(0))
        parts[evidence, account] = part + Fraction(1, len(owners))
    accounts = {account for _, account in parts}
    return {name: max(p for (_, owner), p in parts.items() if owner == name) for name in accounts}


def is_confirmed_by_memos(decision: Decision) -> bool:
    """Return whether memos exist exactly when credits do, and for no additive model."""
    models = {c.model for c in decision.memos}
    return models == ({"participation"} if decision.credits else set())


@given(scopes(), RULES)
def test_acquired_credit_copies_the_first_order_of_the_customer_and_nothing_acquired(
    evidence: Scope, rule: Precedence
) -> None:
    decisions = decide_scope(evidence, facts_of(rule))
    for decision in decisions.values():
        classes = {c.evidence_class for c in (*decision.credits, *decision.memos)}
        assert (decision.acquired_from is not None) == (classes == {"acquired"})
        if decision.acquired_from is None:
            assert "acquired" not in classes
            continue
        first = decisions[decision.acquired_from]
        assert (first.acquired_from, first.status) == (None, Status.CREDITED)
        assert first.occurred_at <= decision.occurred_at
        assert not kept_ids(decision)
        assert [copied_in(c) for c in decision.credits] == [copied_in(c) for c in first.credits]
        assert [copied_in(c) for c in decision.memos] == [copied_in(c) for c in first.memos]


def copied_in(credit: Credit) -> tuple[object, ...]:
    """Return what acquired credit copies."""
    return (
        *(credit.model, credit.account, credit.share, credit.touch_id, credit.touch_kind),
        *(credit.touched_at, credit.touch_stage, credit.link_id, credit.code, credit.placed_units),
    )


@given(scopes(), RULES)
def test_every_candidate_has_a_reason_or_an_account(evidence: Scope, rule: Precedence) -> None:
    decisions = decide_scope(evidence, facts_of(rule))
    for decision in decisions.values():
        for candidate in decision.candidates:
            kept = candidate.verdict == "kept"
            assert kept == (candidate.reason is None)
            assert not kept or candidate.placement_id is not None
        earned = (*decision.credits, *decision.memos)
        credited = {c.touch_id for c in earned if c.touch_id is not None}
        earning = decisions[decision.acquired_from or decision.key]
        assert credited <= kept_ids(earning)
