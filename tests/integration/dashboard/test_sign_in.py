"""Signing in: by a key, by a link that works once; and who does not get in."""

import httpx
import pytest

from services.dashboard.session.sessions import COOKIE
from tests.e2e.installation import Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

SIGN_IN = "/app/sign-in"


def test_a_link_of_the_command_line_signs_in_once(
    installation: Installation, dashboard: str, demo: Visitor
) -> None:
    printed = installation.command("sign-in", "--workspace", "demo")
    assert printed.returncode == 0, printed.stdout + printed.stderr
    link = printed.stdout.strip()
    assert link.startswith(f"{dashboard}{SIGN_IN}?token=")
    with httpx.Client(base_url=dashboard, timeout=30) as client:
        first = client.get(link)
        assert (first.status_code, first.headers["location"]) == (303, "/app/")
        assert "demo" in client.get("/app/overview").text
    again = httpx.get(link, timeout=30)
    assert again.status_code == 403
    assert "used before" in again.text
    assert COOKIE not in again.cookies


@pytest.mark.parametrize(
    ("key", "status", "told"),
    [
        ("", 422, "begins with lrl_sec_"),
        ("lrl_pub_abcdefgh_" + "k" * 32, 422, "begins with lrl_sec_"),
        ("lrl_sec_abcdefgh_" + "k" * 32, 401, "does not know this key"),
    ],
)
def test_another_key_is_told_what_is_wrong(
    dashboard: str, key: str, status: int, told: str
) -> None:
    answer = httpx.post(dashboard + SIGN_IN, data={"key": key}, timeout=30)
    assert answer.status_code == status
    assert told in answer.text
    assert COOKIE not in answer.cookies


def test_a_form_of_another_site_signs_nobody_in(demo: Visitor) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = httpx.post(demo.url + SIGN_IN, data={"key": demo.key}, headers=headers, timeout=30)
    assert answer.status_code == 403
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize(
    ("wanted", "opened"),
    [
        ("/app/orders?q=x", "/app/orders?q=x"),
        ("https://elsewhere.example/", "/app/"),
        ("//elsewhere.example/app/", "/app/"),
        ("/app/\\elsewhere", "/app/"),
        ("/v1/keys", "/app/"),
    ],
)
def test_after_signing_in_only_a_page_of_the_dashboard_opens(
    demo: Visitor, wanted: str, opened: str
) -> None:
    answer = httpx.post(demo.url + SIGN_IN, data={"key": demo.key, "next": wanted}, timeout=30)
    assert (answer.status_code, answer.headers["location"]) == (303, opened)


def test_signing_out_ends_the_session(demo: Visitor) -> None:
    with Visitor(demo.url, demo.key) as visitor:
        forged = visitor.client.post("/app/sign-out", data={"csrf": "x"})
        assert forged.status_code == 403
        answer = visitor.send("/app/sign-out", "/app/overview")
        assert (answer.status_code, answer.headers["location"]) == (303, SIGN_IN)
        assert visitor.client.get("/app/overview").status_code == 303


def test_a_page_has_the_policy_and_a_file_its_digest(demo: Visitor) -> None:
    page = demo.client.get("/app/overview")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["content-encoding"] == "gzip"
    file = demo.client.get("/app/static/laurel.css")
    assert file.status_code == 200
    unchanged = demo.client.get(
        "/app/static/laurel.css", headers={"If-None-Match": file.headers["etag"]}
    )
    assert unchanged.status_code == 304
    assert demo.client.get("/app/static/../app.py").status_code == 404
