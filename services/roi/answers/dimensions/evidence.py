"""Dimension `evidence`: by what the credit was earned, such as a click, a code, or both.

Clicks and costs have no evidence, and neither has credit that an early release published.
"""

from typing import Final, get_args

from services.roi.answers.kinds import Dimension, FromRow
from shared.credits import EvidenceClass

EVIDENCE: Final = Dimension(
    id="evidence",
    label="Evidence",
    source=FromRow("evidence_class"),
    order=get_args(EvidenceClass).index,
    words=get_args(EvidenceClass),
)
