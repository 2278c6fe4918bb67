"""Attention: everything that the API lists is on the page, with what to do."""

import html

import httpx
import pytest

from services.dashboard.tables.texts import plain_words
from tests.e2e.installation import Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]


def test_each_kind_is_shown_with_its_number_and_what_to_do(
    installation: Installation, demo: Visitor
) -> None:
    told = installation.client("attribution", demo.key).get("/v1/attention").json()["items"]
    assert told, "the demo brand has something for attention"
    text = html.unescape(demo.get("/app/attention"))
    lines = {line["kind"]: line for line in demo.csv("/app/attention.csv")}
    for item in told:
        assert f"{item['count']} × {plain_words(item['sentence'])}" in text
        assert plain_words(item["what_to_do"]) in text
        assert int(lines[item["kind"]]["count"]) == item["count"]
        for example in item["examples"]:
            assert example["detail"] in text


def test_nothing_is_said_to_be_nothing(empty: Visitor) -> None:
    text = empty.get("/app/attention")
    assert "Nothing. Everything that arrived is in the figures." in text
    assert "Try these again" not in text


def test_a_reader_may_not_try_again(reader: Visitor) -> None:
    found = httpx.Client(cookies=reader.client.cookies)
    with found:
        forged = found.post(f"{reader.url}/app/attention/retry", data={"ids": "x"})
    assert forged.status_code == 403
