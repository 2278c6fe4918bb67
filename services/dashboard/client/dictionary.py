"""The metric dictionary of roi, kept while the process runs: it is data of the release.

What can go wrong: while roi is away the names of metrics are their ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.dashboard.client.api import Api, Failed

KEPT_SECONDS: Final = 300.0


@dataclass(slots=True)
class Dictionary:
    """Asks once, and again after `KEPT_SECONDS`, because roi may be of a newer release."""

    _metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _read_at: float | None = None

    async def read(self, api: Api, now: float) -> "Metrics":
        """Return the dictionary; `now` is monotonic seconds."""
        if self._read_at is None or now - self._read_at > KEPT_SECONDS:
            answer = await api.get("roi", "/v1/metrics")
            if not isinstance(answer, Failed):
                self._metrics = {item["id"]: item for item in answer.body["items"]}
                self._read_at = now
        return Metrics(self._metrics)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics by id."""

    by_id: Mapping[str, Mapping[str, Any]]

    def name(self, metric: str) -> str:
        """Return the name of a metric as people read it."""
        found = self.by_id.get(metric)
        return metric.replace("_", " ").capitalize() if found is None else str(found["name"])

    def formula(self, metric: str) -> str | None:
        """Return the formula of a metric as text."""
        found = self.by_id.get(metric)
        return None if found is None else str(found["formula"])
