"""Dimension `topic`: what the content is about. Rows overlap.

A placement with three topics is in three rows with all that it earned and cost, so the rows have no
sum. Headline figures and totals count it once.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

TOPIC: Final = Dimension(
    id="topic",
    label="Topic",
    source=FromCatalog(Entity.PLACEMENT, "topics", is_list=True),
    empty="no topic",
)
