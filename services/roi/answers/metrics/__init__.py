"""The registry of metrics; each file here holds one metric or a family of them.

`discover` finds the files, so no list is edited.
"""

from typing import Final

from services.roi.answers.kinds import Metric
from services.roi.answers.registry import discover

METRICS: Final = discover(__name__, __path__, Metric)
