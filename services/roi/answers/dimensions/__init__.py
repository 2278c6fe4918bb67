"""The registry of dimensions; each file here holds one dimension or a family of them.

`discover` finds the files, so no list is edited.
"""

from typing import Final

from services.roi.answers.kinds import Dimension
from services.roi.answers.registry import discover

DIMENSIONS: Final = discover(__name__, __path__, Dimension)
