"""Dimension `kind`: the kind of the conversion, such as a purchase or a lead.

Clicks and costs belong to no kind.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow
from shared.events import CONVERSIONS

KIND: Final = Dimension(
    id="kind",
    label="Conversion kind",
    source=FromRow("conversion_kind"),
    order=list(CONVERSIONS).index,
    words=tuple(CONVERSIONS),
)
