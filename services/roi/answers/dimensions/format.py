"""Dimension `format`: how the placement is made, such as a review or a tutorial."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

FORMAT: Final = Dimension(
    id="format",
    label="Format",
    source=FromCatalog(Entity.PLACEMENT, "format"),
    empty="no format",
)
