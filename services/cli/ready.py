"""Waits until a key really works on all three services, by asking each a question that records nothing.

Promise: "ready" means that a first request will be answered: the catalog has reached tracking and attribution, and their
databases and logs answer. What can go wrong: nothing ends the wait but the caller; what is still missing can be asked for.
"""

from collections.abc import Callable
from typing import Any, Final

import httpx

from services.cli.profile import Api, Unreachable
from shared.clock import Clock

POLL_SECONDS: Final = 0.1

# An empty batch passes tracking's key check and records nothing.
QUESTIONS: Final[dict[str, tuple[str, str, Any]]] = {
    "roi": ("GET", "/v1/workspace", None),
    "attribution": ("GET", "/v1/lag", None),
    "tracking": ("POST", "/v1/events", []),
}


async def wait_until_ready(api: Api, clock: Clock, tell: Callable[[dict[str, str]], None]) -> None:
    """Ask until all say yes; `tell` hears what each service that is not ready yet lacks."""
    while True:
        missing = {service: lack for service in QUESTIONS if (lack := await _lack(api, service))}
        tell(missing)
        if not missing:
            return
        await clock.sleep(POLL_SECONDS)


async def _lack(api: Api, service: str) -> str:
    """Why the key does not work there yet; empty when it does."""
    method, path, body = QUESTIONS[service]
    try:
        response = await api.send(method, service, path, json=body)
        if response.is_success:
            return ""
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return "has not heard of the key yet"
        return await health_detail(api, service) or f"answers {response.status_code}"
    except Unreachable:
        return "is starting"


async def health_detail(api: Api, service: str) -> str:
    """What /health/ready says is missing; empty when it is ready."""
    response = await api.send("GET", service, "/health/ready")
    if response.is_success:
        return ""
    try:
        body = response.json()
    except ValueError:
        return f"answers {response.status_code}"
    return str(body.get("detail") or body.get("missing") or body)
