"""Touches become steps: equal moment, kind and owner class make one step with a split share.

A code and the latest click of its creator are one step, whose account is the clicked placement.
"""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import CatalogFacts, Credit, Decision
from shared.catalog import CodePeriod, LinkPeriod, Precedence
from shared.code_texts import code_text
from shared.models import CREDIT_MODELS
from tests.factories import (
    AN_HOUR,
    BRAND,
    NOON,
    Evidence,
    brand_content,
    code,
    conversion_key,
    creator_id,
    days,
    facts,
    ident,
    influencers,
    order,
    placement_id,
    policy,
    referral,
    scope,
    touch,
    visitor,
)

PHONE = visitor("phone")
MIA, LEO, OWN = placement_id("mia"), placement_id("leo"), placement_id(BRAND)
TOM = placement_id("tom")
HALF = Fraction(1, 2)
FACTS = facts(
    influencers("mia", "leo", "tom"),
    brand_content(),
    code("DUO", of="mia"),
    code("DUO", of="leo"),
    code("MIA10", of="mia"),
    policy(precedence=Precedence.BOTH_SHARE),
)


def credits_of(*evidence: Evidence) -> tuple[Credit, ...]:
    """The credits of the additive models for the order 1001."""
    decision: Decision = decide_scope(scope(*evidence), FACTS)[conversion_key()]
    return decision.credits


def shares(*evidence: Evidence) -> dict[str, dict[str, Fraction]]:
    """Model to account to share, for the order 1001."""
    found: dict[str, dict[str, Fraction]] = {}
    for credit in credits_of(*evidence):
        accounts = found.setdefault(credit.model, {})
        accounts[credit.account] = accounts.get(credit.account, Fraction(0)) + credit.share
    return found


def test_the_owners_of_a_shared_code_share_one_step_under_every_model() -> None:
    clicked = touch("1", of="tom", by=PHONE)
    found = shares(clicked, order("1001", PHONE, codes=("DUO",)))
    # Two steps: the click of tom, then the code of mia and leo.
    assert found["first"] == {TOM: 1}
    assert found["last"] == {MIA: HALF, LEO: HALF}
    # linear: 1/2 for the click; 1/2 for the code, of which each owner has a half.
    assert found["linear"] == {TOM: HALF, MIA: Fraction(1, 4), LEO: Fraction(1, 4)}


def test_each_owner_of_a_shared_code_joins_it_with_their_own_latest_click() -> None:
    clicks = (
        touch("1", of="leo", by=PHONE, ago=days(2)),
        touch("2", of="leo", by=PHONE, ago=days(1)),
    )
    credits = credits_of(*clicks, order("1001", PHONE, codes=("DUO",)))
    newest = [c for c in credits if c.model == "last"]
    assert {(c.account, c.evidence_class, c.share) for c in newest} == {
        (MIA, "code", HALF),
        (LEO, "code+click", HALF),
    }
    # linear: leo's older click, then the code. leo's newer click is a part of the code's step.
    spread = {(c.account, c.touch_kind, c.share) for c in credits if c.model == "linear"}
    quarter = Fraction(1, 4)
    assert spread == {(LEO, "click", HALF), (MIA, "code", quarter), (LEO, "code", quarter)}


def test_all_codes_of_an_order_are_one_step() -> None:
    found = shares(order("1001", PHONE, codes=("DUO", "MIA10")))
    # One step with three members: DUO of mia, DUO of leo, MIA10 of mia.
    for model in ("first", "last", "linear"):
        assert found[model] == {MIA: Fraction(2, 3), LEO: Fraction(1, 3)}


def test_the_owners_of_a_shared_referral_code_share_one_step() -> None:
    found = shares(referral("r", code="DUO", by=PHONE), order("1001", PHONE))
    assert found["first"] == found["last"] == {MIA: Fraction(1, 2), LEO: Fraction(1, 2)}


def test_touches_of_one_moment_and_kind_are_one_step_and_the_brand_s_are_another() -> None:
    together = (
        touch("1", of="mia", by=PHONE, ago=AN_HOUR),
        touch("2", of="leo", by=PHONE, ago=AN_HOUR),
        touch("3", of=BRAND, by=PHONE, ago=AN_HOUR),
    )
    found = shares(*together, order("1001", PHONE))
    # Two steps of half the order each: the creators' two clicks, and the brand's click.
    assert found["linear"] == {MIA: Fraction(1, 4), LEO: Fraction(1, 4), OWN: Fraction(1, 2)}


# The story of one content creator: a video whose link is clicked, and a code of the creator.
VIDEO = ident("placement", "the video of mia")
OF_A_VIDEO = facts(
    influencers("mia", "leo"),
    code("MIA10", of="mia"),
    CatalogFacts(
        links={ident("link", "video"): (LinkPeriod(placement_id=VIDEO),)},
        placements={VIDEO: creator_id("mia")},
    ),
)
OF_THE_VIDEO = replace(touch("v", by=PHONE, ago=days(1)), link_id=ident("link", "video"))


def of_a_video(*evidence: Evidence) -> Decision:
    return decide_scope(scope(*evidence), OF_A_VIDEO)[conversion_key()]


def test_the_credit_of_a_code_goes_to_the_placement_that_its_creator_s_buyer_clicked() -> None:
    decision = of_a_video(OF_THE_VIDEO, order("1001", PHONE, codes=("mia10",)))
    assert {c.account for c in decision.credits} == {VIDEO}
    for credit in decision.credits:
        assert (credit.evidence_class, credit.touch_kind) == ("code+click", "code")
        assert (credit.link_id, credit.code) == (OF_THE_VIDEO.link_id, "MIA10")
        assert (credit.touched_at, credit.touch_stage) == (NOON, "purchase")
        assert credit.share == 1
        assert credit.touches == 1
    assert [(c.kind, c.verdict, c.placement_id) for c in decision.candidates] == [
        ("click", "kept", VIDEO),
        ("code", "kept", MIA),
    ]


def test_a_code_without_a_click_counts_for_its_own_placement() -> None:
    decision = of_a_video(order("1001", PHONE, codes=("mia10",)))
    assert {(c.account, c.evidence_class) for c in decision.credits} == {(MIA, "code")}


def test_a_click_that_cannot_earn_joins_no_code() -> None:
    late = replace(OF_THE_VIDEO, occurred_at=NOON - days(31))
    decision = of_a_video(late, order("1001", PHONE, codes=("mia10",)))
    assert {(c.account, c.evidence_class) for c in decision.credits} == {(MIA, "code")}


def test_only_the_latest_click_of_the_creator_joins_the_code() -> None:
    older = touch("o", of="mia", by=PHONE, ago=days(3))
    decision = of_a_video(older, OF_THE_VIDEO, order("1001", PHONE, codes=("mia10",)))
    earned = [(c.account, c.evidence_class, c.share) for c in decision.credits]
    assert earned == [
        (MIA, "click", 1),
        (VIDEO, "code+click", 1),
        (MIA, "click", HALF),
        (VIDEO, "code+click", HALF),
    ]


def test_two_codes_of_one_creator_join_one_click_once() -> None:
    both = facts(OF_A_VIDEO, code("MIA20", of="mia"), policy(models=tuple(CREDIT_MODELS)))
    bought = order("1001", PHONE, codes=("mia10", "mia20"))
    decision = decide_scope(scope(OF_THE_VIDEO, bought), both)[conversion_key()]
    linear = [(c.account, c.code, c.share) for c in decision.credits if c.model == "linear"]
    assert linear == [(VIDEO, "MIA10", HALF), (VIDEO, "MIA20", HALF)]
    assert [(m.account, m.share) for m in decision.memos] == [(VIDEO, Fraction(1))]


def test_the_click_of_another_creator_joins_no_code() -> None:
    clicked = touch("l", of="leo", by=PHONE)
    known = facts(OF_A_VIDEO, policy(precedence=Precedence.BOTH_SHARE))
    evidence = scope(clicked, order("1001", PHONE, codes=("mia10",)))
    decision = decide_scope(evidence, known)[conversion_key()]
    linear = [(c.account, c.evidence_class) for c in decision.credits if c.model == "linear"]
    assert linear == [(LEO, "click"), (MIA, "code")]


def test_where_links_win_the_click_of_the_same_creator_still_joins_the_code() -> None:
    known = facts(OF_A_VIDEO, policy(precedence=Precedence.LINK_WINS))
    evidence = scope(OF_THE_VIDEO, order("1001", PHONE, codes=("mia10",)))
    decision = decide_scope(evidence, known)[conversion_key()]
    assert {(c.account, c.evidence_class) for c in decision.credits} == {(VIDEO, "code+click")}


def test_an_owner_of_a_shared_code_takes_part_in_an_order_in_equal_parts() -> None:
    known = facts(FACTS, policy("p", models=("participation",), revision=2))
    shared = decide_scope(scope(order("1001", PHONE, codes=("DUO",))), known)[conversion_key()]
    assert {(m.account, m.share, m.amount_minor) for m in shared.memos} == {
        (MIA, HALF, 2495),
        (LEO, HALF, 2495),
    }
    evidence = scope(order("1001", PHONE, codes=("DUO", "MIA10")))
    own = decide_scope(evidence, known)[conversion_key()]
    assert {(m.account, m.share) for m in own.memos} == {(MIA, 1), (LEO, HALF)}


OWNERS = st.lists(
    st.sampled_from(("mia", "leo", "tom", "zoe", "kim", BRAND)), min_size=1, unique=True
)


@given(OWNERS, st.permutations(("mia", "leo", "tom", "zoe", "kim")), st.integers(-9999, 9999))
def test_names_and_order_of_the_owners_of_a_code_change_nothing(
    owners: list[str], names: list[str], net_minor: int
) -> None:
    """Equal parts to the minor unit, under every model, whoever the owners are."""
    renamed = [
        names[("mia", "leo", "tom", "zoe", "kim").index(o)] if o != BRAND else o for o in owners
    ]
    found = [amounts_of_shared_code(group, net_minor) for group in (owners, owners[::-1], renamed)]
    assert found[0] == found[1]
    assert {m: sorted(f.values()) for m, f in found[0].items()} == {
        m: sorted(f.values()) for m, f in found[2].items()
    }
    for model, amounts in found[0].items():
        assert len(amounts) == len(owners), model
        assert max(amounts.values()) - min(amounts.values()) <= 1
        if CREDIT_MODELS[model].is_additive:
            assert sum(amounts.values()) == net_minor


def amounts_of_shared_code(owners: list[str], net_minor: int) -> dict[str, dict[str, int]]:
    """Model to account to minor units of an order with one code of these owners."""
    periods = tuple(
        CodePeriod(creator_id=creator_id(name), placement_id=placement_id(name)) for name in owners
    )
    known = facts(
        influencers("mia", "leo", "tom", "zoe", "kim"),
        brand_content(),
        CatalogFacts(codes={code_text("ALL"): periods}),
        policy(models=tuple(CREDIT_MODELS)),
    )
    bought = order("1001", PHONE, codes=("all",), net_minor=net_minor)
    decision = decide_scope(scope(bought), known)[conversion_key()]
    found: dict[str, dict[str, int]] = {}
    for credit in (*decision.credits, *decision.memos):
        found.setdefault(credit.model, {})[credit.account] = credit.amount_minor
    return found
