"""Dimension `objective`: what the placement's campaign is for."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

OBJECTIVE: Final = Dimension(
    id="objective",
    label="Campaign objective",
    source=FromCatalog(Entity.CAMPAIGN, "objective"),
    empty="no objective",
)
