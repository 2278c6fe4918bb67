"""Code against link: the four rules with one code, several codes, a shared code, brand content."""

import pytest

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import CatalogFacts
from services.attribution.domain.reasons import Reason
from shared.catalog import Precedence
from tests.factories import (
    BRAND,
    brand_content,
    code,
    conversion_key,
    facts,
    influencers,
    minutes,
    order,
    placement_id,
    policy,
    referral,
    scope,
    touch,
    visitor,
)

PHONE = visitor("phone")
FACTS = facts(
    influencers("mia", "leo", "zoe"),
    brand_content(),
    code("MIA10", of="mia"),
    code("DUO", of="mia"),
    code("DUO", of="zoe"),
)
MIA, LEO, ZOE = placement_id("mia"), placement_id("leo"), placement_id("zoe")
Outcome = tuple[set[str | None], set[Reason]]


def outcome(rule: Precedence, *codes: str, clicks_of: tuple[str, ...] = ("mia", "leo")) -> Outcome:
    """Return the kept accounts and the reasons, after clicks on Mia's and Leo's links and codes."""
    clicks = [touch(name, of=name, by=PHONE, ago=minutes(9)) for name in clicks_of]
    known: CatalogFacts = facts(FACTS, policy(precedence=rule))
    evidence = scope(*clicks, order("1001", PHONE, codes=codes))
    found = decide_scope(evidence, known)[conversion_key()].candidates
    kept = {c.placement_id for c in found if c.verdict == "kept"}
    return kept, {c.reason for c in found if c.reason is not None}


CODE, LINK = {Reason.SUPERSEDED_BY_CODE}, {Reason.SUPERSEDED_BY_LINK}


@pytest.mark.parametrize(
    ("rule", "codes", "kept", "reasons"),
    [
        (Precedence.CODE_WINS, ("MIA10",), {MIA}, CODE),
        (Precedence.CODE_WINS, ("DUO",), {MIA, ZOE}, CODE),
        (Precedence.CODE_WINS, (), {MIA, LEO}, set()),
        (Precedence.LINK_WINS, ("MIA10",), {MIA, LEO}, set()),
        (Precedence.LINK_WINS, ("DUO",), {MIA, LEO}, LINK),
        (Precedence.BOTH_SHARE, ("DUO",), {MIA, LEO, ZOE}, set()),
        (Precedence.UNIQUE_CODE_WINS, ("MIA10",), {MIA}, CODE),
        (Precedence.UNIQUE_CODE_WINS, ("DUO",), {MIA, LEO, ZOE}, set()),
    ],
)
def test_each_rule(
    rule: Precedence, codes: tuple[str, ...], kept: set[str], reasons: set[Reason]
) -> None:
    assert outcome(rule, *codes) == (kept, reasons)


def test_link_wins_needs_a_link_s_touch() -> None:
    assert outcome(Precedence.LINK_WINS, "DUO", clicks_of=()) == ({MIA, ZOE}, set())


def test_a_link_of_another_creator_beats_the_code_when_links_win() -> None:
    assert outcome(Precedence.LINK_WINS, "MIA10", clicks_of=("leo",)) == ({LEO}, LINK)


def test_a_winning_code_also_beats_brand_content_and_referrals() -> None:
    assert outcome(Precedence.CODE_WINS, "MIA10", clicks_of=(BRAND,)) == ({MIA}, CODE)
    known = facts(FACTS, code("FRIEND", of="leo"))
    evidence = scope(referral("r", by=PHONE, code="FRIEND"), order("1001", PHONE, codes=("MIA10",)))
    found = decide_scope(evidence, known)[conversion_key()].candidates
    assert [c.reason for c in found] == [Reason.SUPERSEDED_BY_CODE, None]


def test_a_code_that_nobody_owns_supersedes_nobody() -> None:
    assert outcome(Precedence.CODE_WINS, "TENOFF") == ({MIA, LEO}, {Reason.CODE_NOT_OWNED_THEN})
