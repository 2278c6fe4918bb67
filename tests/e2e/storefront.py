"""A small shop for a browser on localhost: a page with a buy button, and its server.

Promise: the shop uses only the click id in its own URL, as a real shop would.
What can go wrong: a failing checkout closes its connection, and the page never shows "Thank you".
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from typing_extensions import override

PAGE: Final = b"""<!doctype html>
<html lang="en"><title>A bag</title><link rel="icon" href="data:,">
<h1>A bag</h1><button>Buy</button><p></p>
<script>
document.querySelector("button").onclick = async () => {
  const click_id = new URLSearchParams(location.search).get("lclid");
  const answer = await fetch("/checkout", {method: "POST", body: JSON.stringify({click_id})});
  document.querySelector("p").textContent = answer.ok ? "Thank you" : "Sorry";
};
</script>
"""


@contextmanager
def open_storefront(at_checkout: Callable[[str | None], None]) -> Iterator[str]:
    """Serve the shop and yield its base URL.

    `at_checkout` gets the click id (or None) of each purchase, on a thread of the server.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, "text/html", PAGE)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            at_checkout(json.loads(body)["click_id"])
            self._answer(200, "text/plain", b"sold")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        # Not the host name of the short links, so their cookies are separate.
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
