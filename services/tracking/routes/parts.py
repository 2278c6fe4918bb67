"""What the composition root hands to the routes of tracking."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.tracking.domain.deliveries import Adapter
from services.tracking.pipeline.accept_events import Intake


@dataclass(frozen=True, slots=True)
class Parts:
    """The intake of events, and the adapters of vendors by name."""

    intake: Intake
    adapters: Mapping[str, Adapter]
