"""What the composition root hands to the routes of tracking, and the check of an API key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.tracking.domain.deliveries import Adapter
from services.tracking.pipeline.accept_events import Intake
from services.tracking.store.quotas import Counted
from shared.http.auth import Principal, authorize
from shared.http.problems import busy_problem


@dataclass(frozen=True, slots=True)
class Parts:
    """The intake of events, and the adapters of vendors by name."""

    intake: Intake
    adapters: Mapping[str, Adapter]


def authorized(intake: Intake, counted: Counted = Counted.EVENTS) -> Callable[[str], Any]:
    """Return the dependency that checks a key and counts the request in a quota."""

    async def lookup(key_hash: bytes) -> Principal | None:
        principal = intake.catalog.principal(key_hash)
        if principal is None and not intake.catalog.is_complete:
            raise busy_problem("the keys are not loaded yet")
        return principal

    def admit(principal: Principal) -> None:
        intake.quotas.take(counted, principal)

    return authorize(lookup, admit)
