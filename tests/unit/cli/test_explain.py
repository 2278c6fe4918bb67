"""The words of an explanation: every reason has some; the sentences say who gets what and why."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from services.attribution.domain.order_reports import AdjustmentReason, VersionReason
from services.attribution.domain.reasons import Reason
from services.cli.explain import plain_words
from services.cli.explain.catalog_names import Names, placement_names
from services.cli.explain.explanation_page import page
from services.cli.explain.explanation_sentences import what_happened, who_gets_it
from shared.credits import TouchKind
from shared.events import AdjustmentKind, ConversionKind, SourceKind
from shared.models import CREDIT_MODELS

NAMES = Names(
    creators={"c-mia": "Mia", "c-jonas": "Jonas"},
    placements={"p-mia": "Mia · instagram reel", "p-jonas": "Jonas"},
)
BERLIN = ZoneInfo("Europe/Berlin")
EURO = {"amount_minor": 4990, "currency": "EUR"}


def candidate(
    placement: str, kind: str = "click", reason: str | None = None, day: int = 1
) -> dict[str, Any]:
    return {
        "touch_id": f"t-{placement}-{day}",
        "kind": kind,
        "placement_id": placement,
        "creator_id": placement.replace("p-", "c-"),
        "occurred_at": f"2026-03-{day:02d}T10:00:00+00:00",
        "verdict": "kept" if reason is None else "rejected",
        "reason": reason,
        "failed_test": "it was 45 days before the conversion" if reason else None,
        "would_count_if": "it would count if the window were longer" if reason else None,
        "code": "JONAS10" if kind == "code" else None,
    }


def credit(model: str, account: str, share: str, minor: int, day: int = 1) -> dict[str, Any]:
    amount = {"amount_minor": minor, "currency": "EUR"}
    return {
        "model": model,
        "additive": True,
        "account": account,
        "touch_id": f"t-{account}-{day}",
        "touches": 1,
        "share": share,
        "amount": amount,
        "units": 1_000_000,
    }


def answer(*candidates: dict[str, Any], credits: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    revision = {
        "revision": 1,
        "reason": "conversion",
        "recorded_at": "2026-03-05T12:00:01+00:00",
        "net": EURO,
        "candidates": list(candidates),
        "unlisted": [],
        "credits": list(credits),
    }
    entry = {"occurred_at": "2026-03-05T12:00:00+00:00", "recorded_at": "2026-03-05T12:00:01+00:00"}
    return {
        "order_id": "1001",
        "kind": "purchase",
        "store": "main",
        "status": "credited",
        "net": EURO,
        "revisions": [revision],
        "ledger": [entry],
        "ledger_left_out": 0,
        "versions": [],
        "versions_left_out": 0,
        "adjustments": [],
        "adjustments_left_out": 0,
        "attention": [],
        "creator": None,
        "next_cursor": None,
    }


def test_every_term_of_the_closed_lists_has_plain_words() -> None:
    assert all(plain_words.REASONS[reason] for reason in Reason)
    assert set(plain_words.KINDS) == set(get_args(TouchKind))
    assert set(plain_words.CONVERSIONS) == set(get_args(ConversionKind))
    assert set(plain_words.SOURCES) == set(get_args(SourceKind))
    assert set(plain_words.ADJUSTMENTS) == set(get_args(AdjustmentKind))
    assert set(plain_words.VERSION_REASONS) == {str(reason) for reason in VersionReason}
    assert set(plain_words.ADJUSTMENT_REASONS) == {str(reason) for reason in AdjustmentReason}


def test_one_touch_takes_all() -> None:
    told = answer(candidate("p-mia"), credits=(credit("last", "p-mia", "1/1", 4990),))
    assert what_happened(told) == "Order 1001 brought 49.90 EUR net."
    sentence = who_gets_it(told, NAMES, "last")
    assert sentence.startswith(
        "Under the model “last”, Mia · instagram reel gets all of it, because"
    )
    assert "clicked a link" in sentence


def test_shared_credit_names_each_amount() -> None:
    told = answer(
        candidate("p-mia", day=1),
        candidate("p-jonas", kind="code", day=5),
        credits=(
            credit("linear", "p-mia", "1/2", 2495),
            credit("linear", "p-jonas", "1/2", 2495, day=5),
        ),
    )
    sentence = who_gets_it(told, NAMES, "linear")
    assert "Mia · instagram reel gets 24.95 EUR and Jonas gets 24.95 EUR" in sentence
    assert "because 2 touches count and all touches share equally." in sentence


def test_of_several_touches_the_one_that_takes_all_is_named() -> None:
    told = answer(
        candidate("p-mia", day=1),
        candidate("p-jonas", kind="code", day=5),
        credits=(credit("last", "p-jonas", "1/1", 4990, day=5),),
    )
    assert who_gets_it(told, NAMES, "last") == (
        "Under the model “last”, Jonas gets all of it, because 2 touches count and the last touch"
        " takes all: the buyer typed the code JONAS10 of Jonas."
    )


def test_a_code_and_a_click_of_one_creator_are_one_story() -> None:
    story = credit("last", "p-mia", "1/1", 4990, day=5) | {
        "touch_id": "t-p-m-5",
        "evidence_class": "code+click",
    }
    code = candidate("p-m", kind="code", day=5) | {"creator_id": "c-mia", "code": "MIA10"}
    told = answer(candidate("p-mia", day=1), code, credits=(story,))
    expected = (
        "the buyer typed the code MIA10 of Mia and had clicked a link of Mia · instagram reel."
    )
    assert who_gets_it(told, NAMES, "last") == (
        f"Under the model “last”, Mia · instagram reel gets all of it, because {expected}"
    )
    told = answer(candidate("p-jonas", day=1), candidate("p-mia", day=2), code, credits=(story,))
    assert who_gets_it(told, NAMES, "last").endswith(
        f"because 3 touches count and the last touch takes all: {expected}"
    )


def test_a_later_order_names_the_first_one_that_won_the_customer() -> None:
    told = answer(credits=(credit("last", "p-mia", "1/1", 4990),))
    told["revisions"][0]["acquired_from"] = {"kind": "purchase", "order_id": "990"}
    assert who_gets_it(told, NAMES, "last") == (
        "Under the model “last”, Mia · instagram reel gets all of it, because no touch of its own"
        " earns it, and the touches of the customer's first order 990 won the customer."
    )


def test_every_model_has_a_sentence_and_large_fractions_are_percentages() -> None:
    assert set(plain_words.MODELS) == set(CREDIT_MODELS)
    assert plain_words.share("1000000000/1500000000") == "two thirds"
    assert plain_words.share("707106781/1707106781") == "about 41.4 %"


def test_nobody_is_credited_with_the_reasons() -> None:
    told = answer(candidate("p-mia", reason="outside_window")) | {"status": "organic"}
    assert "too long before the order" in who_gets_it(told, NAMES, "last")
    told = answer() | {"status": "organic"}
    assert "no touch" in who_gets_it(told, NAMES, "last")


@pytest.mark.parametrize("status", ["awaiting_order", "unconfirmed"])
def test_an_order_that_earns_nothing_yet_says_so(status: str) -> None:
    told = answer() | {"status": status, "revisions": [], "ledger": [], "net": None}
    assert "1001" in what_happened(told)
    assert who_gets_it(told, NAMES, "last") == ""


def test_a_past_order_counts_for_nobody() -> None:
    told = answer() | {"status": "history", "net": {"amount_minor": 0, "currency": "EUR"}}
    assert "Order 1001 is history" in what_happened(told)
    assert "counts for nobody" in what_happened(told)
    assert who_gets_it(told, NAMES, "last") == ""


def test_the_page_shows_evidence_money_and_revisions() -> None:
    told = answer(
        candidate("p-mia", reason="superseded_by_code"),
        candidate("p-jonas", kind="code", day=5),
        credits=(credit("last", "p-jonas", "1/1", 4990),),
    )
    told["revisions"].append(told["revisions"][0] | {"revision": 2, "reason": "adjustment"})
    screen = StringIO()
    console = Console(file=screen, width=180)
    for part in page(told, NAMES, "last", BERLIN):
        console.print(part)
    shown = screen.getvalue()
    for expected in (
        "✓",
        "does not count: it was 45 days before the conversion;",
        "it would count if the window were longer",
        "4 days before",
        "when (Europe/Berlin)",
        "2026-03-01 11:00",
        "typed the code JONAS10: Jonas",
        "Revisions of the credit",
        "49.90 EUR",
    ):
        assert expected in shown


def test_times_and_shares_are_in_words() -> None:
    order = datetime(2026, 3, 5, 12, tzinfo=UTC)
    assert plain_words.before(order - timedelta(days=1, hours=2), order) == "1 day before"
    assert plain_words.before(order - timedelta(hours=3), order) == "3 hours before"
    assert plain_words.before(order - timedelta(minutes=5), order) == "5 min before"
    assert plain_words.before(order, order) == "at the checkout"
    assert plain_words.before(order + timedelta(seconds=1), order) == "at the checkout"
    assert plain_words.before(order + timedelta(minutes=1), order) == "after the order"
    assert plain_words.share("1/1") == "all"
    assert plain_words.share("2/5") == "2/5"


def test_touches_that_are_only_counted_are_in_the_sentence_and_below_the_list() -> None:
    told = answer(
        candidate("p-mia", day=1),
        candidate("p-mia", day=2),
        credits=(credit("linear", "p-mia", "1/1", 4990) | {"touches": 9_902},),
    )
    told["revisions"][0]["unlisted"] = [
        {"reason": None, "count": 9_900},
        {"reason": "bot", "count": 20},
    ]
    told["ledger_left_out"] = 4
    assert who_gets_it(told, NAMES, "linear") == (
        "Under the model “linear”, Mia · instagram reel gets all of it, because 9902 touches count"
        " and all touches share equally. 20 other touches were considered and set aside."
    )
    shown = StringIO()
    for part in page(told, NAMES, "linear", BERLIN):
        Console(file=shown, width=200).print(part)
    assert "and 9,900 more that count" in shown.getvalue()
    assert "and 20 more that do not count: a crawler, not a person" in shown.getvalue()
    assert "5 ledger entries" in shown.getvalue()


def test_a_creator_that_was_asked_for_has_a_sentence_of_its_own() -> None:
    told = answer(candidate("p-mia", reason="outside_window")) | {"status": "organic"}
    told["creator"] = {
        "creator_id": "c-mia",
        "models": [],
        "sentence": "None of its touches counts; each says why.",
        "candidates": [],
    }
    shown = StringIO()
    for part in page(told, NAMES, "last", BERLIN):
        Console(file=shown, width=200).print(part)
    assert "Mia: None of its touches counts; each says why." in shown.getvalue()


def test_placements_with_one_name_are_told_apart() -> None:
    reel: dict[str, object] = {
        "creator_id": "c-mia",
        "platform": "instagram",
        "content_type": "reel",
    }
    names = placement_names(
        {
            "p1": reel | {"id": "p1", "title": "Summer bag"},
            "p2": reel | {"id": "p2", "url": "https://insta.example/2"},
            "p3": reel | {"id": "p3", "published_at": "2026-03-01T10:00:00Z"},
            "p4": reel | {"id": "p4"},
            "p5": reel | {"id": "p5"},
            "p6": {"creator_id": "c-mia", "id": "p6", "title": None},
        },
        {"c-mia": "Mia"},
    )
    assert names == {
        "p1": "Mia · instagram reel · “Summer bag”",
        "p2": "Mia · instagram reel · https://insta.example/2",
        "p3": "Mia · instagram reel · 2026-03-01",
        "p4": "Mia · instagram reel · p4",
        "p5": "Mia · instagram reel · p5",
        "p6": "Mia",
    }


def test_the_store_is_named_unless_it_is_the_first_one() -> None:
    here = answer(credits=(credit("last", "organic", "1/1", 4990),)) | {"status": "organic"}
    there = here | {"store": "01900000-0000-7000-8000-0000000000e1"}
    shown = []
    for told in (here, there):
        console = Console(file=StringIO(), width=100)
        for part in page(told, Names(store="Till"), "last", BERLIN):
            console.print(part)
        assert isinstance(console.file, StringIO)
        shown.append("It belongs to the store Till." in console.file.getvalue())
    assert shown == [False, True]


def adjustment(name: str, minor: int, **fields: Any) -> dict[str, Any]:
    return {
        "adjustment_id": name,
        "kind": "refund",
        "amount": {"amount_minor": minor, "currency": "EUR"},
        "net_after": None,
        "occurred_at": "2026-03-06T09:30:00+00:00",
        "source": "webhook",
        "pending": False,
        "reason": None,
        "net_change": {"amount_minor": -minor, "currency": "EUR"},
        **fields,
    }


def version(minor: int, reason: str | None, *, cancelled: bool = False) -> dict[str, Any]:
    return {
        "updated_at": "2026-03-05T12:00:00+00:00",
        "source": "secret",
        "net": {"amount_minor": minor, "currency": "EUR"},
        "cancelled": cancelled,
        "reason": reason,
    }


def test_the_page_lists_refunds_versions_and_what_needs_a_look() -> None:
    told = answer(credits=(credit("last", "organic", "1/1", 4990),)) | {
        "status": "organic",
        "versions": [version(3990, "replaced"), version(4990, None, cancelled=True)],
        "versions_left_out": 1_200,
        "adjustments": [
            adjustment("r1", 1190, pending=True),
            adjustment("r2", 300, reason="came_back", net_change=None),
        ],
        "adjustments_left_out": 3,
        "attention": [
            {
                "sentence": "Refunds count already.",
                "what_to_do": "Nothing, unless they stay.",
                "count": 12,
                "examples": [
                    {"occurred_at": "2026-03-06T09:30:00+00:00", "detail": "the refund r1 takes"}
                ],
            }
        ],
    }
    shown = StringIO()
    for part in page(told, NAMES, "last", BERLIN):
        Console(file=shown, width=200).print(part)
    lines = [" ".join(line.split()) for line in shown.getvalue().splitlines()]
    assert set(lines) >= {
        "2026-03-05 13:00 a secret key replaced by a newer one 39.90 EUR",
        "2026-03-05 13:00 a secret key cancelled; counts 49.90 EUR",
        "and 1,200 older reports of the order",
        "2026-03-06 10:30 refund r1 the shop counts, not paid back yet 11.90 EUR -11.90 EUR",
        "2026-03-06 10:30 refund r2 the shop the money stayed with the shop: the payment failed or"
        " the dispute was won 3.00 EUR –",
        "and 3 older reports of adjustments",
        "Refunds count already.",
        "Nothing, unless they stay.",
        "2026-03-06 10:30 the refund r1 takes",
        "and 11 more",
    }


def test_one_version_alone_is_no_table() -> None:
    told = answer() | {"versions": [version(4990, None)]}
    shown = StringIO()
    for part in page(told, NAMES, "last", BERLIN):
        Console(file=shown, width=200).print(part)
    assert "Reports of the order" not in shown.getvalue()
