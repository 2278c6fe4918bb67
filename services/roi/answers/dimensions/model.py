"""Dimension `model`: the credit model, in the order of `CREDIT_MODELS`.

Touches and costs belong to every model: each model has all of them, and its own totals.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow
from shared.models import CREDIT_MODELS

MODEL: Final = Dimension(
    id="model",
    label="Model",
    source=FromRow("model"),
    order=list(CREDIT_MODELS).index,
    words=tuple(CREDIT_MODELS),
)
