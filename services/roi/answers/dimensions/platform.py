"""Dimension `platform`: the platform that the placement was published on."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

PLATFORM: Final = Dimension(
    id="platform",
    label="Platform",
    source=FromCatalog(Entity.PLACEMENT, "platform"),
    empty="no platform",
)
