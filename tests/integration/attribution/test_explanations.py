"""Explanations over HTTP: read page by page, and an unusable cursor is refused by name."""

from datetime import timedelta
from typing import Any

from shared.api.shapes import encode_cursor
from tests.factories import NOON
from tests.integration.attribution.test_http import serving


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


async def test_an_order_number_is_found_with_and_without_its_number_sign(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast())
        await service.send(story.order("1001", net=4990), story.order("#1002", net=2000))
        await service.explained("#1002")
        for asked in ("1001", "#1001", "1002", "#1002"):
            told = await service.explained(asked)
            number, net = ("1001", 4990) if "1001" in asked else ("#1002", 2000)
            assert (told["order_id"], told["net"]["amount_minor"]) == (number, net)
        # An order whose id is exactly the one asked for comes first.
        await service.send(story.order("#1001", net=700))

        async def is_found() -> bool:
            return bool(
                (await service.get("/v1/explanations", order_id="#1001"))["net"]["amount_minor"]
                == 700
            )

        await service.until(is_found)
        assert (await service.explained("1001"))["net"]["amount_minor"] == 4990


async def test_the_answer_says_why_a_creator_earned_nothing_and_what_would_have_changed_it(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast("mia", "jonas"))
        bought_at = NOON + timedelta(days=45)
        old = story.click("k1", of="mia", by="v1")
        new = story.click("k2", of="jonas", by="v1", at=bought_at - timedelta(hours=1))
        await service.send(old, new, story.order("1001", visitor="v1", at=bought_at))
        await service.explained("1001")

        async def creator(name: str) -> Any:
            return (
                await service.get(
                    "/v1/explanations", order_id="1001", creator_id=story.ident("creator", name)
                )
            )["creator"]

        mia = await creator("mia")
        assert mia["models"] == []
        assert mia["sentence"] == "None of its touches counts; each says why."
        (candidate,) = mia["candidates"]
        assert candidate["reason"] == "outside_window"
        assert candidate["would_count_if"] == (
            "it would count if the policy's window of this kind (click) were 45 days or longer"
        )
        jonas = await creator("jonas")
        assert jonas["models"] == ["first", "last", "linear"]
        assert jonas["sentence"] == "It earned under first, last, linear."
        assert [item["would_count_if"] for item in jonas["candidates"]] == [None]
        tom = await creator("tom")
        assert tom["sentence"] == "The buyer is known to have met none of its content."
        answer = await service.client.get(
            "/v1/explanations", params={"order_id": "1001", "creator_id": "mia"}
        )
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "creator_id")
