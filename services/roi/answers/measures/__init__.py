"""The registry of measures; each file here holds one measure or a family of them.

`discover` finds the files, so no list is edited.
"""

from typing import Final

from services.roi.answers.kinds import Measure
from services.roi.answers.registry import discover

MEASURES: Final = discover(__name__, __path__, Measure)
