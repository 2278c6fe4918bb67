"""Touches become steps: equal moment, kind and owner class make one step with a split share."""

from fractions import Fraction

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import Decision
from shared.catalog import Precedence
from tests.factories import (
    AN_HOUR,
    BRAND,
    Evidence,
    brand_content,
    code,
    conversion_key,
    facts,
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
FACTS = facts(
    influencers("mia", "leo"),
    brand_content(),
    code("DUO", of="mia"),
    code("DUO", of="leo"),
    code("MIA10", of="mia"),
    policy(precedence=Precedence.BOTH_SHARE),
)


def shares(*evidence: Evidence) -> dict[str, dict[str, Fraction]]:
    """Model to account to share, for the order 1001."""
    decision: Decision = decide_scope(scope(*evidence), FACTS)[conversion_key()]
    found: dict[str, dict[str, Fraction]] = {}
    for credit in decision.credits:
        accounts = found.setdefault(credit.model, {})
        accounts[credit.account] = accounts.get(credit.account, Fraction(0)) + credit.share
    return found


def test_the_owners_of_a_shared_code_share_one_step_under_every_model() -> None:
    clicked = touch("1", of="leo", by=PHONE)
    found = shares(clicked, order("1001", PHONE, codes=("DUO",)))
    # Two steps: the click of leo, then the code of mia and leo.
    assert found["first"] == {LEO: 1}
    assert found["last"] == {MIA: Fraction(1, 2), LEO: Fraction(1, 2)}
    # linear: 1/2 for the click; 1/2 for the code, of which each owner has a half.
    assert found["linear"] == {MIA: Fraction(1, 4), LEO: Fraction(3, 4)}


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
