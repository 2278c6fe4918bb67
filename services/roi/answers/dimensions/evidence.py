"""Dimension `evidence`: by what the credit was earned: click, code, code+click, acquired, …

Touches and costs have no class of evidence, and neither have entries of older releases.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow

EVIDENCE: Final = Dimension(id="evidence", label="Evidence", source=FromRow("evidence_class"))
