"""Answers of one brand beside those of another: each is the sum of its own orders."""

from shared.ids import new_id
from tests.e2e.installation import eventually
from tests.integration.tenants import TenantPair


def answers_own_figures(pair: TenantPair) -> None:
    for group_by in ("creator", "campaign", "placement", "platform", "day"):
        query = f"/v1/roi?group_by={group_by}&from=2026-01-01&to=2026-12-31"

        def is_own(query: str = query) -> bool | None:
            answer = pair.ask(pair.mine.brand.roi, "GET", query)
            assert answer.status_code == 200, answer.text
            revenue = answer.json()["totals"]["net_revenue"]
            return revenue["amount_minor"] == sum(pair.mine.sold.values()) or None

        eventually(is_own, what="the answer is the sum of this workspace's own orders")


def answers_own_funnel(pair: TenantPair) -> None:
    query = "/v1/funnel?from=2026-01-01&to=2026-12-31"

    def is_own() -> bool | None:
        answer = pair.ask(pair.mine.brand.roi, "GET", query)
        assert answer.status_code == 200, answer.text
        booked = [stage["return"]["booked"] for stage in answer.json()["totals"]["stages"]]
        # Without a margin the contribution is the revenue.
        return (
            sum(money["amount_minor"] for money in booked) == sum(pair.mine.sold.values()) or None
        )

    eventually(is_own, what="the funnel is the sum of this workspace's own orders")


def opens_own_figures(pair: TenantPair) -> None:
    days = "from=2026-01-01&to=2026-12-31"

    def is_own() -> bool | None:
        answer = pair.ask(pair.mine.brand.roi, "GET", f"/v1/entries?{days}&limit=200")
        assert answer.status_code == 200, answer.text
        revenue = [item["value"]["amount_minor"] for item in answer.json()["items"]]
        return sum(revenue) == sum(pair.mine.sold.values()) or None

    eventually(is_own, what="the entries are those of this workspace's own orders")
    theirs, unknown = pair.theirs.id_of("creators"), new_id()
    told = []
    for creator in (theirs, unknown):
        query = f"/v1/entries?{days}&filter.creator={creator}"
        refused = pair.ask(pair.mine.brand.roi, "GET", query)
        assert refused.status_code == 422
        told.append(refused.json()["errors"])
    assert told[0] == told[1]
