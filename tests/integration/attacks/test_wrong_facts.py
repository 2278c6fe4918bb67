"""Times and currencies that no shop has are 422 on running services, and `laurel verify` succeeds.

Over HTTP elsewhere: every bad field (`tests/integration/tracking/test_claims.py`), damage in the
journal of a killed process (`test_journal_damage.py` there), and a name in every text field
(`tests/integration/test_private_texts.py`).
"""

from typing import Final

import pytest

from tests.e2e.installation import Installation, Json
from tests.integration.attacks.brand_under_attack import BrandUnderAttack, ago

pytestmark = pytest.mark.xdist_group("installation")

ORDER: Final = "1001"


def test_a_time_or_currency_that_is_none_is_refused_and_the_ledger_stays_provable(
    installation: Installation,
) -> None:
    brand = BrandUnderAttack.open(installation)
    good: Json = {"order_id": "2001", "net": "1.00", "currency": "EUR", "occurred_at": ago(0)}
    wrong: list[Json] = [
        {"occurred_at": "1970-01-01T00:00:00+14:00"},
        {"occurred_at": "8999-12-31T23:59:59-12:00"},
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"currency": "XXX"},
        {"currency": "XTS"},
        {"currency": "XAU"},
    ]
    for client in (brand.tracking, brand.public):
        for change in wrong:
            answer = client.post("/v1/conversions", json=good | change)
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["field"] == next(iter(change))
            batch = client.post("/v1/events", json=[{"type": "ordered", **good, **change}])
            assert batch.json()["accepted"] == 0
    brand.sell(ORDER)
    brand.await_credit(ORDER, brand.mia)
    brand.assert_mia_earned(ORDER)
    brand.assert_verified()
