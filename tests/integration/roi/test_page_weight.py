"""Lists have a weight: an object's size is bounded, and a page ends early at a stated weight."""

from services.roi.routes.catalog_calls import OBJECT_BYTES_MAX
from services.roi.store.catalog import PAGE_BYTES_MAX
from tests.integration.roi.roi_service import brand_running

# A creator close to the greatest size.
LARGE = {"name": "Mia", "audience": {"note": "x" * (OBJECT_BYTES_MAX - 1_000)}}


async def test_an_object_has_a_greatest_size(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        made = await brand.post("/v1/creators", LARGE | {"external_id": "mia"})
        larger = {"audience": {"note": "x" * OBJECT_BYTES_MAX}}
        for method, path, body in (
            ("POST", "/v1/creators", {"name": "Jo"} | larger),
            ("PATCH", f"/v1/creators/{made['id']}", larger),
            ("PUT", "/v1/creators/by-external-id/mia", {"name": "Mia"} | larger),
        ):
            refused = await brand.refused(method, path, body)
            assert (refused.status, list(refused.errors)) == (422, ["body"])
            assert str(OBJECT_BYTES_MAX) in refused.errors["body"]
        assert await brand.ok("GET", f"/v1/creators/{made['id']}") == made


async def test_a_page_ends_early_at_its_weight_and_goes_on_at_its_cursor(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        made = [(await brand.post("/v1/creators", LARGE))["id"] for _ in range(40)]
        seen: list[str] = []
        cursor, pages = "", 0
        while True:
            answer = await brand.call("GET", f"/v1/creators?limit=200{cursor}")
            # The fields around the facts, such as ids and times, are small.
            assert len(answer.content) < PAGE_BYTES_MAX + 200 * 1_000
            page = answer.json()
            seen += [item["id"] for item in page["items"]]
            pages += 1
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == made[::-1]
        assert pages == 3


async def test_one_object_is_always_shown(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        for _ in range(3):
            await brand.post("/v1/creators", {"name": "Mia"})
        page = await brand.ok("GET", "/v1/creators?limit=1")
        assert len(page["items"]) == 1
        assert page["next_cursor"] is not None
