"""Dimension `creator`: who made the placement; the brand's own content has no creator."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

CREATOR: Final = Dimension(
    id="creator", label="Creator", source=FromCatalog(Entity.CREATOR), empty="brand"
)
