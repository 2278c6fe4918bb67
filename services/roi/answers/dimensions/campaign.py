"""Dimension `campaign`: the campaign that the placement belongs to."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

CAMPAIGN: Final = Dimension(
    id="campaign", label="Campaign", source=FromCatalog(Entity.CAMPAIGN), empty="no campaign"
)
