"""The commands on a running Laurel: demo, explain, verify, doctor, keys."""

import re
from typing import Any

import pytest

from tests.e2e.installation import Installation, eventually

DEMO = ("--workspace", "demo")


@pytest.fixture(scope="module")
def played(laurel: Installation) -> str:
    """Run the demo once; the text that it printed."""
    demo = laurel.command("demo", seconds=240)
    assert demo.returncode == 0, demo.stdout + demo.stderr + laurel.output()
    return demo.stdout


@pytest.fixture(scope="module")
def demo_key(laurel: Installation, played: str) -> str:
    """A key to the workspace that the demo made."""
    made = laurel.command("keys", "create", "--workspace", "demo", "--scopes", "admin")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def main_key(laurel: Installation) -> str:
    return (laurel.folder / "data" / "admin.key").read_text().strip()


def answer_of(laurel: Installation, key: str) -> Any:
    client = laurel.client("roi", key)
    return client.get("/v1/roi", params={"group_by": "creator,model"}).json()


def test_the_demo_shows_who_earned_what_and_what_to_try(played: str) -> None:
    for expected in (
        "Mia Lindqvist",
        "Aria Stone",
        "organic",
        "program",
        "brand",
        "overhead",
        "79.00 EUR of cost is overhead",
        "laurel explain",
        "laurel verify --workspace demo",
    ):
        assert expected in played
    assert "Reach is not return: Aria Stone" in played
    assert "Jonas Weber sold" in played


def test_the_demo_fills_its_own_workspace_and_no_other(laurel: Installation, demo_key: str) -> None:
    assert len(answer_of(laurel, demo_key)["rows"]) > 7
    assert answer_of(laurel, main_key(laurel))["rows"] == []
    workspace = laurel.client("roi", demo_key).get("/v1/workspace").json()
    assert workspace["name"] == "demo"


def test_running_the_demo_again_changes_nothing(
    laurel: Installation, played: str, demo_key: str
) -> None:
    before = answer_of(laurel, demo_key)
    again = laurel.command("demo", seconds=240)
    assert again.returncode == 0, again.stdout + again.stderr
    after = answer_of(laurel, demo_key)
    assert (after["rows"], after["totals"]) == (before["rows"], before["totals"])
    assert again.stdout.splitlines()[0] == played.splitlines()[0]


def test_the_order_of_the_story_is_explained(laurel: Installation, played: str) -> None:
    found = re.search(r"laurel explain (\d+) --workspace demo", played)
    assert found is not None
    told = laurel.command("explain", found[1], "--workspace", "demo")
    assert told.returncode == 0, told.stderr
    assert f"Order {found[1]} brought 62.50 EUR net." in told.stdout
    assert "Jonas Weber" in told.stdout.splitlines()[2]
    for expected in (
        "does not count: the order has another creator's code, which the policy prefers",
        "Mia Lindqvist · instagram",
        "Revisions of the credit",
        "linear",
    ):
        assert expected in told.stdout


def test_roi_is_the_answer_as_a_table(laurel: Installation, played: str, demo_key: str) -> None:
    answer = laurel.client("roi", demo_key).get("/v1/roi").json()
    shown = laurel.command("roi", "--workspace", "demo")
    assert shown.returncode == 0, shown.stderr
    lines = {line.split("  ")[0]: line for line in shown.stdout.splitlines()}
    for row in answer["rows"]:
        if any(row["group"].values()):
            assert f"{row['measures']['clicks']:,}" in lines[row["label"]]
            assert f"{row['measures']['cost']['amount_minor'] / 100:.2f}" in lines[row["label"]]
    assert f"{answer['program']['roi']:+.0%}" in lines["program"]
    assert "–" in lines["overhead"]
    for warning in answer["meta"]["warnings"]:
        assert f"! {warning['sentence']}" in shown.stdout
    by_month = laurel.command("roi", "--by", "campaign,month", "--model", "first", *DEMO)
    assert by_month.returncode == 0, by_month.stderr
    assert "Coffee club · 20" in by_month.stdout
    wrong = laurel.command("roi", "--by", "colour", *DEMO)
    assert wrong.returncode == 2
    assert "group_by: send one or two of campaign," in wrong.stderr
    nothing = laurel.command("roi", "--from", "1999-01-01", "--to", "1999-01-31", *DEMO)
    assert "Ask for other days with --from and --to" in nothing.stdout


def test_goals_are_shown_with_their_progress(
    laurel: Installation, played: str, demo_key: str
) -> None:
    shown = laurel.command("goals", *DEMO)
    assert shown.returncode == 0, shown.stderr
    client = laurel.client("roi", demo_key)
    goals = client.get("/v1/goals").json()["items"]
    assert len(goals) == 3
    for goal in goals:
        progress = client.get(f"/v1/goals/{goal['id']}/progress").json()
        (line,) = [line for line in shown.stdout.splitlines() if line.startswith(goal["name"])]
        assert line.rstrip().endswith(progress["status"].replace("_", " "))
    empty = laurel.command("goals")
    assert empty.returncode == 0, empty.stderr
    assert "No goal is set. `POST /v1/goals` sets one" in empty.stdout
    missing = laurel.command("goals", "--workspace", "never-made")
    assert missing.returncode == 2
    assert "no workspace 'never-made'" in missing.stderr


def test_an_unknown_order_is_a_sentence(laurel: Installation) -> None:
    told = laurel.command("explain", "nobody-bought-this")
    assert told.returncode == 2
    assert "no purchase 'nobody-bought-this' is known" in told.stderr
    elsewhere = laurel.command("explain", "1187", "--workspace", "never-made")
    assert elsewhere.returncode == 2
    assert "no workspace 'never-made'" in elsewhere.stderr


def test_the_ledger_balances(laurel: Installation, played: str) -> None:
    for words in (("verify",), ("verify", "--workspace", "demo")):
        proved = laurel.command(*words)
        assert proved.returncode == 0, proved.stdout + proved.stderr
        assert "the ledger balances" in proved.stdout


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

    assert eventually(works, what="the key works on all services")
    client = laurel.client("roi", key)
    assert client.get("/v1/workspace").json()["name"] == "second"
    listed = laurel.command("keys", "list")
    assert listed.returncode == 0, listed.stderr
    assert key not in listed.stdout


def test_the_demo_does_not_mix_with_a_real_brand(laurel: Installation) -> None:
    made = laurel.command("keys", "create", "--workspace", "real", "--scopes", "admin")
    client = laurel.client("roi", made.stdout.strip())
    assert client.post("/v1/creators", json={"name": "A real creator"}).status_code == 201
    refused = laurel.command("demo", "--workspace", "real")
    assert refused.returncode == 2, refused.stdout
    assert "A real creator" in refused.stderr
    assert "laurel demo --workspace demo-2" in refused.stderr
    assert [row["label"] for row in answer_of(laurel, made.stdout.strip())["rows"]] == []


def test_the_doctor_names_the_proxy_where_other_machines_reach_laurel(laurel: Installation) -> None:
    here = laurel.command("doctor")
    assert "127.0.0.1 (this machine only)" in here.stdout
    open_to_all = laurel.command("doctor", environment={"LAUREL_HOST": "0.0.0.0"})
    assert "deploy/nginx.conf" in open_to_all.stdout
    assert open_to_all.returncode == 0, "a proxy in front cannot be seen from here"
