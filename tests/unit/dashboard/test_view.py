"""The state of a page in its address: what is read, what is left out by name, what travels."""

from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.view.view import View, presets

PATH = "/app/overview"


def parsed(query: str, *own: str) -> View:
    return View.parse(PATH, parse_qsl(query, keep_blank_values=True), own)


def test_an_address_is_read_and_written_as_it_was() -> None:
    query = (
        "from=2026-11-01&to=2026-11-30&currency=EUR&model=linear&compare=year"
        "&filter.creator=a,-b&tab=x"
    )
    view = parsed(query, "tab")
    assert view.notices == ()
    assert view.link() == f"{PATH}?{query}"
    assert view.question() == {
        "from": "2026-11-01",
        "to": "2026-11-30",
        "currency": "EUR",
        "model": "linear",
        "compare": "year",
        "filter.creator": "a,-b",
    }


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("form=2026-11-01", "“form”"),
        ("from=yesterday", "“yesterday” is not a day"),
        ("to=all", "“all” is not a day"),
        ("currency=XXX", "“XXX” is not a currency"),
        ("model=best", "“best” is not a credit model"),
        ("compare=never", "“never” is not"),
        ("from=2026-12-02&to=2026-12-01", "ends before it begins"),
    ],
)
def test_what_cannot_be_is_named_and_left_out(query: str, told: str) -> None:
    view = parsed(query)
    assert len(view.notices) == 1
    assert told in view.notices[0]
    assert view.link() == PATH


def test_period_currency_and_model_travel_and_nothing_else() -> None:
    view = parsed(
        "from=2026-11-01&currency=USD&model=first&compare=year&filter.creator=a&tab=x", "tab"
    )
    assert (
        view.carried("/app/costs", page="2")
        == "/app/costs?from=2026-11-01&currency=USD&model=first&page=2"
    )


def test_a_link_changes_one_parameter() -> None:
    view = parsed("from=2026-11-01&filter.creator=a")
    assert view.link(filter__creator=None) == f"{PATH}?from=2026-11-01"
    assert view.link(from_="all") == f"{PATH}?filter.creator=a&from=all"


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=8))
def test_no_address_fails_and_each_link_is_read_back(query: list[tuple[str, str]]) -> None:
    view = View.parse(PATH, query, ("tab",))
    again = View.parse(PATH, parse_qsl(urlsplit(view.link()).query), ("tab",))
    assert again.notices == ()
    assert again.link() == view.link()


def test_presets_end_today_and_have_letters_of_their_own() -> None:
    found = presets(date(2026, 3, 1))
    assert len({one.letter for one in found}) == len(found)
    spans = {one.label: (one.first, one.last) for one in found}
    assert spans["30 days"] == ("2026-01-31", "2026-03-01")
    assert spans["Last month"] == ("2026-02-01", "2026-02-28")
    assert spans["This quarter"] == ("2026-01-01", "2026-03-01")
    assert spans["All time"] == ("all", None)
