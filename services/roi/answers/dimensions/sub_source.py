"""Dimension `sub_source`: what a link's `?s=` told: which video, which position.

Costs have none. It is read from the entries.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow

SUB_SOURCE: Final = Dimension(id="sub_source", label="Sub-source", source=FromRow("sub_source"))
