"""`laurel import orders` on a whole installation: old customers are known, and no sum changes."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, eventually

pytestmark = pytest.mark.xdist_group("installation")

AT: Final = "2026-03-01T12:00:00Z"
SPAN: Final = {"from": "2026-03-01", "to": "2026-03-02", "group_by": "stage"}
FILE: Final = """\
Order ID;occurred_at;net;Currency;customer_id;email;store
p-1;2024-05-01 10:00:00 +0200;70.00;EUR;ana;;
p-2;2024-06-01;12,50;EUR;ben;;
p-3;2024-06-02;12.50;EUR;;;
p-4;2024-06-03;12.50;EUR;;ben@shop.example;
p-5;2024-06-04;12.50;EUR;cleo;;Nowhere
p-6;2024-06-05;12.50;EUR
p-7;2024-06-06;12.50;EUR;dora;;main
"""


@pytest.fixture
def brand(installation: Installation) -> Brand:
    """A workspace for each test: the sums and lists that one checks are not another's."""
    return Brand.in_new_workspace(installation, f"history{new_id()[-8:]}")


def imported(brand: Brand, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {"LAUREL_ADMIN_KEY": brand.key}
    return brand.laurel.command("import", "orders", *words, environment=environment)


def stages(brand: Brand, expected: dict[str, int]) -> Json:
    """Wait until the revenue of each stage is as expected, in minor units."""

    def look() -> Json | None:
        answer = brand.roi_answer(**SPAN)
        found = {
            row["group"]["stage"]: row["measures"]["net_revenue"]["amount_minor"]
            for row in answer["rows"]
        }
        organic = answer["organic"]["net_revenue"]["amount_minor"]
        told = {stage: minor for stage, minor in found.items() if minor} | {"organic": organic}
        return answer if told == expected else None

    return eventually(look, what=f"the revenue by stage is {expected}")


def status(brand: Brand, order_id: str) -> str | None:
    found = brand.attribution.get("/v1/explanations", params={"order_id": order_id})
    return str(found.json()["status"]) if found.status_code == 200 else None


def test_old_customers_are_known_and_their_past_orders_count_for_nobody(
    brand: Brand, tmp_path: Path
) -> None:
    creator = brand.create("creators", name="Mia")
    brand.create("codes", code="MIA10", creator_id=creator["id"])
    for order, customer in (("1", "ana"), ("2", "eve")):
        person = {"customer_id": customer}
        fields = {"codes": ["MIA10"], "person": person, "occurred_at": AT}
        brand.order(order, net="10.00", currency="EUR", **fields)
    stages(brand, {"purchase": 2_000, "organic": 0})

    path = tmp_path / "past.csv"
    path.write_text(FILE)
    planned = imported(brand, str(path), "--dry-run")
    assert planned.returncode == 1, planned.stdout + planned.stderr
    assert "4 past orders from 2024-05-01 to 2024-06-06 would be sent" in planned.stdout
    assert '"history": true' in planned.stdout
    done = imported(brand, str(path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 past orders" in done.stdout
    for words in (
        "line 3: net: ",
        "line 4: customer_id or email: ",
        "line 6: store: ",
        "line 7: row: ",
        "4 rows cannot be taken",
    ):
        assert words in done.stderr

    # Ana's order is one of a returning customer now, and no sum has the money of the past.
    answer = stages(brand, {"purchase": 1_000, "retention": 1_000, "organic": 0})
    assert answer["totals"]["net_revenue"]["amount_minor"] == 2_000
    past = brand.roi_answer(**SPAN | {"from": "2024-01-01", "to": "2024-12-31"})
    assert past["totals"]["net_revenue"]["amount_minor"] == 0
    assert past["totals"]["conversions"] == 0
    eventually(lambda: status(brand, "p-7") == "history" or None, what="p-7 is history")
    told = brand.laurel.command("explain", "p-1", environment={"LAUREL_ADMIN_KEY": brand.key})
    assert "is history" in told.stdout, told.stderr
    assert "counts for nobody" in told.stdout
    brand.assert_verified()


def test_importing_again_changes_nothing_and_the_order_itself_counts(
    brand: Brand, tmp_path: Path
) -> None:
    path = tmp_path / "again.csv"
    path.write_text(
        "Name,occurred_at,net,currency,email,Tags\nq-1,2024-05-01,7.00,EUR,f@x.de,vip\n"
    )
    options = ("--column", "order_id=Name", "--skip-unknown")
    for _ in range(2):
        done = imported(brand, str(path), *options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 past order from 2024-05-01 to 2024-05-01 accepted" in done.stdout
    eventually(lambda: status(brand, "q-1") == "history" or None, what="q-1 is history")
    assert brand.attribution.get("/v1/attention").json()["items"] == []
    brand.order("q-1", net="8.00", currency="EUR", occurred_at="2024-05-01T00:00:00Z")
    eventually(lambda: status(brand, "q-1") == "organic" or None, what="q-1 counts")
    # It is still known as history as well, and that changes nothing.
    assert imported(brand, str(path), *options).returncode == 0
    brand.assert_verified()
    assert status(brand, "q-1") == "organic"


def test_what_cannot_be_imported_is_a_sentence(brand: Brand, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("Name,Total\n1,2\n")
    done = imported(brand, str(path))
    assert done.returncode == 2
    for words in ("not known (Name, Total)", "no column order_id, occurred_at", "--skip-unknown"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert imported(brand, str(tmp_path / "nowhere.csv")).returncode == 2
    wrong = imported(brand, str(path), "--column", "order_id")
    assert (wrong.returncode, "--column: 'order_id'" in wrong.stderr) == (2, True)
