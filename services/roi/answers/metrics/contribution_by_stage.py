"""Metrics of contribution by the stage of the conversion; together they are `contribution`.

In a headline figure their sum is `contribution` to the minor unit. In a row it may differ by some
minor units, because each stage is rounded so that its rows add up.
"""

from typing import Final

from services.roi.answers.kinds import Example, Layer, Metric
from services.roi.answers.values import Unit
from shared.events import Stage


def contribution_at(stage: Stage) -> str:
    """Return the id of a stage's metric, which is that of its measure, too."""
    return f"contribution_at_{stage}"


def _at(stage: Stage) -> Metric:
    return Metric(
        id=contribution_at(stage),
        version=1,
        name=f"Contribution of the stage {stage}",
        formula=f"net_revenue × margin of the conversions whose stage is {stage}",
        inputs=(contribution_at(stage),),
        basis="booked: net revenue × margin",
        unit=Unit.MONEY,
        per_currency=True,
        additive=True,
        empty_value=(
            "0 when nothing was credited; null when an exchange rate is missing, never 0"
            " and never 1:1"
        ),
        source="Laurel's ledger, by the policy's stage map",
        compute=lambda contribution: contribution,
        example=Example({contribution_at(stage): 250_000}, 250_000),
        stage=stage,
        layer=Layer.BOOKED,
        by_default=False,
        no_interval="contribution as a whole has one; the squares are not kept by stage",
    )


AT_AWARENESS: Final = _at("awareness")
AT_ENGAGEMENT: Final = _at("engagement")
AT_CONSIDERATION: Final = _at("consideration")
AT_PURCHASE: Final = _at("purchase")
AT_RETENTION: Final = _at("retention")
AT_ADVOCACY: Final = _at("advocacy")
