"""The limits of tracking: a bare redirect and a bare intake, each under stock uvicorn.

`python -m tests.bench.bare_servers redirect PORT` serves an ASGI app that answers a constant 302.
`python -m tests.bench.bare_servers intake PORT` serves a FastAPI app with one route and the
pydantic model of a conversion: no key is checked and nothing is stored. Both run on uvloop and
httptools, as Laurel does, without an access log.
"""

import argparse
from collections.abc import Mapping
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from services.tracking.wire.answer_bodies import AcceptedOut
from services.tracking.wire.event_bodies import ConversionIn
from shared.ids import new_id

_START: Final = {
    "type": "http.response.start",
    "status": 302,
    "headers": [(b"location", b"https://shop.example/p?x=1"), (b"content-length", b"0")],
}
_BODY: Final = {"type": "http.response.body", "body": b""}
_EVENT_ID: Final = new_id()


async def bare_redirect(scope: Scope, receive: Receive, send: Send) -> None:
    """302 for every request."""
    await send(_START)
    await send(_BODY)


bare_intake: Final = FastAPI()


@bare_intake.post("/v1/conversions", status_code=202)
async def accept(conversion: ConversionIn) -> AcceptedOut:
    """202 for every valid conversion."""
    return AcceptedOut(event_id=_EVENT_ID)


APPS: Final[Mapping[str, ASGIApp]] = {"redirect": bare_redirect, "intake": bare_intake}


def main() -> None:
    """Serve one of the apps on a port."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.bare_servers", description=main.__doc__
    )
    parser.add_argument("app", choices=sorted(APPS))
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    uvicorn.run(
        APPS[given.app],
        port=given.port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
