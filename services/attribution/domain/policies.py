"""Which policy binds a conversion: the version valid when it occurred, else the built-in default.

Promise: every conversion has a policy. The default's id is empty and never shown.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from shared.catalog import Policy

_ALWAYS: Final = datetime(1, 1, 1, tzinfo=UTC)
DEFAULT_POLICY: Final = Policy(workspace_id="", id="", revision=0, recorded_at=_ALWAYS)


def policy_for(policies: Iterable[Policy], occurred_at: datetime) -> Policy:
    """The policy with the greatest `valid_from` at or before the moment; of equals the one recorded last."""
    binding = [
        policy
        for policy in policies
        if policy.deleted_at is None and (policy.valid_from or _ALWAYS) <= occurred_at
    ]
    if not binding:
        return DEFAULT_POLICY
    return max(binding, key=lambda p: (p.valid_from or _ALWAYS, p.recorded_at, p.revision, p.id))
