"""Dimension `cta`: what the content asks people to do."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

CTA: Final = Dimension(
    id="cta",
    label="Call to action",
    source=FromCatalog(Entity.PLACEMENT, "cta"),
    empty="no call to action",
)
