"""Measures of contribution by the stage of the conversion; together they are `contribution`.

They are exact, in millionths of a minor unit. In each headline figure their rounded sums add up to
the rounded contribution.
"""

from typing import Final

from sqlalchemy import case, func

from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.measures.contribution import CONTRIBUTION
from services.roi.answers.values import Unit
from shared.events import Stage


def _at(stage: Stage) -> Measure:
    return Measure(
        id=f"contribution_at_{stage}",
        sentence=f"Credited net amounts of the stage {stage} times the margin of their day.",
        unit=Unit.MONEY,
        fact=Fact.CREDITS,
        total=lambda row: (
            func.sum(case((row.stage == stage, row.amount_minor), else_=0))
            * func.max(row.margin_millionths)
        ),
        per_currency=True,
        weighted_by_margin=True,
        parts=CONTRIBUTION.parts,
        converted_with=CONTRIBUTION.converted_with,
        part_of=CONTRIBUTION.id,
    )


AT_AWARENESS: Final = _at("awareness")
AT_ENGAGEMENT: Final = _at("engagement")
AT_CONSIDERATION: Final = _at("consideration")
AT_PURCHASE: Final = _at("purchase")
AT_RETENTION: Final = _at("retention")
AT_ADVOCACY: Final = _at("advocacy")
