"""The HTTP base, route by route: every bad request is answered with a problem, not a 500."""

import io
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from fastapi.routing import APIRouter

from shared.api.app import create_app, openapi_document
from shared.api.shapes import encode_cursor
from shared.http.health import Health
from shared.http.problems import PROBLEM_MEDIA_TYPE
from shared.telemetry import Telemetry, configure_logging
from tests.integration.shared.sample_app import ADMIN, PAGE, READER, problem, sample_app


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry("test")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The log lines of the process."""
    stream = io.StringIO()
    configure_logging("test", stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.basicConfig(force=True, handlers=[logging.NullHandler()])


@pytest.fixture
def app(telemetry: Telemetry) -> FastAPI:
    return sample_app(telemetry)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://laurel.test") as made:
        yield made


UGLY_BODIES = [
    (b"", 422, "body"),
    (b"{", 400, None),
    (b"not json", 400, None),
    (b"\xff\xfe", 400, None),
    (b'{"order_id": "a", "order_id": "b"}', 400, "order_id"),
    (b'{"order_id": "a", "quantity": NaN}', 400, None),
    (b'{"order_id": "a", "extra": {"x": -Infinity}}', 400, None),
    (b'{"order_id": "a", "extra": {"x": 1e200000}}', 400, None),
    (b'{"order_id": "a", "quantity": 9223372036854775808}', 400, None),
    (b'{"order_id": "a", "quantity": ' + b"9" * 3_000 + b"}", 400, None),
    (b"[" * 2_000 + b"]" * 2_000, 400, None),
    (b'{"order_id": "a", "extra": ' + b'{"x":' * 40 + b"1" + b"}" * 41, 400, None),
    (b'{"order_id": "a\\u0000b"}', 422, "order_id"),
    (b'{"order_id": "\\ud800"}', 422, "order_id"),
    (b'{"order_id": "a", "extra": {"list": ["\\udfff"]}}', 422, "extra.list.0"),
    (b'{"order_id": "a", "\\ud800": 1}', 422, "\ud800"),
    (b'{"order_id": "a", "surprise": 1}', 422, "surprise"),
    (b'{"order_id": 7}', 422, "order_id"),
    (b"{}", 422, "order_id"),
    (b"[]", 422, "body"),
    (b"null", 422, "body"),
    (b'{"order_id": "a", "quantity": "many"}', 422, "quantity"),
    (b'{"order_id": "a", "occurred_at": "2026-01-01"}', 422, "occurred_at"),
    (b'{"order_id": "a", "occurred_at": "2026-01-01T00:00:00"}', 422, "occurred_at"),
    (b'{"order_id": "a", "occurred_at": "2026-02-30T00:00:00Z"}', 422, "occurred_at"),
    (b'{"order_id": "a", "occurred_at": "0001-01-01T00:00:00+14:00"}', 422, "occurred_at"),
    (b'{"order_id": "a", "occurred_at": 1767225600}', 422, "occurred_at"),
    (b'{"order_id": "a", "net": 49.9, "currency": "EUR"}', 422, "net"),
    (b'{"order_id": "a", "net": true, "currency": "EUR"}', 422, "net"),
    (b'{"order_id": "a", "net": "49.901", "currency": "EUR"}', 422, "net"),
    (b'{"order_id": "a", "net": "1e3", "currency": "EUR"}', 422, "net"),
    (b'{"order_id": "a", "net": "49.90"}', 422, "currency"),
    (b'{"order_id": "a", "net": "49.90", "currency": "EURO"}', 422, "currency"),
    (b'{"order_id": "a", "net": {"amount": 49.9, "currency": "EUR"}}', 422, "net"),
    (b'{"order_id": "a", "net": {"amount_minor": 1.5, "currency": "EUR"}}', 422, "net"),
    (b'{"order_id": "a", "net": {"amount_minor": 1, "amount": "1"}}', 422, "net"),
    (b'{"order_id": "a", "net": {"minor": 1}}', 422, "net"),
    (b'{"order_id": "a", "net": {"amount": "1", "currency": "XXX1"}}', 422, "net.currency"),
    (
        b'{"order_id": "a", "net": {"amount": "1", "currency": "USD"}, "currency": "EUR"}',
        422,
        "net.currency",
    ),
    (
        b'{"order_id": "a", "net": {"amount_minor": 9223372036854775807}, "currency": "EUR"}',
        422,
        "net",
    ),
]


@pytest.mark.parametrize(("body", "status", "field"), UGLY_BODIES)
async def test_bad_bodies_are_problems(
    client: httpx.AsyncClient, body: bytes, status: int, field: str | None
) -> None:
    response = await client.post(
        "/orders", content=body, headers={"Content-Type": "application/json"}
    )
    problem(response, status, field)


GOOD_MONEY = [
    ({"net": "49.90", "currency": "EUR"}, 4990),
    ({"net": "49.9", "currency": "EUR"}, 4990),
    ({"net": {"amount_minor": 4990}, "currency": "EUR"}, 4990),
    ({"net": {"amount": "49.90", "currency": "EUR"}}, 4990),
    ({"net": {"amount_minor": 4990, "currency": "EUR"}, "currency": "EUR"}, 4990),
    ({"net": "-10.00", "currency": "EUR"}, -1000),
]


@pytest.mark.parametrize(("fields", "amount_minor"), GOOD_MONEY)
async def test_money_is_accepted_in_all_forms(
    client: httpx.AsyncClient, fields: dict[str, Any], amount_minor: int
) -> None:
    body = {"order_id": "a", "occurred_at": "2026-01-01T00:00:00+02:00", **fields}
    response = await client.post("/orders", json=body)
    assert response.status_code == 201, response.text
    assert response.json() == {"amount_minor": amount_minor, "currency": "EUR"}


async def test_a_json_number_is_refused_with_what_to_send(client: httpx.AsyncClient) -> None:
    response = await client.post("/orders", json={"order_id": "a", "net": 5, "currency": "EUR"})
    assert '"49.90"' in problem(response, 422, "net")["errors"][0]["message"]


async def test_other_content_types_are_415(client: httpx.AsyncClient) -> None:
    for headers in ({"Content-Type": "application/x-www-form-urlencoded"}, {}):
        problem(await client.post("/orders", content=b"order_id=a", headers=headers), 415)
    accepted = {"Content-Type": "Application/Vnd.Laurel+JSON; charset=utf-8"}
    response = await client.post("/orders", content=b'{"order_id": "a"}', headers=accepted)
    assert response.status_code == 201


async def test_framework_errors_are_problems(client: httpx.AsyncClient) -> None:
    problem(await client.get("/nowhere"), 404)
    wrong_method = await client.delete("/orders")
    problem(wrong_method, 405)
    assert "POST" in wrong_method.headers["allow"]
    problem(await client.get("/orders/"), 404)
    problem(await client.get("/list", params={"limit": "x"}), 422, "limit")
    problem(await client.get("/%00"), 400)
    problem(await client.get("/list?cursor=%00"), 400)
    problem(await client.get("/gone"), 410)


async def test_a_transient_failure_is_503_with_retry_after(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/away")
    problem(response, 503)
    assert int(response.headers["retry-after"]) > 0


async def test_a_bug_is_a_500_without_details_and_is_logged_and_counted(
    client: httpx.AsyncClient, telemetry: Telemetry, lines: io.StringIO
) -> None:
    body = problem(await client.get("/broken"), 500)
    assert "ZeroDivision" not in json.dumps(body)
    assert 'laurel_http_unexpected_failures_total{route="/broken"} 1.0' in (
        telemetry.render().decode()
    )
    (line,) = lines.getvalue().splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["request_id"]) == ("request_failed", body["request_id"])
    assert "ZeroDivisionError" in logged["exception"]
    assert "lrl_sec_abcdefgh_ss" not in line


async def test_lists_have_limits_and_opaque_cursors(client: httpx.AsyncClient) -> None:
    first = (await client.get("/list")).json()
    second = (await client.get("/list", params={"cursor": first["next_cursor"]})).json()
    third = (await client.get("/list", params={"cursor": second["next_cursor"]})).json()
    assert (first["items"], second["items"], third) == (
        [1],
        [2],
        {"items": [3], "next_cursor": None},
    )
    for cursor in ("zzz", "!", encode_cursor("text"), encode_cursor(1, 2), "W10", "ü", "A" * 500):
        problem(await client.get("/list", params={"cursor": cursor}), 422, "cursor")
    for limit in ("0", "201", "-1", "1.5"):
        problem(await client.get("/list", params={"limit": limit}), 422, "limit")
    problem(await client.get("/list", params={"page": "2"}), 422, "page")


async def test_keys_and_scopes(client: httpx.AsyncClient) -> None:
    async def ask(path: str, *values: str, **more: str) -> httpx.Response:
        headers = [("Authorization", value) for value in values] + list(more.items())
        return await client.get(path, headers=headers)

    assert (await ask("/guarded/a", f"Bearer {READER}")).json() == "k1"
    assert (await ask("/guarded/a", f"bearer {ADMIN}")).json() == "k2"
    problem(await ask("/writers", f"Bearer {READER}"), 403)
    unknown = f"Bearer {READER}y"
    refused = ("Bearer", "Bearer ", f"Basic {READER}", unknown, "Bearer " + "x" * 9_000)
    for value in (*refused, READER):
        response = await ask("/guarded/a", value)
        problem(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"
    problem(await ask("/guarded/a"), 401)
    problem(await ask("/guarded/a", f"Bearer {READER}", f"Bearer {ADMIN}"), 401)
    assert (await ask("/guarded/a", f"Bearer {PAGE}", Origin="https://shop.example")).is_success
    problem(await ask("/guarded/a", f"Bearer {PAGE}", Origin="https://evil.example"), 403)


async def test_request_ids_are_kept_when_safe(client: httpx.AsyncClient) -> None:
    kept = await client.get("/nowhere", headers={"X-Request-Id": "order-2026-0001"})
    assert problem(kept, 404)["request_id"] == "order-2026-0001"
    for insane in ("short", "x" * 200, 'quote"quote"', "a b c d e f"):
        made = await client.get("/nowhere", headers={"X-Request-Id": insane})
        assert problem(made, 404)["request_id"] not in (insane, "")


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/docs", "/nowhere", "/away"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_operational_routes(client: httpx.AsyncClient, app: FastAPI) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}
    assert (await client.get("/health/ready")).json() == {"status": "ready"}
    await client.get("/nowhere/with/a/zigzag/path")
    text = (await client.get("/metrics")).text
    assert 'route="/health/live",status="200"' in text
    assert "zigzag" not in text
    assert (await client.get("/openapi.json")).json() == openapi_document(app)


async def test_the_reference_page_has_all_its_files(client: httpx.AsyncClient) -> None:
    """tests/integration/test_pages.py opens it in a browser."""
    page = await client.get("/docs")
    assert page.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'"
    )
    assert "unsafe" not in page.headers["content-security-policy"]
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 4
    for path in named:
        assert path.startswith("/docs/")
        answer = await client.get(path)
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.content) > 100
    for path in ("/docs/main.py", "/docs/..%2f__init__.py", "/docs/../main.py"):
        problem(await client.get(path), 404)


async def test_the_front_page_is_json_unless_a_browser_asks(client: httpx.AsyncClient) -> None:
    told = await client.get("/")
    assert told.json()["service"] == "test"
    assert told.json()["reference"] == "/docs"
    page = await client.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert 'href="/docs"' in page.text


async def test_readiness_says_what_is_missing() -> None:
    health = Health("log", "database")
    app = create_app(service="test", lifespan=None, health=health)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://laurel.test") as client:
        body = problem(await client.get("/health/ready"), 503)
        assert [error["field"] for error in body["errors"]] == ["log", "database"]
        health.set("log", True)
        health.set("database", False, "cannot connect: refused")
        body = problem(await client.get("/health/ready"), 503, "database")
        assert body["errors"][0]["message"] == "cannot connect: refused"
        health.set("database", True)
        assert (await client.get("/health/ready")).is_success


def test_the_document_declares_problems_on_every_operation(app: FastAPI) -> None:
    document = openapi_document(app)
    for operations in document["paths"].values():
        for operation in operations.values():
            for status in ("400", "413", "500", "503"):
                answer = operation["responses"][status]
                assert answer == {"$ref": f"#/components/responses/Problem{status}"}
    for answer in document["components"]["responses"].values():
        assert PROBLEM_MEDIA_TYPE in answer["content"]
    assert "HTTPValidationError" not in json.dumps(document)
    money = document["components"]["schemas"]["Order"]["properties"]["net"]
    assert "amount_minor" in json.dumps(money)


def test_a_router_without_strict_json_is_refused(app: FastAPI) -> None:
    with pytest.raises(TypeError, match="Router"):
        app.include_router(APIRouter())
