"""The model `participation`: a memo beside the ledger, posted and reversed as entries are."""

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.ledger import entries, memos, post
from services.attribution.domain.model import Decision, Posting
from shared.credits import CreditEntry
from tests.factories import (
    NOON,
    Evidence,
    adjustment,
    conversion_key,
    days,
    facts,
    influencers,
    order,
    placement_id,
    policy,
    scope,
    touch,
    visitor,
)

PHONE = visitor("phone")
MIA, LEO = placement_id("mia"), placement_id("leo")
FACTS = facts(influencers("mia", "leo"), policy(models=("last", "participation")))
JOURNEY = (
    touch("1", of="mia", by=PHONE, ago=days(3)),
    touch("2", of="leo", by=PHONE, ago=days(2)),
    touch("3", of="mia", by=PHONE, ago=days(1)),
)
ORDER = order("1001", PHONE, net_minor=1000)


def decided(*evidence: Evidence) -> Decision:
    return decide_scope(scope(*evidence), FACTS)[conversion_key()]


def figures(posted: tuple[CreditEntry, ...]) -> list[tuple[str, str, int, int]]:
    return [(entry.model, entry.account, entry.amount_minor, entry.units) for entry in posted]


def test_each_account_has_the_whole_order_once_dated_by_its_last_touch() -> None:
    decision = decided(*JOURNEY, ORDER)
    assert {(m.account, m.amount_minor, m.units, m.touched_at) for m in decision.memos} == {
        (MIA, 1000, 1_000_000, NOON - days(1)),
        (LEO, 1000, 1_000_000, NOON - days(2)),
    }
    assert {credit.model for credit in decision.credits} == {"last"}


def test_memos_are_in_no_ledger_entry() -> None:
    posting = post(None, decided(*JOURNEY, ORDER), 1)
    assert figures(posting.entries) == [("last", MIA, 1000, 1_000_000)]
    assert sorted(figures(posting.memos)) == sorted(
        [("participation", MIA, 1000, 1_000_000), ("participation", LEO, 1000, 1_000_000)]
    )


def test_a_new_revision_reverses_the_old_memos() -> None:
    before = decided(*JOURNEY, ORDER)
    first = post(None, before, 1)
    stood = first.standing
    refund = adjustment("refund", amount_minor=400)
    after = decided(*JOURNEY, ORDER, refund)
    second = post(stood, after, 2)
    assert sorted(entry.amount_minor for entry in second.memos) == [-1000, -1000, 600, 600]
    assert sum(entry.units for entry in second.memos) == 0
    assert second.standing == (*entries(after, 2), *memos(after, 2))


def test_a_touch_that_changes_only_memos_leaves_the_ledger_alone() -> None:
    before = decided(JOURNEY[2], ORDER)
    stood = post(None, before, 1).standing
    after = decided(*JOURNEY, ORDER)
    second = post(stood, after, 2)
    assert second.entries == ()
    assert figures(second.memos) == [("participation", LEO, 1000, 1_000_000)]
    kept = second.standing
    assert sorted((entry.model, entry.revision) for entry in kept) == [
        ("last", 1),
        ("participation", 1),
        ("participation", 2),
    ]
    assert post(kept, after, 3) == Posting(3, standing=kept)


def test_an_order_without_touches_is_organic_in_the_memo_too() -> None:
    assert figures(memos(decided(ORDER), 1)) == [("participation", "organic", 1000, 1_000_000)]
