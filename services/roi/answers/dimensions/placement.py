"""Dimension `placement`: the piece of content itself."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

PLACEMENT: Final = Dimension(
    id="placement", label="Placement", source=FromCatalog(Entity.PLACEMENT)
)
