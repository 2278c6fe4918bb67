"""Dimension `country`: the country of the placement's creator, as two letters of ISO 3166-1."""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

COUNTRY: Final = Dimension(
    id="country",
    label="Creator country",
    source=FromCatalog(Entity.CREATOR, "country"),
    empty="no country",
)
