"""Orders that are older than the period of the page: a search that finds nothing leads to them."""

import html
import re

import pytest

from tests.e2e.installation import Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

A_LATER_DAY = "from=2030-01-01&to=2030-01-01"


def all_time(text: str) -> str | None:
    """Return the address that the page offers for a search without bounds of time."""
    found = re.search(r'<a href="([^"]+)">Look in all time</a>', text)
    return None if found is None else html.unescape(found[1])


def test_a_search_that_finds_nothing_in_its_period_leads_to_all_time(demo: Visitor) -> None:
    address = all_time(demo.get(f"/app/orders?{A_LATER_DAY}&q=shared-8"))
    assert address == "/app/orders?q=shared-8&from=all"
    text = demo.get(address)
    assert 'href="/app/orders/shared-8' in text
    assert all_time(text) is None


def test_a_period_without_orders_leads_to_all_time(demo: Visitor, empty: Visitor) -> None:
    text = demo.get(f"/app/orders?{A_LATER_DAY}")
    assert "No order in this period." in text
    assert all_time(text) == "/app/orders?from=all"
    assert all_time(empty.get("/app/orders?from=all")) is None


def test_the_page_names_the_export_that_the_api_has(
    installation: Installation, demo: Visitor
) -> None:
    named = re.search(r"<code>GET (/v1/exports/[^<]+)</code>", demo.get("/app/orders"))
    assert named is not None
    attribution = installation.client("attribution", demo.key)
    assert attribution.get(named[1]).is_success
