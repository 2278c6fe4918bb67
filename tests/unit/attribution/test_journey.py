"""Candidate touches: an example for each reason of rejection and for each window limit.

Derived clicks, codes and surveys are included.
"""

import pytest
from msgspec import structs
from msgspec.structs import replace

from services.attribution.domain import journey
from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import (
    Candidate,
    CatalogFacts,
    Decision,
    Scope,
    Status,
    Touch,
)
from services.attribution.domain.reasons import Reason
from shared.catalog import LinkPeriod
from shared.events import Quality
from tests.factories import (
    BRAND,
    NOON,
    brand_content,
    click,
    code,
    conversion_key,
    creator_id,
    customer,
    days,
    facts,
    influencers,
    link_id,
    minutes,
    order,
    placement_id,
    policy,
    referral,
    scope,
    touch,
    visitor,
)

FACTS = facts(influencers("mia", "leo"), brand_content())
ANN, PHONE = customer("ann"), visitor("phone")


def decided(evidence: Scope, known: CatalogFacts = FACTS) -> Decision:
    """The decision on order 1001."""
    return decide_scope(evidence, known)[conversion_key()]


def verdict(evidence: Scope, known: CatalogFacts = FACTS) -> Reason | str | None:
    """Return the only candidate's reason, "kept", or None without candidates."""
    found = decided(evidence, known).candidates
    assert len(found) <= 1
    return next((candidate.reason or candidate.verdict for candidate in found), None)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (touch("t", by=PHONE), "kept"),
        (touch("t", by=PHONE, ago=days(30)), "kept"),
        (touch("t", by=PHONE, ago=days(30) + minutes(1)), Reason.OUTSIDE_WINDOW),
        (touch("t", by=PHONE, ago=days(367)), None),
        (touch("t", by=PHONE, kind="view"), Reason.OUTSIDE_WINDOW),
        (touch("t", by=PHONE, kind="survey"), "kept"),
        (touch("t", by=PHONE, kind="social"), Reason.OUTSIDE_WINDOW),
        (touch("t", by=PHONE, quality=(Quality.BOT,)), Reason.BOT),
        (touch("t", by=PHONE, quality=(Quality.PREVIEW,)), Reason.BOT),
        (touch("t", by=PHONE, quality=(Quality.PREFETCH,)), Reason.PREFETCH),
        (touch("t", by=PHONE, quality=(Quality.CLAMPED,)), "kept"),
        (touch("t", by=PHONE, consent=False), Reason.NO_CONSENT),
        (touch("t", by=PHONE, ago=-minutes(1)), Reason.AFTER_CONVERSION),
        (touch("t", by=PHONE, ago=-minutes(6)), None),
        (touch("t", by=PHONE, of="nobody"), Reason.LINK_NOT_OWNED_THEN),
        (touch("t", by=PHONE, of="nobody", kind="survey"), Reason.LINK_NOT_OWNED_THEN),
        (touch("t", by=PHONE, of=BRAND), "kept"),
        (referral("t", by=PHONE, code="MIA10"), Reason.CODE_NOT_OWNED_THEN),
        (touch("t", by=visitor("stranger")), None),
        (touch("t"), None),
    ],
)
def test_one_touch(seen: Touch, expected: Reason | str | None) -> None:
    assert verdict(scope(seen, order("1001", PHONE))) == expected


def test_times_are_cut_to_the_second() -> None:
    same_second = structs.replace(
        touch("t", by=PHONE), occurred_at=NOON.replace(second=7, microsecond=900_000)
    )
    at_noon = replace(order("1001", PHONE), occurred_at=NOON.replace(second=7))
    assert verdict(scope(same_second, at_noon)) == "kept"
    next_second = structs.replace(same_second, occurred_at=NOON.replace(second=8))
    assert verdict(scope(next_second, at_noon)) is Reason.AFTER_CONVERSION


def test_the_click_the_order_carries_counts_up_to_five_minutes_later() -> None:
    late = touch("t", by=PHONE, click_key=click("k"), ago=-minutes(5))
    assert verdict(scope(late, order("1001", carries=late))) == "kept"
    assert verdict(scope(late, order("1001", click("k")))) == "kept"
    assert verdict(scope(late, order("1001", PHONE))) is Reason.AFTER_CONVERSION
    later = touch("t", by=PHONE, click_key=click("k"), ago=-minutes(6))
    assert verdict(scope(later, order("1001", carries=later))) is Reason.AFTER_CONVERSION


def test_a_lost_click_is_rebuilt_from_the_order_and_the_real_one_replaces_it() -> None:
    lost = touch("t", by=PHONE, click_key=click("k"))
    carrying = order("1001", ANN, carries=lost)
    rebuilt, real = decided(scope(carrying)), decided(scope(carrying, lost))
    assert rebuilt == real
    assert rebuilt.status is Status.CREDITED
    dated = structs.replace(lost, occurred_at=lost.occurred_at - minutes(1))
    stored = structs.replace(lost, derived=True)
    for arrival in (scope(stored, dated, carrying), scope(dated, stored, carrying)):
        assert {c.occurred_at for c in decided(arrival).candidates} == {dated.occurred_at}


@pytest.mark.parametrize("flag", [Quality.BOT, Quality.PREVIEW, Quality.PREFETCH])
def test_a_click_that_comes_back_on_the_order_was_a_persons(flag: Quality) -> None:
    flagged = touch("t", by=PHONE, click_key=click("k"), quality=(flag,), ago=days(1))
    assert verdict(scope(flagged, order("1001", carries=flagged))) == "kept"
    assert verdict(scope(flagged, order("1001", click("k")))) == "kept"
    assert verdict(scope(flagged, order("1001", PHONE))) in (Reason.BOT, Reason.PREFETCH)
    public = order("1001", carries=flagged, source="public")
    assert verdict(scope(flagged, order("1001", PHONE), public)) in (Reason.BOT, Reason.PREFETCH)


def test_a_rebuilt_click_also_counts_for_the_same_customer_s_next_order() -> None:
    lost = touch("t", by=PHONE, click_key=click("k"), ago=days(2))
    first = order("1000", ANN, carries=lost, ago=days(1))
    evidence = scope(first, order("1001", ANN))
    assert [c.touch_id for c in decided(evidence).candidates] == [lost.touch_id]
    assert decided(evidence) == decided(scope(first, order("1001", ANN), lost))


def test_a_code_on_the_order_touches_at_its_time_and_sorts_last() -> None:
    known = facts(FACTS, code("MIA10", of="mia"))
    late = touch("t", by=PHONE, click_key=click("k"), ago=-minutes(3))
    found = decided(scope(late, order("1001", carries=late, codes=("mia10",))), known).candidates
    assert [c.kind for c in found] == ["click", "code"]
    assert found[1] == Candidate(
        touch_id=f"code:MIA10:{placement_id('mia')}",
        kind="code",
        placement_id=placement_id("mia"),
        creator_id=creator_id("mia"),
        occurred_at=NOON,
        verdict="kept",
        code="MIA10",
        carried=True,
    )


def test_a_code_that_nobody_owns_then_is_shown_and_earns_nothing() -> None:
    known = facts(FACTS, code("MIA10", of="mia", until=NOON))
    for text in ("MIA10", "TENOFF"):
        decision = decided(scope(order("1001", codes=(text,))), known)
        assert decision.status is Status.ORGANIC
        (candidate,) = decision.candidates
        assert (candidate.touch_id, candidate.reason) == (
            f"code:{text}:",
            Reason.CODE_NOT_OWNED_THEN,
        )
        assert candidate.placement_id is None


def test_a_store_code_beside_a_creator_s_code_leaves_the_credit_with_the_creator() -> None:
    known = facts(FACTS, code("MIA10", of="mia"))
    decision = decided(scope(order("1001", codes=("TENOFF", "MIA10"))), known)
    assert {credit.account for credit in decision.credits} == {placement_id("mia")}
    assert [c.verdict for c in decision.candidates] == ["kept", "rejected"]


def test_a_shared_code_is_a_candidate_for_each_owner() -> None:
    known = facts(FACTS, code("DUO", of="mia"), code("DUO", of="leo"))
    decision = decided(scope(order("1001", codes=("DUO",), net_minor=101)), known)
    linear = {c.account: c.amount_minor for c in decision.credits if c.model == "linear"}
    assert set(linear) == {placement_id("mia"), placement_id("leo")}
    assert sorted(linear.values()) == [50, 51]


def test_a_referral_leads_to_the_owner_at_its_own_time() -> None:
    handed_over = facts(
        FACTS,
        code("FRIEND", of="mia", until=NOON - days(1)),
        code("FRIEND", of="leo", since=NOON - days(1)),
    )
    before = scope(referral("t", by=PHONE, code="friend", ago=days(2)), order("1001", PHONE))
    after = scope(referral("t", by=PHONE, code="friend"), order("1001", PHONE))
    assert decided(before, handed_over).candidates[0].creator_id == creator_id("mia")
    assert decided(after, handed_over).candidates[0].creator_id == creator_id("leo")


def test_a_link_is_read_as_it_stood_at_the_touch_and_its_placement_has_one_creator() -> None:
    moved = CatalogFacts(
        links={
            link_id("mia"): (
                LinkPeriod(valid_to=NOON - days(5), placement_id=placement_id("old")),
                LinkPeriod(valid_from=NOON - days(5), placement_id=placement_id("new")),
            )
        },
        placements={
            placement_id("old"): creator_id("mia"),
            placement_id("new"): creator_id("leo"),
        },
    )
    seen = [touch(str(age), by=PHONE, ago=days(age)) for age in (6, 5, 1)]
    found = decided(scope(*seen, order("1001", PHONE)), moved).candidates
    assert [(c.placement_id, c.creator_id) for c in found] == [
        (placement_id("old"), creator_id("mia")),
        (placement_id("new"), creator_id("leo")),
        (placement_id("new"), creator_id("leo")),
    ]


def test_a_code_earns_for_the_creator_of_its_placement() -> None:
    """A placement corrected after the code referred to it: both have one creator."""
    known = facts(FACTS, code("TENOFF", of="mia"))
    corrected = CatalogFacts(
        links=known.links,
        placements={**known.placements, placement_id("mia"): creator_id("leo")},
        codes=known.codes,
    )
    bought = scope(order("1001", PHONE, codes=("tenoff",)))
    for ownership, creator in ((known, "mia"), (corrected, "leo")):
        (found,) = decided(bought, ownership).candidates
        assert (found.placement_id, found.creator_id) == (
            placement_id("mia"),
            creator_id(creator),
        )


def test_windows_are_per_kind() -> None:
    known = facts(FACTS, policy(windows={"click": 1, "view": 7, "referral": 1, "survey": 0}))
    seen = (
        touch("click", by=PHONE, ago=days(2)),
        touch("view", by=PHONE, ago=days(2), kind="view"),
        touch("survey", by=PHONE, ago=minutes(1), kind="survey"),
    )
    found = decided(scope(*seen, order("1001", PHONE)), known).candidates
    assert {c.kind: c.verdict for c in found} == {
        "click": "rejected",
        "view": "kept",
        "survey": "rejected",
    }


def test_a_journey_keeps_its_latest_touches_and_says_that_it_was_too_long() -> None:
    older = [touch(f"o{n}", by=PHONE, ago=days(10) + minutes(n)) for n in range(5)]
    newer = [touch(f"n{n}", by=PHONE, ago=minutes(n + 1)) for n in range(journey.TOUCHES_MAX)]
    carried = touch("carried", click_key=click("k"), ago=days(20))
    evidence = scope(*older, *newer, carried, order("1001", PHONE, carries=carried))
    found = {c.touch_id: c for c in decided(evidence).candidates}
    assert {found[t.touch_id].reason for t in older} == {Reason.JOURNEY_TOO_LONG}
    assert {found[t.touch_id].verdict for t in (*newer, carried)} == {"kept"}
