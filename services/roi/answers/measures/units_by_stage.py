"""Measures of credited conversions of the late stages, in millionths of a conversion."""

from typing import Final

from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure, Only
from services.roi.answers.values import Unit
from shared.events import Stage


def _at(measure_id: str, stage: Stage) -> Measure:
    return Measure(
        id=measure_id,
        sentence=f"Credited conversions of the stage {stage} that were kept, in millionths.",
        unit=Unit.CONVERSIONS,
        fact=Fact.CREDITS,
        total=lambda row: func.sum(row.units),
        only=Only("stage", (stage,)),
    )


PURCHASES: Final = _at("purchases", "purchase")
RETAINED_ORDERS: Final = _at("retained_orders", "retention")
ADVOCACY_CONVERSIONS: Final = _at("advocacy_conversions", "advocacy")
