"""Settings: workspace, rules, rates, stores and keys, as the API has them afterwards."""

import html
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.installation import Brand, Installation, eventually
from tests.fixtures.accessibility import barriers
from tests.fixtures.browser import chromium
from tests.integration.dashboard.conftest import key_of
from tests.integration.dashboard.site import Visitor, field_error, items

pytestmark = [pytest.mark.xdist_group("installation")]

SETTINGS: Final = "/app/settings"
PARTS: Final = ("", "/policies", "/rates", "/stores")
ORDER: Final = {
    "id": 5001,
    "admin_graphql_api_id": "gid://shopify/Order/5001",
    "created_at": "2026-11-01T12:00:00Z",
    "updated_at": "2026-11-01T12:00:00Z",
    "currency": "EUR",
    "subtotal_price": "49.90",
    "total_discounts": "0.00",
    "customer": {"id": 77},
    "line_items": [],
}


# --- workspace -----------------------------------------------------------------------------------


def test_the_workspace_is_corrected(brand: Brand, owner: Visitor) -> None:
    name = f"Brand <{uuid.uuid4().hex[:6]}>"
    typed = {"name": name, "time_zone": "Europe/Berlin", "currency": "CHF"}
    answer = owner.send(SETTINGS, SETTINGS, **typed)
    assert answer.status_code == 303, answer.text
    stored = brand.roi.get("/v1/workspace").json()
    assert {field: stored[field] for field in typed} == typed
    text = owner.get(answer.headers["location"])
    assert "The workspace is saved." in text
    assert html.escape(name) in text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"name": ""}, "name"),
        ({"currency": "X"}, "currency"),
    ],
)
def test_a_wrong_workspace_is_refused(owner: Visitor, wrong: dict[str, str], field: str) -> None:
    typed = {"name": "Typed & kept", "time_zone": "UTC", "currency": "EUR", **wrong}
    answer = owner.send(SETTINGS, SETTINGS, **typed)
    assert answer.status_code == 422
    assert field_error(answer.text, field)
    if "name" not in wrong:
        assert 'value="Typed &amp; kept"' in answer.text


# --- rates ---------------------------------------------------------------------------------------


def test_rates_are_added_and_archived(new_brand: Callable[[], Brand], dashboard: str) -> None:
    brand, page = new_brand(), f"{SETTINGS}/rates"
    with Visitor(dashboard, brand.key) as owner:
        value = {
            "kind": "value",
            "per": "view",
            "value_amount": "0.0125",
            "value_currency": "EUR",
            "platform": "instagram",
            "value_from": "2026-03-01",
        }
        exchange = {
            "kind": "exchange",
            "currency": "USD",
            "amount": "0.9213",
            "valid_from": "2026-03-01",
        }
        for form in (value, exchange):
            answer = owner.send(page, page, **form)
            assert answer.status_code == 303, answer.text
        stored = {one["kind"]: one for one in items(brand, "rates")}
        assert (stored["value"]["amount"], stored["value"]["platform"]) == ("0.0125", "instagram")
        assert (stored["exchange"]["amount"], stored["exchange"]["into"]) == ("0.9213", "EUR")
        assert [line["amount"] for line in owner.csv(f"{page}.csv?panel=exchange")] == ["0.9213"]
        one = f"{page}/{stored['value']['id']}"
        assert "1 view is worth 0.0125 EUR" in owner.get(one)
        gone = owner.send(f"{one}/archive", one)
        assert gone.status_code == 303, gone.text
        assert [one["kind"] for one in items(brand, "rates")] == ["exchange"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (
            {"kind": "value", "per": "view", "value_amount": "much", "value_from": "2026-03-01"},
            "value_amount",
        ),
        (
            {"kind": "exchange", "currency": "XXX", "amount": "1", "valid_from": "2026-03-01"},
            "currency",
        ),
        (
            {"kind": "exchange", "currency": "USD", "amount": "0", "valid_from": "2026-03-01"},
            "amount",
        ),
    ],
)
def test_a_wrong_rate_is_refused_at_its_field(
    owner: Visitor, form: dict[str, str], field: str
) -> None:
    answer = owner.send(f"{SETTINGS}/rates", f"{SETTINGS}/rates", **form)
    assert answer.status_code == 422
    assert field_error(answer.text, field)
    assert f'value="{form[field]}"' in answer.text


# --- stores and connections ----------------------------------------------------------------------


def test_a_shop_is_connected_and_its_secret_never_shown(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand, page, secret = new_brand(), f"{SETTINGS}/stores", f"secret-{uuid.uuid4().hex}"
    with Visitor(dashboard, brand.key) as owner:
        form = {
            "what": "connection",
            "kind": "shopify",
            "secret": secret,
            "shop_domain": "Shop.example",
        }
        answer = owner.send(page, page, **form)
        assert answer.status_code == 303, answer.text
        one = answer.headers["location"].partition("?")[0]
        stored = brand.roi.get(f"/v1/connections/{one.rpartition('/')[2]}").json()
        text = owner.get(answer.headers["location"])
        assert stored["webhook_url"] in text
        assert secret not in text
        for topic in ("orders/create", "refunds/create", "disputes/update"):
            assert f"<li>{topic}</li>" in text
        assert "shop.example" in [line["shop"] for line in owner.csv(f"{page}.csv")]
        added = owner.send(f"{one}/secrets", one, secret=f"next-{uuid.uuid4().hex}")
        assert added.status_code == 303, added.text
        removed = owner.send(f"{one}/secrets/1/remove", one)
        assert removed.status_code == 303, removed.text
        numbers = brand.roi.get(f"/v1/connections/{stored['id']}").json()["secret_numbers"]
        assert numbers == [2]
        gone = owner.send(f"{one}/archive", one)
        assert gone.status_code == 303, gone.text


def test_a_short_secret_is_refused_and_not_sent_back(owner: Visitor) -> None:
    page = f"{SETTINGS}/stores"
    form = {
        "what": "connection",
        "kind": "shopify",
        "secret": "tooshort1",
        "shop_domain": "typed.example",
    }
    answer = owner.send(page, page, **form)
    assert answer.status_code == 422
    assert field_error(answer.text, "secret")
    assert "tooshort1" not in answer.text
    assert 'value="typed.example"' in answer.text


def test_a_test_delivery_tells_what_it_becomes_and_keeps_nothing(
    brand: Brand, owner: Visitor
) -> None:
    one = f"{SETTINGS}/connections/{brand.connection['id']}"
    form = {
        "topic_header": "X-Shopify-Topic",
        "topic": "orders/create",
        "body": json.dumps(ORDER),
    }

    def told() -> str | None:
        answer = owner.send(f"{one}/test", one, **form)
        return answer.text if answer.status_code == 200 else None

    text = eventually(told, what="tracking knows the connection")
    assert "It would become 1 event." in text
    assert "€49.90" in text
    assert "the payload has no click id" in text
    assert brand.explanation("5001") is None
    broken = owner.send(f"{one}/test", one, **{**form, "body": "{"})
    assert "not accepted" in broken.text
    assert ">{</textarea>" in broken.text


def test_a_store_is_added_once(brand: Brand, owner: Visitor) -> None:
    page = f"{SETTINGS}/stores"
    answer = owner.send(page, page, what="store", name="Outlet Berlin")
    assert answer.status_code == 303, answer.text
    assert "Outlet Berlin" in [one["name"] for one in items(brand, "stores")]
    taken = owner.send(page, page, what="store", name="main")
    assert taken.status_code == 422
    assert field_error(taken.text, "name")


@pytest.mark.browser
async def test_a_connection_has_no_barrier(brand: Brand, owner: Visitor, tmp_path: Path) -> None:
    chromium()
    async with owner.browser(tmp_path / "profile", width=320) as visit:
        await visit.open(f"{SETTINGS}/connections/{brand.connection['id']}")
        await visit.page.get_by_label("Body").fill(json.dumps(ORDER))
        await visit.page.get_by_role("button", name="Test it").click()
        await visit.page.get_by_text("It would become 1 event.").wait_for()
        await visit.page.get_by_role("button", name="Copy Webhook address").click()
        await visit.page.get_by_text(re.compile("^(Copied|Selected)")).wait_for()
        assert await barriers(visit.page) == []
        width: int = await visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320
        assert await visit.troubles() == []


# --- keys ----------------------------------------------------------------------------------------


def test_a_key_is_shown_once_works_and_is_revoked(
    installation: Installation, brand: Brand, owner: Visitor
) -> None:
    page, once = f"{SETTINGS}/keys", uuid.uuid4().hex
    form = {"once": once, "name": "The <shop>", "scope.read": "yes", "scope.track": "yes"}
    answer = owner.send(page, page, **form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = re.search(r'aria-label="New key" value="(lrl_sec_[^"]+)"', answer.text)
    assert found is not None
    assert found[1] not in owner.get(page)
    again = owner.send(page, page, **form)
    assert found[1] in again.text, "a form that is sent twice shows the same key"
    keys = [key for key in items(brand, "keys") if key["name"] == "The <shop>"]
    assert [key["scopes"] for key in keys] == [["track", "read"]]
    client = installation.client("roi", found[1])
    assert client.get("/v1/keys/self").status_code == 200
    one = f"{page}/{keys[0]['id']}"
    assert "The &lt;shop&gt;" in owner.get(one)
    gone = owner.send(f"{one}/archive", one)
    assert gone.status_code == 303, gone.text
    assert client.get("/v1/keys/self").status_code == 401


def test_a_public_key_may_collect_only(brand: Brand, owner: Visitor) -> None:
    page = f"{SETTINGS}/keys"
    form = {"public": "yes", "scope.admin": "yes", "origins": "https://shop.example"}
    answer = owner.send(page, page, **form)
    assert answer.status_code == 200, answer.text
    assert 'value="lrl_pub_' in answer.text
    made = items(brand, "keys")[0]
    assert (made["scopes"], made["origins"]) == (["collect"], ["https://shop.example"])


def test_a_key_without_a_scope_is_refused(owner: Visitor) -> None:
    page = f"{SETTINGS}/keys"
    answer = owner.send(page, page, name="Typed & kept")
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert 'value="Typed &amp; kept"' in answer.text


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", PARTS)
def test_a_reader_sees_values_and_no_form(reader: Visitor, part: str) -> None:
    text = reader.get(SETTINGS + part)
    actions = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', text)
    assert actions == ["/app/sign-out"]
    assert 'href="/app/settings/keys"' not in text


def test_a_reader_is_told_that_keys_are_not_for_it(reader: Visitor) -> None:
    text = reader.get(f"{SETTINGS}/keys")
    assert "Your key may not see the keys." in text
    refused = reader.send(f"{SETTINGS}/keys", SETTINGS, **{"scope.read": "yes"})
    assert refused.status_code == 403
    assert "Your key may not do this" in refused.text


@pytest.mark.parametrize("part", [*PARTS, "/keys"])
def test_a_forged_form_changes_nothing(owner: Visitor, part: str) -> None:
    answer = owner.client.post(SETTINGS + part, data={"csrf": "x", "name": "forged"})
    assert answer.status_code == 403


def test_another_workspace_sees_nothing(
    installation: Installation, brand: Brand, owner: Visitor, dashboard: str
) -> None:
    key = key_of(installation, f"other-{uuid.uuid4().hex[:8]}", "admin")
    with Visitor(dashboard, key) as other:
        own = f"{SETTINGS}/connections/{brand.connection['id']}"
        assert other.client.get(own).status_code == 404
        assert httpx.get(dashboard + own).status_code == 303
