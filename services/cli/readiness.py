"""Wait until a key works on all services, then print the one address to open, and the others.

Promise: "ready" means that a first request succeeds: the catalog has reached tracking and
attribution, and their databases and logs answer. The requests record nothing. The admin key is
printed once, and only on a terminal; later runs print where it is.

What can go wrong: the wait has no end; the caller ends it, and a callback gets what is missing.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

import httpx
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.cli.console import LAUREL, Say, out, plain
from services.cli.profile import Api, Profile, Unreachable
from services.cli.startup import WORKSPACE, Access
from shared.clock import Clock
from shared.settings import Settings

POLL_SECONDS: Final = 0.1
# A healthy start needs less. After that the reasons of missing services are printed.
QUIET_SECONDS: Final = 15.0

# An empty batch passes tracking's key check and records nothing.
QUESTIONS: Final[dict[str, tuple[str, str, Any]]] = {
    "roi": ("GET", "/v1/workspace", None),
    "attribution": ("GET", "/v1/lag", None),
    "tracking": ("POST", "/v1/events", []),
    "dashboard": ("GET", "/health/ready", None),
}


# --- waiting -------------------------------------------------------------------------------------


async def wait_until_ready(api: Api, clock: Clock, tell: Callable[[dict[str, str]], None]) -> None:
    """Send the requests until the key works on every service.

    `tell` gets the reasons of the missing services, by service, after each round.
    """
    while True:
        missing = {service: lack for service in QUESTIONS if (lack := await _lack(api, service))}
        tell(missing)
        if not missing:
            return
        await clock.sleep(POLL_SECONDS)


async def _lack(api: Api, service: str) -> str:
    """Return why the key does not work on the service; empty when it does."""
    method, path, body = QUESTIONS[service]
    try:
        response = await api.send(method, service, path, json=body)
        if response.is_success:
            return ""
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return "does not have the key yet"
        return await health_detail(api, service) or f"answers {response.status_code}"
    except Unreachable:
        return "is starting"


async def health_detail(api: Api, service: str) -> str:
    """Return the reason that /health/ready gives; empty when the service is ready."""
    response = await api.send("GET", service, "/health/ready")
    if response.is_success:
        return ""
    try:
        body = response.json()
    except ValueError:
        return f"answers {response.status_code}"
    return str(body.get("detail") or body.get("missing") or body)


async def wait_and_tell(profile: Profile, clock: Clock, say: Say) -> None:
    """Wait, and print which services are missing; after `QUIET_SECONDS` also why.

    On a terminal one line changes; in a pipe each change is a line.
    """
    began = clock.monotonic()
    told: set[str] = set()

    def tell(missing: dict[str, str]) -> None:
        status.update("waiting for " + ", ".join(missing) if missing else "ready")
        for service in QUESTIONS:
            if service not in missing and service not in told:
                told.add(service)
                say(service, "is ready")
        if clock.monotonic() - began > QUIET_SECONDS:
            for service, lack in missing.items():
                if f"{service} {lack}" not in told:
                    told.add(f"{service} {lack}")
                    say(service, f"not ready yet: {lack}")

    with out.status("waiting for the services") as status:
        async with Api(profile) as api:
            await wait_until_ready(api, clock, tell)


# --- what is printed -----------------------------------------------------------------------------


def exposure(host: str) -> str:
    """Return a warning for an address that other machines reach; empty for a loopback address."""
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if is_loopback:
        return ""
    return (
        f"LAUREL_HOST={host} is no loopback address: other machines reach the services, without"
        " TLS and without the limits of a proxy (slow clients, header sizes, connections and"
        " rates per address). Put nginx with deploy/nginx.conf in front, and leave LAUREL_HOST at"
        " 127.0.0.1 where nginx runs on this machine"
    )


def announce(settings: Settings, profile: Profile, access: Access, sign_in: str) -> None:
    """Print that Laurel is ready: the address that signs in, the others, the key, what to try."""
    lines = [
        ("open", sign_in, "signs you in once, within the hour"),
        ("tracking", f"{profile.tracking}/docs", f"short links: {settings.short_base}/<code>"),
        ("attribution", f"{profile.attribution}/docs", "why was this credited?"),
        ("roi", f"{profile.roi}/docs", "campaigns, costs, answers"),
        ("dashboard", f"{profile.dashboard}/app/", f"`{LAUREL} sign-in` makes another link"),
        ("workspace", WORKSPACE, ""),
        ("key", *_key(access)),
        ("try", f"{LAUREL} demo", "a month of made-up traffic"),
        ("stop", "Ctrl-C", ""),
    ]
    if out.is_terminal:
        out.print(_panel(lines))
    else:
        plain("Laurel is ready.")
        for name, what, remark in lines:
            plain(f"  {name:<12} {what}" + (f"   ({remark})" if remark else ""))


def _key(access: Access) -> tuple[str, str]:
    if access.from_setting:
        return "LAUREL_ADMIN_KEY", "from the environment"
    if access.shown is not None:
        return access.shown, "admin key, shown this once: keep it"
    if access.file is not None:
        return str(access.file), "the admin key is in this file"
    return (
        "shown when it was made",
        f"lost it? {LAUREL} keys create --workspace {WORKSPACE} --scopes admin",
    )


def _panel(lines: list[tuple[str, str, str]]) -> Panel:
    table = Table.grid(padding=(0, 2))
    for name, what, remark in lines:
        # A wrapped key could not be copied.
        table.add_row(
            Text(name, style="bold"),
            Text(what, no_wrap=True, overflow="ignore"),
            Text(remark, style="quiet"),
        )
    return Panel.fit(table, title="Laurel is ready", border_style="good")
