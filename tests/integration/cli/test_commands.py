"""The commands that ask a running Laurel, in the order in which a person would: doctor, keys, demo, explain, verify."""

import re
from typing import Any

import pytest

from tests.e2e.installation import Installation, eventually


@pytest.fixture(scope="module")
def played(laurel: Installation) -> str:
    """The demo, played once; what it printed."""
    demo = laurel.command("demo", seconds=240)
    assert demo.returncode == 0, demo.stdout + demo.stderr + laurel.output()
    return demo.stdout


def answer_of(laurel: Installation) -> Any:
    key = (laurel.folder / "data" / "admin.key").read_text().strip()
    client = laurel.client("roi", key)
    return client.get("/v1/roi", params={"group_by": "creator,model"}).json()


def test_the_demo_shows_who_earned_what_and_what_to_try(played: str) -> None:
    for expected in (
        "Mia Lindqvist",
        "Aria Stone",
        "organic",
        "total",
        "laurel explain",
        "laurel verify",
    ):
        assert expected in played
    assert "Reach is not return: Aria Stone" in played
    assert "Jonas Weber sold" in played


def test_running_the_demo_again_changes_nothing(laurel: Installation, played: str) -> None:
    before = answer_of(laurel)
    again = laurel.command("demo", seconds=240)
    assert again.returncode == 0, again.stdout + again.stderr
    after = answer_of(laurel)
    assert (after["rows"], after["totals"]) == (before["rows"], before["totals"])
    assert again.stdout.splitlines()[0] == played.splitlines()[0]


def test_the_order_worth_explaining_is_explained(laurel: Installation, played: str) -> None:
    found = re.search(r"laurel explain (\d+)", played)
    assert found is not None
    told = laurel.command("explain", found[1])
    assert told.returncode == 0, told.stderr
    assert f"Order {found[1]} brought 62.50 EUR net." in told.stdout
    assert "Jonas Weber" in told.stdout.splitlines()[2]
    for expected in (
        "another creator's code was typed",
        "Mia Lindqvist · instagram",
        "How it got here",
        "linear",
    ):
        assert expected in told.stdout


def test_an_unknown_order_is_a_sentence(laurel: Installation) -> None:
    told = laurel.command("explain", "nobody-bought-this")
    assert told.returncode == 2
    assert "no purchase 'nobody-bought-this' is known" in told.stderr


def test_the_books_hold(laurel: Installation, played: str) -> None:
    proved = laurel.command("verify")
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "the books hold" in proved.stdout


def test_the_doctor_finds_a_healthy_laurel(laurel: Installation) -> None:
    looked = laurel.command("doctor")
    assert looked.returncode == 0, looked.stdout
    for expected in (
        "python",
        "postgres",
        "tracking",
        "attribution",
        "roi",
        "Everything needed is here",
    ):
        assert expected in looked.stdout


def test_a_key_of_a_new_workspace_opens_it_on_all_services(laurel: Installation) -> None:
    made = laurel.command("keys", "create", "--workspace", "second", "--scopes", "admin")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()

    def works() -> bool | None:
        calls: tuple[tuple[str, str, str, Any], ...] = (
            ("roi", "GET", "/v1/workspace", None),
            ("attribution", "GET", "/v1/lag", None),
            ("tracking", "POST", "/v1/events", []),
        )
        for service, method, path, body in calls:
            client = laurel.client(service, key)
            if not client.request(method, path, json=body).is_success:
                return None
        return True

    assert eventually(works, seconds=15, what="the key works on all services")
    client = laurel.client("roi", key)
    assert client.get("/v1/workspace").json()["name"] == "second"
    listed = laurel.command("keys", "list")
    assert listed.returncode == 0, listed.stderr
    assert key not in listed.stdout


def test_the_demo_does_not_mix_with_a_real_brand(laurel: Installation) -> None:
    made = laurel.command("keys", "create", "--workspace", "real", "--scopes", "admin")
    key = made.stdout.strip()
    client = laurel.client("roi", key)
    assert client.post("/v1/creators", json={"name": "A real creator"}).status_code == 201
    own = Installation(laurel.folder, {**laurel.extra, "LAUREL_ADMIN_KEY": key})
    own.ports = laurel.ports
    refused = own.command("demo")
    assert refused.returncode == 2, refused.stdout
    assert "A real creator" in refused.stderr
    assert "--anyway" in refused.stderr
