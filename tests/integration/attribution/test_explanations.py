"""Explanations over HTTP: pages, order numbers, creators, and all that was told of an order."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from services.attribution.store.read_queries import TOLD_MAX
from services.attribution.wire.order_report_shapes import SHOWN_MAX
from shared.api.shapes import encode_cursor
from shared.catalog import Policy, Store
from shared.events import AnyEvent, Quality
from shared.sealing import Sealer
from tests.factories import NOON
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_attention import doubtful, items
from tests.integration.attribution.test_http import Service, serving


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
        assert candidate["failed_test"] == (
            "it was 45 days before the conversion,"
            " and the policy's window of this kind (click) is 30 days"
        )
        listed = (await service.explained("1001"))["revisions"][-1]["candidates"]
        assert [item["failed_test"] for item in listed] == [candidate["failed_test"], None]
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


async def told_of(service: Service, order_id: str, **lengths: int) -> Any:
    """Return the explanation once these lists of it are this long."""
    found: dict[str, Any] = {}

    async def holds() -> bool:
        answer = await service.client.get("/v1/explanations", params={"order_id": order_id})
        found.update(answer.json())
        return answer.status_code == 200 and all(
            len(found[name]) == length for name, length in lengths.items()
        )

    await service.until(holds)
    return found


def refunded_in_all_ways(story: Story) -> list[AnyEvent]:
    """Return an order of 60.00 with two other versions, and each kind of change of it."""

    def on(day: int) -> dict[str, Any]:
        return {"at": NOON + timedelta(days=day)}

    return [
        story.order("1001", net=5000),
        story.order("1001", net=7000, version=2, source="secret", source_id="key"),
        story.order("1001", net=6000, version=3),
        story.adjusted("wrong", amount=900, version=1, **on(1)),
        story.adjusted("wrong", amount=0, version=2, same="failed", **on(1)),
        story.adjusted("r1", amount=1000, pending=True, **on(2)),
        story.adjusted("dollars", amount=10, currency="USD", **on(3)),
        story.adjusted("other", amount=10, source_id="bank", **on(4)),
        story.adjusted("dispute", kind="chargeback", amount=5000, capped=True, **on(5)),
        story.adjusted("late", amount=10, **on(6)),
    ]


async def test_every_refund_edit_and_dispute_is_listed_with_what_it_changed(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.send(*refunded_in_all_ways(story), story.adjusted("r1", of="1002"))
        told = await told_of(service, "1001", adjustments=7, versions=3)
        assert told["net"]["amount_minor"] == 0
        listed = [
            (item["adjustment_id"], item["counted"], item["pending"], item["reason"])
            for item in told["adjustments"]
        ]
        assert listed == [
            ("wrong", False, False, "replaced"),
            ("wrong", False, False, "came_back"),
            ("r1", True, True, None),
            ("dollars", False, False, "other_currency"),
            ("other", False, False, "told_elsewhere"),
            ("dispute", True, False, None),
            ("late", False, False, "nothing_left"),
        ]
        changes = [item["net_change"]["amount_minor"] for item in told["adjustments"]]
        assert changes == [0, 0, -1000, 0, 0, -5000, 0]
        refund = told["adjustments"][2]
        assert refund["amount"] == {"amount_minor": 1000, "currency": "EUR"}
        assert refund["event_id"] == story.ident("adjustment", "1001/r1")
        expected = {"kind": "refund", "source": "webhook", "source_id": "shop"}
        assert {name: refund[name] for name in expected} == expected
        assert [(item["net"]["amount_minor"], item["reason"]) for item in told["versions"]] == [
            (5000, "replaced"),
            (7000, "less_trusted"),
            (6000, None),
        ]
        assert (told["versions_left_out"], told["adjustments_left_out"]) == (0, 0)
        (waiting,) = (await told_of(service, "1002", adjustments=1))["adjustments"]
        assert (waiting["counted"], waiting["reason"]) == (False, "awaiting_order")


async def test_of_many_refunds_the_newest_are_shown_and_of_too_many_none(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        refunds = [
            story.adjusted(f"r{n:04}", amount=1, at=NOON + timedelta(minutes=n))
            for n in range(TOLD_MAX)
        ]
        await service.send(story.order("1001", net=9_000), *refunds[: SHOWN_MAX + 2])
        told = await told_of(service, "1001", adjustments=SHOWN_MAX)
        assert told["adjustments_left_out"] == 2
        assert told["adjustments"][-1]["adjustment_id"] == f"r{SHOWN_MAX + 1:04}"
        await service.send(*refunds[SHOWN_MAX + 2 :])
        told = await told_of(service, "1001", adjustments=0, versions=0)
        assert (told["versions_left_out"], told["adjustments_left_out"]) == (1, TOLD_MAX)


def set_aside(story: Story, secret_key: str) -> list[AnyEvent]:
    """Return events of the kinds of attention that concern one order."""
    sealed = Sealer(secret_key).text_sealer().seal(story.workspace_id, "a friend of mine")
    return [
        story.order("asked"),
        story.surveyed("words", order="asked", sealed=sealed),
        *doubtful(story),
        story.adjusted("r1", of="unknown"),
        story.adjusted("r9", of="corrected", currency="USD"),
        story.order("claimed", source="public", source_id="page"),
        story.order("sold"),
        story.order("sold", source="public", source_id="page"),
        story.order("nearly", codes=("MIA1",)),
        story.order("nameless", quality=(Quality.UNNAMED_STORE,)),
        story.order("hasty", quality=(Quality.CLAMPED,)),
        story.order("foreign", quality=(Quality.FOREIGN_CLICK_ID,)),
    ]


async def test_what_is_set_aside_is_listed_with_its_order_too(place: tuple[str, str]) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.teach(*story.cast(), story.code("MIA10"))
        await service.send(*set_aside(story, place[1]))
        concerned = {
            "adjustments_in_another_currency",
            "adjustments_without_order",
            "clamped_times",
            "claims_without_proof",
            "foreign_click_ids",
            "near_codes",
            "orders_with_another_body",
            "pending_refunds",
            "refunds_above_rest",
            "refunds_told_twice",
            "test_orders",
            "unconfirmed_claims",
            "unmatched_surveys",
            "unnamed_stores",
            "unpaid_orders",
            "versions_disagree",
        }

        async def listed() -> bool:
            return concerned <= set(await items(service))

        await service.until(listed)
        found = await items(service)
        by_order: dict[str, dict[str, list[Any]]] = {}
        for kind, item in found.items():
            for example in item["examples"]:
                if example["order_id"] is not None:
                    of_order = by_order.setdefault(example["order_id"], {})
                    of_order.setdefault(kind, []).append(example)
        assert {kind for of_order in by_order.values() for kind in of_order} == concerned
        for order_id, of_order in by_order.items():
            told = await service.explained(order_id)
            assert {item["kind"]: item["examples"] for item in told["attention"]} == of_order
            for item in told["attention"]:
                same = found[item["kind"]]
                assert item["count"] == len(of_order[item["kind"]])
                for name in ("sentence", "what_to_do"):
                    assert item[name] == same[name]
        assert (await service.explained("unpaid today"))["attention"] == []
        assert by_order["asked"]["unmatched_surveys"][0]["detail"] == "a friend of mine"
        assert by_order["corrected"]["adjustments_in_another_currency"][0]["detail"] == (
            "the refund r9 is in USD, its order is in EUR"
        )


async def test_an_order_of_another_store_with_the_same_number_has_its_own_list(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        till = Store(
            workspace_id=story.workspace_id,
            id=story.ident("store", "till"),
            revision=1,
            recorded_at=NOON,
            name="Till",
        )
        await service.teach(till)
        await service.send(
            story.order("1001", net=100),
            story.order("1001", net=100, store=till.id),
            story.adjusted("r1", amount=200, store=till.id),
        )

        async def of_store(name: str) -> Any:
            return await service.get("/v1/explanations", order_id="1001", store=name)

        async def refunded() -> bool:
            return "refunds_above_rest" in await items(service)

        await service.until(refunded)
        there, here = await of_store("Till"), await of_store("main")
        assert [item["kind"] for item in there["attention"]] == ["refunds_above_rest"]
        assert [item["adjustment_id"] for item in there["adjustments"]] == ["r1"]
        assert (here["attention"], here["adjustments"], len(here["versions"])) == ([], [], 1)


async def test_a_corrected_currency_takes_the_adjustment_off_the_list(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        await service.send(
            story.order("1001", net=100, currency="USD"),
            story.order("1002", net=100, currency="USD"),
            story.adjusted("r1", amount=10),
            story.adjusted("r1", of="1002", amount=10),
        )

        async def orders() -> set[str]:
            found = (await items(service)).get("adjustments_in_another_currency", {})
            return {example["order_id"] for example in found.get("examples", [])}

        async def both() -> bool:
            return await orders() == {"1001", "1002"}

        await service.until(both)
        assert "dead_letters" not in await items(service)
        await service.send(
            story.order("1001", net=100, version=2),
            story.adjusted("r1", of="1002", amount=10, currency="USD", version=2, same="again"),
        )

        async def neither() -> bool:
            return await orders() == set()

        await service.until(neither)


async def test_the_window_of_a_past_decision_is_told_only_while_its_policy_is_unchanged(
    place: tuple[str, str],
) -> None:
    async with serving(*place) as service:
        story = service.story
        bought_at = NOON + timedelta(days=20)
        await service.teach(*story.cast(), with_window(story.policy(), 10))
        await service.send(story.click("k1", by="v1"), story.order(visitor="v1", at=bought_at))

        async def tests() -> list[str]:
            told = await service.explained("1001")
            return [item["candidates"][0]["failed_test"] for item in told["revisions"]]

        async def until(*windows: str) -> None:
            sentence = (
                "it was 20 days before the conversion, and the policy's window of this kind (click)"
            )

            async def holds() -> bool:
                return await tests() == [f"{sentence} {window}" for window in windows]

            await service.until(holds)

        await until("is 10 days")
        await service.send(story.adjusted(amount=100))
        await until("is 10 days", "is 10 days")
        changed = replace(story.policy(revision=2), recorded_at=datetime.now(UTC))
        await service.teach(with_window(changed, 15))
        await until("was shorter", "is 15 days")


def with_window(policy: Policy, days: int) -> Policy:
    return replace(policy, windows_days={"click": days})
