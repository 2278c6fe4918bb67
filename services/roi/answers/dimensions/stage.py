"""Dimension `stage`: the customer-journey stage.

Money has the stage of the conversion, clicks have that of the touch.

Costs have no stage.
"""

from typing import Final, get_args

from services.roi.answers.kinds import Dimension, FromRow
from shared.events import Stage

STAGE: Final = Dimension(id="stage", label="Stage", source=FromRow("stage"), words=get_args(Stage))
