"""A prompt answers what needs no more than an answer, in the order of the requests; everything else is the app's.

What holds with and without one (deadlines, sizes, malformed requests) is in `test_http_connections.py`.
"""

import pytest

from shared.http.protocol import Fields
from tests.fixtures.http import running
from tests.integration.shared.target import STATUS, Target, statuses

SECOND = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"

BY_THE_APP: dict[str, bytes] = {
    "HTTP/1.0": b"GET /a HTTP/1.0\r\nHost: x\r\n\r\n",
    "close": b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "upgrade": b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "another method": b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a body": b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "expect": b"GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
    "a prompt that passes": b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", BY_THE_APP)
async def test_a_prompt_answers_only_what_needs_no_more_than_an_answer(name: str) -> None:
    target = Target()
    async with running(target.edge(), prompt=target.prompt) as target.url:
        await target.ask(BY_THE_APP[name])
    assert target.heard
    assert target.prompted == 0


async def test_a_prompt_and_the_app_answer_in_the_order_of_the_requests() -> None:
    target = Target()
    head = b"HEAD /app HTTP/1.1\r\nHost: x\r\n\r\n"
    post = POST + b"Content-Length: 5\r\n\r\nhello"
    close = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with running(target.edge(), prompt=target.prompt) as target.url:
        answer = await target.tell(SECOND + post + SECOND + SECOND + head + SECOND + close)
    assert STATUS.findall(answer) == [b"302"] + [b"200"] * 6
    assert target.heard == ["/second", "/a", "/second", "/second", "/app", "/second", "/last"]
    assert target.prompted == 1  # the others had to wait behind the app


async def test_a_prompt_that_fails_leaves_the_request_to_the_app() -> None:
    target = Target()

    def failing(target: bytes, fields: Fields) -> bytes | None:
        raise ZeroDivisionError(target, fields)

    async with running(target.edge(), prompt=failing) as target.url:
        assert statuses(await target.ask(SECOND)) == [200]
    assert target.heard == ["/second"]
