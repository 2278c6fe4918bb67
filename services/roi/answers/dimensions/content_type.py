"""Dimension `content_type`: what kind of content the placement is, such as a reel or a story."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

CONTENT_TYPE: Final = Dimension(
    id="content_type",
    label="Content type",
    source=FromCatalog(Entity.PLACEMENT, "content_type"),
    empty="no content type",
)
