"""Explanations over HTTP: read page by page, and an unusable cursor is refused by name."""

import pytest

from shared.api.shapes import encode_cursor
from tests.integration.attribution.test_http import serving


@pytest.fixture
def place(fresh_database: str, secret_key: str) -> tuple[str, str]:
    """A separate database, because it stores offsets of the real partitions."""
    return fresh_database, secret_key


async def test_an_explanation_is_read_page_by_page_from_the_newest_revision(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast())
        click = story.click("k1", by="v1")
        await service.send(click, story.order("1001", click=click, net=4990))
        for number in range(1, 5):
            await service.explained("1001", revisions=number)
            await service.send(story.adjusted(f"r{number}", amount=100))
        whole = await service.explained("1001", revisions=5)
        assert (whole["next_cursor"], whole["ledger_left_out"]) == (None, 0)

        asked: dict[str, str | int] = {"order_id": "1001", "limit": 2}
        page = await service.get("/v1/explanations", **asked)
        assert page["net"]["amount_minor"] == 4590
        revisions, lines = page["revisions"], page["ledger"]
        assert [item["revision"] for item in revisions] == [4, 5]
        while page["next_cursor"]:
            page = await service.get("/v1/explanations", **asked, cursor=page["next_cursor"])
            assert page["net"]["amount_minor"] == 4590
            assert 1 <= len(page["revisions"]) <= 2
            revisions, lines = page["revisions"] + revisions, page["ledger"] + lines
        assert (revisions, lines) == (whole["revisions"], whole["ledger"])
        link = story.ident("link", "mia")
        assert {(i["touch_kind"], i["evidence_class"], i["link_id"]) for i in lines} == {
            ("click", "click", link)
        }
        assert [i["reverses"] for i in lines if i["amount"]["amount_minor"] < 0] == [
            number for number in range(1, 5) for _ in ("first", "last", "linear")
        ]
        for cursor in (encode_cursor(0), encode_cursor(2**80), encode_cursor("1"), "?"):
            answer = await service.client.get("/v1/explanations", params=asked | {"cursor": cursor})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")
