"""Dimension `stage`: of the customer journey; the conversion's stage for money, the touch's for
clicks.

Costs have no stage.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow

STAGE: Final = Dimension(id="stage", label="Stage", source=FromRow("stage"))
