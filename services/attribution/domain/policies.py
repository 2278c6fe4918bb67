"""The policy of a conversion: the version that is valid at its time, else the default.

Promise: every conversion has a policy. The id of the default is empty and is never shown.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from shared.catalog import Policy

_ALWAYS: Final = datetime(1, 1, 1, tzinfo=UTC)
DEFAULT_POLICY: Final = Policy(workspace_id="", id="", revision=0, recorded_at=_ALWAYS)


def policy_for(policies: Iterable[Policy], occurred_at: datetime) -> Policy:
    """Return the policy with the latest `valid_from` at that time; of equals the last recorded."""
    binding = [
        policy
        for policy in policies
        if policy.deleted_at is None and (policy.valid_from or _ALWAYS) <= occurred_at
    ]
    if not binding:
        return DEFAULT_POLICY
    return max(binding, key=lambda p: (p.valid_from or _ALWAYS, p.recorded_at, p.revision, p.id))
