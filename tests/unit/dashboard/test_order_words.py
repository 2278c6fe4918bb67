"""Every term of an explanation has its words on the pages of orders; sentences say its facts."""

from fractions import Fraction
from typing import Any

import pytest

from services.attribution.domain.model import Status
from services.cli.explain import plain_words
from services.dashboard.client.catalog import Catalog
from services.dashboard.pages.order import order_tables
from services.dashboard.pages.order.sentences import share_text, what_happened, who_gets_it
from services.dashboard.pages.orders import order_words
from shared.credits import TOUCHES
from shared.events import CONVERSIONS

NAMES = Catalog(
    {"mia": {"id": "mia", "name": "Mia"}},
    {},
    {
        "reel": {
            "id": "reel",
            "is_brand": False,
            "creator_id": "mia",
            "platform": "instagram",
            "content_type": "reel",
            "format": None,
        }
    },
)
REEL = "Mia · instagram · reel"


def test_every_term_has_words() -> None:
    assert set(order_words.STATUSES) == set(Status)
    assert set(order_words.KINDS) == set(CONVERSIONS)
    assert set(order_words.TOUCHES) == set(TOUCHES)
    assert order_words.SOURCES == plain_words.SOURCES
    assert order_words.ADJUSTMENT_KINDS == plain_words.ADJUSTMENTS
    assert set(order_tables.ADJUSTMENTS) == set(plain_words.ADJUSTMENT_REASONS)
    assert set(order_tables.VERSIONS) == set(plain_words.VERSION_REASONS)
    assert set(order_tables.REVISIONS) == set(plain_words.REVISIONS)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Fraction(1), "all of it"),
        (Fraction(1, 3), "1/3 of it"),
        (Fraction(1234, 10_001), "about 12.3 % of it"),
    ],
)
def test_a_share_is_exact_while_people_can_read_it(share: Fraction, text: str) -> None:
    assert share_text(share) == text


def touch(**changed: Any) -> dict[str, Any]:
    return {
        "kind": "click",
        "code": None,
        "placement_id": "reel",
        "creator_id": "mia",
        "verdict": "kept",
        "failed_test": None,
        **changed,
    }


def credit(account: str, share: str = "1") -> dict[str, Any]:
    return {"model": "last", "account": account, "share": share}


def order(
    credits: list[dict[str, Any]], *candidates: dict[str, Any], **changed: Any
) -> dict[str, Any]:
    last = {"credits": credits, "candidates": list(candidates), "unlisted": []}
    told = {"order_id": "1001", "kind": "purchase", "status": "credited", "net": None}
    return {**told, "revisions": [last], **changed}


def test_one_touch_is_the_reason() -> None:
    told = order([credit("reel")], touch())
    sentence = f"Under the model “last”, {REEL} gets all of it, because the buyer clicked a link"
    assert who_gets_it(told, "last", NAMES) == f"{sentence} of {REEL}."


def test_several_touches_give_the_rule_and_what_was_set_aside() -> None:
    late = touch(verdict="rejected", failed_test="it was late")
    told = order([credit("reel", "1/4"), credit("reel", "1/4")], touch(), touch(), late)
    said = who_gets_it(told, "last", NAMES)
    assert said == (
        f"Under the model “last”, {REEL} gets 1/2 of it, because 2 touches count and the last touch"
        " takes all. 1 other touch was set aside."
    )


def test_a_shared_code_is_the_reason_of_its_shares() -> None:
    code = touch(kind="code", code="WANDER")
    told = order([credit("reel", "1/2"), credit("other", "1/2")], code, code)
    said = who_gets_it(told, "last", NAMES)
    assert said is not None
    assert said.endswith("because the buyer typed a code WANDER, which 2 of them share.")


def test_a_later_order_names_the_first_one_as_its_reason() -> None:
    said = who_gets_it(order([credit("reel")]), "last", NAMES)
    assert said is not None
    assert said.endswith(
        "no touch of its own earns it, and those of the customer's first order do."
    )


@pytest.mark.parametrize(
    ("candidates", "reason"),
    [
        ([], "no touch of the buyer with a creator's content is known"),
        (
            [touch(verdict="rejected", failed_test="it was late")],
            "1 touch was looked at and none counts: it was late",
        ),
    ],
)
def test_an_organic_order_says_why(candidates: list[dict[str, Any]], reason: str) -> None:
    told = order([credit("organic")], *candidates, status="organic")
    assert who_gets_it(told, "last", NAMES) == f"No creator gets it: {reason}."


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("awaiting_order", "the order itself was not"),
        ("unconfirmed", "only claimed by a web page"),
        ("test", "in no figure"),
        ("history", "from before Laurel"),
        ("credited", "carries no money"),
    ],
)
def test_each_state_says_what_happened(status: str, said: str) -> None:
    assert said in what_happened(order([], status=status))
    assert (who_gets_it(order([], status=status), "last", NAMES) is None) == (status != "credited")
