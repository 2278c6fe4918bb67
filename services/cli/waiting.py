"""Shows a person that something is being waited for, and what.

Promise: on a terminal one line that changes; in a pipe one line per change, so a log of a start can be read later.
"""

from services.cli.console import out
from services.cli.output import Say
from services.cli.profile import Api, Profile
from services.cli.ready import QUESTIONS, wait_until_ready
from shared.clock import Clock

# What a healthy start needs at most; after that, what is missing is said in full.
PATIENCE_SECONDS = 15.0


async def wait_and_tell(profile: Profile, clock: Clock, say: Say) -> None:
    """Wait until the key works on every service, showing which are still missing and, when it takes long, why."""
    began = clock.monotonic()
    told: set[str] = set()

    def tell(missing: dict[str, str]) -> None:
        status.update("waiting for " + ", ".join(missing) if missing else "ready")
        for service in QUESTIONS:
            if service not in missing and service not in told:
                told.add(service)
                say(service, "is ready")
        if clock.monotonic() - began > PATIENCE_SECONDS:
            for service, lack in missing.items():
                if f"{service} {lack}" not in told:
                    told.add(f"{service} {lack}")
                    say(service, f"not ready yet: {lack}")

    with out.status("waiting for the services") as status:
        async with Api(profile) as api:
            await wait_until_ready(api, clock, tell)
