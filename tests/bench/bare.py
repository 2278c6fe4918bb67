"""The limit of the redirect: a bare ASGI app that answers a constant 302, under the server settings of Laurel's own services.

Promise: nothing but the server and the framing of one answer stands between the socket and this app.
"""

import argparse
from typing import Final

from starlette.types import Receive, Scope, Send

from shared.http.server import run, serve

_START: Final = {
    "type": "http.response.start",
    "status": 302,
    "headers": [(b"location", b"https://shop.example/p?x=1"), (b"content-length", b"0")],
}
_BODY: Final = {"type": "http.response.body", "body": b""}


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """302, whatever is asked."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    await send(_START)
    await send(_BODY)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def main() -> None:
    """Serve on the given port."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bare", description=main.__doc__)
    parser.add_argument("port", type=int)
    run(serve(bare, "127.0.0.1", parser.parse_args().port))


if __name__ == "__main__":
    main()
