"""Quotas: how much one key, one workspace and the visitors of a host may send in a minute.

Promise: a count is checked before the work that it limits. The counts of a minute are kept in
memory, one number for each key, workspace and host of the catalog, and begin again with the next
minute.
Signed webhooks have no quota, because a shop ends a subscription that is refused.
What can go wrong: `Problem`, a 429 with the seconds until the next minute.
"""

from collections.abc import Mapping
from enum import Enum
from math import ceil
from typing import Final

from shared.clock import Clock
from shared.http.auth import Principal
from shared.http.problems import Problem
from shared.telemetry import Metric, Telemetry

WINDOW_SECONDS: Final = 60.0
# Tests of connections of a key: a person tries a payload, a program tries those of its own tests.
TESTS_A_MINUTE: Final = 120
# A workspace may send as much as so many of its keys.
KEYS_A_WORKSPACE: Final = 2


class Counted(Enum):
    """What is counted, in words for an answer."""

    EVENTS = "events"
    CLAIMS = "claims of a public key"
    UNKNOWN_CODES = "unknown short codes"
    TESTS = "tests of connections"


class _Minute:
    """The counts of one minute for one limit."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._ends_at = 0.0

    def take(self, name: str, amount: int) -> int:
        """Count and return 0; or count nothing and return the seconds until the next minute."""
        now = self._clock.monotonic()
        if now >= self._ends_at:
            self._counts, self._ends_at = {}, now + WINDOW_SECONDS
        used = self._counts.get(name, 0) + amount
        if used > self.limit:
            return ceil(self._ends_at - now)
        self._counts[name] = used
        return 0


class Quotas:
    """The quotas of one process."""

    def __init__(self, limits: Mapping[Counted, int], clock: Clock, telemetry: Telemetry) -> None:
        """`limits` are the amounts a minute of one key."""
        self._telemetry = telemetry
        self._of_keys = {what: _Minute(limit, clock) for what, limit in limits.items()}
        self._of_workspaces = {
            what: _Minute(limit * KEYS_A_WORKSPACE, clock) for what, limit in limits.items()
        }

    def take(self, what: Counted, principal: Principal, amount: int = 1) -> None:
        """Count for a key and its workspace. Raises the 429."""
        self._take(what, self._of_keys[what], "this key", principal.key_id, amount)
        self._take(
            what, self._of_workspaces[what], "this workspace", principal.workspace_id, amount
        )

    def take_of_visitors(self, what: Counted, host: str) -> None:
        """Count one for callers without a key, by the host of a brand. Raises the 429.

        `host` is empty for all hosts that are no brand's own.
        """
        whose = f"visitors of {host}" if host else "visitors"
        self._take(what, self._of_keys[what], whose, host, 1)

    def _take(self, what: Counted, minute: _Minute, whose: str, name: str, amount: int) -> None:
        seconds = minute.take(name, amount)
        if seconds:
            self._telemetry.count(Metric.QUOTA_REFUSALS, quota=what.name.lower())
            sentence = f"{whose} may send {minute.limit} {what.value} a minute"
            raise Problem(429, None, sentence, (), {"Retry-After": str(seconds)})
