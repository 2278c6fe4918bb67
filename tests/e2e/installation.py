"""A running Laurel for a test: its real processes, clients of it, and a brand in it.

Promise: `stop` leaves no process. A process that ends too early shows its output in the failure.
"""

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from tests.fixtures.postgres import SECRET_KEY

ADMIN_KEY: Final = "lrl_sec_e2etests_" + "k" * 32
SERVICES: Final = ("tracking", "attribution", "roi")
# Three interpreters and a database start on two cores that other tests use, too.
READY_SECONDS_MAX: Final = 240
STOP_SECONDS_MAX: Final = 20
# The first OpenAPI document of a process takes a second of a core that is not shared.
ANSWER_SECONDS_MAX: Final = 60

Json = dict[str, Any]
Found = TypeVar("Found")


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def eventually(look: Callable[[], Found | None], *, seconds: float = 90, what: str) -> Found:
    """Call `look` until it returns a value, and return it.

    None, False and connection errors mean "not yet".
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            found = look()
            if found is not None and found is not False:
                return found
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s (last error: {last})")


@dataclass
class Installation:
    """One Laurel: its folder, environment, processes and clients."""

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    clients: dict[tuple[str, str], httpx.Client] = field(default_factory=dict)
    # The interpreter that runs Laurel, with its installed libraries.
    python: str = sys.executable

    def __post_init__(self) -> None:
        self.ports = dict(zip((*SERVICES, "dashboard"), free_ports(4), strict=True))
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LAUREL_")}
        ports = {f"LAUREL_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        own = {
            "LAUREL_DATA_DIR": str(self.folder / "data"),
            "LAUREL_ADMIN_KEY": ADMIN_KEY,
            "LAUREL_SECRET_KEY": SECRET_KEY,
        }
        return {**kept, **ports, **own, **self.extra}

    def start(
        self,
        *words: str,
        name: str = "",
        environment: Mapping[str, str] | None = None,
        module: str = "services.cli",
    ) -> None:
        """Start `laurel <words>` or another module in the background; `name` is for `processes`."""
        name = name or "-".join(words)
        with (self.folder / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [self.python, "-m", module, *words],
                env={**self.environment, **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )

    def command(
        self, *words: str, seconds: float = 120, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `laurel <words>` to its end."""
        return subprocess.run(
            [self.python, "-m", "services.cli", *words],
            env={**self.environment, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=self.folder,
        )

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def wait_until_ready(self, key: str = ADMIN_KEY) -> None:
        """Wait until a key works on all three services."""

        def look() -> bool | None:
            for name, process in self.processes.items():
                assert process.poll() is None, f"laurel {name} ended:\n{self.output()}"
            self.client("roi", key).get("/v1/workspace").raise_for_status()
            self.client("attribution", key).get("/v1/lag").raise_for_status()
            self.client("tracking", key).post("/v1/events", json=[]).raise_for_status()
            return True

        try:
            eventually(look, seconds=READY_SECONDS_MAX, what="Laurel is ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output()}") from error

    def client(self, service: str, key: str = ADMIN_KEY) -> httpx.Client:
        """Return a client of one service with a key; `stop` closes it."""
        if (service, key) not in self.clients:
            headers = {"Authorization": f"Bearer {key}"}
            self.clients[service, key] = httpx.Client(
                base_url=self.url(service), headers=headers, timeout=ANSWER_SECONDS_MAX
            )
        return self.clients[service, key]

    def output(self) -> str:
        """Return the last lines of every process."""
        parts = []
        for path in sorted(self.folder.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-40:]
            parts.append(f"--- {path.name}\n" + "\n".join(lines))
        return "\n".join(parts)

    def stop(self) -> None:
        """Interrupt every process, and kill those that do not end in time."""
        for client in self.clients.values():
            client.close()
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Brand:
    """A brand in one workspace, used through the public API only."""

    def __init__(self, laurel: Installation, key: str = ADMIN_KEY) -> None:
        self.laurel = laurel
        self.key = key
        self.roi = laurel.client("roi", key)
        self.tracking = laurel.client("tracking", key)
        self.attribution = laurel.client("attribution", key)
        self.shop_secret = "shop-secret-of-the-tests"
        self.connection = self.create("connections", kind="shopify", secret=self.shop_secret)

    @classmethod
    def in_new_workspace(cls, laurel: Installation, name: str) -> "Brand":
        """Make a workspace by the command line, wait until its key works, and return its brand."""
        made = laurel.command("keys", "create", "--workspace", name, "--scopes", "admin")
        assert made.returncode == 0, made.stdout + made.stderr
        key = next(word for word in made.stdout.split() if word.startswith("lrl_sec_"))
        laurel.wait_until_ready(key)
        return cls(laurel, key)

    def create(self, what: str, **fields: Any) -> Json:
        """Create an entity of the catalog (or a cost)."""
        answer = self.roi.post(f"/v1/{what}", json=fields)
        assert answer.status_code == 201, answer.text
        created = answer.json()
        assert isinstance(created, dict)
        return created

    def click(self, code: str, **headers: str) -> str:
        """Follow a link as soon as it works; return the click id in the destination."""

        def look() -> httpx.Response | None:
            answer = httpx.get(f"{self.laurel.url('tracking')}/{code}", headers=headers, timeout=10)
            return answer if answer.status_code == 302 else None

        answer = eventually(look, what=f"the link {code} redirects")
        return httpx.URL(answer.headers["location"]).params["lclid"]

    def order(self, order_id: str, **fields: Any) -> Json:
        """Report a purchase with the secret key; return the body of the 202."""
        answer = self.tracking.post("/v1/conversions", json={"order_id": order_id, **fields})
        assert answer.status_code == 202, answer.text
        body = answer.json()
        assert body["accepted"] is True
        assert isinstance(body, dict)
        return body

    def shopify(self, topic: str, payload: Json) -> httpx.Response:
        """Deliver a signed Shopify webhook."""
        body = json.dumps(payload).encode()
        digest = hmac.new(self.shop_secret.encode(), body, hashlib.sha256).digest()
        return httpx.post(
            f"{self.laurel.url('tracking')}/webhooks/shopify/{self.connection['id']}",
            content=body,
            headers={
                "X-Shopify-Topic": topic,
                "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
                "Content-Type": "application/json",
            },
            timeout=10,
        )

    def assert_verified(self) -> None:
        """Assert that `laurel verify` succeeds on this workspace."""
        proved = self.laurel.command("verify", environment={"LAUREL_ADMIN_KEY": self.key})
        assert proved.returncode == 0, proved.stdout + proved.stderr

    def roi_answer(self, **query: str) -> Json:
        """Return the answer of /v1/roi."""
        answer = self.roi.get("/v1/roi", params=query)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert isinstance(body, dict)
        return body

    def explanation(self, order_id: str) -> Json | None:
        """Return the explanation of an order, or None while it is unknown."""
        answer = self.attribution.get("/v1/explanations", params={"order_id": order_id})
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert isinstance(body, dict)
        return body

    def credited_to(self, order_id: str, model: str = "last") -> dict[str, int]:
        """Return account to minor units of an order, summed over the ledger, without zeros."""
        body = self.explanation(order_id) or {"ledger": []}
        sums: dict[str, int] = {}
        for entry in body["ledger"]:
            if entry["model"] == model:
                amount = (entry["amount"] or {"amount_minor": 0})["amount_minor"]
                sums[entry["account"]] = sums.get(entry["account"], 0) + amount
        return {account: amount for account, amount in sums.items() if amount}


def by_label(answer: Json) -> dict[str, Json]:
    """Return the measures of the rows of an answer, by label."""
    rows: Sequence[Json] = answer["rows"]
    return {row["label"]: row["measures"] for row in rows}
