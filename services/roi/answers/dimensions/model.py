"""Dimension `model`: the credit models side by side, in the order of `CREDIT_MODELS`.

Touches and costs belong to every model alike: each model carries all of them and has totals of its
own.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow
from shared.models import CREDIT_MODELS

MODEL: Final = Dimension(
    id="model", label="Model", source=FromRow("model"), order=list(CREDIT_MODELS).index
)
