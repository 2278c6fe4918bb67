"""HTTP shapes of `GET /v1/funnel`, and a funnel as JSON.

Promise: as in `GET /v1/roi`, one currency in an answer gives single values, several give a list
with one item each. Missing is null, never 0. The pydantic models describe the same body in the
OpenAPI document that `funnel_body` makes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, create_model

from services.roi.answers.answer_shapes import CurrencyMoney, CurrencyRatio, RoiMeta
from services.roi.answers.assemble import Answer, Figures, Values
from services.roi.answers.funnel.funnel import Funnel, StageFigures, funnel_of
from services.roi.answers.funnel.people import UNKNOWN, ByStage, People, StagePeople
from services.roi.answers.funnel.sensitivity import Moved, sensitivity_of
from services.roi.answers.funnel.stages import COST_METRICS, RATES, VOLUMES, StageMetrics
from services.roi.answers.kinds import Headline, Layer, Metric
from services.roi.answers.metrics.bcr import BCR
from services.roi.answers.value_json import money_writer, number_of, ratio_writer
from services.roi.answers.values import Unit
from shared.api.shapes import WITHOUT_SOURCE, AnswerModel, MoneyOut
from shared.events import Stage

_Money = MoneyOut | None | list[CurrencyMoney]
_Ratio = float | None | list[CurrencyRatio]
# The benefit-cost ratio that ends with a layer.
LAYERED_RATIOS: Final = {
    Layer.BOOKED: "booked",
    Layer.MODELLED: "with_modelled",
    Layer.ASSUMED: "with_assumed",
}


class LayeredMoney(AnswerModel):
    """Money in the three layers, which are never added."""

    booked: _Money
    """Contribution of the ledger: net revenue times margin, by the stage of the conversion."""
    modelled: _Money
    """What is expected of what was measured before; null where nothing is known."""
    assumed: _Money
    """What the brand's value rates say that the volumes are worth; null without a rate, and where
    nobody reported them."""


class LayeredRatios(AnswerModel):
    """The same for each unit of cost."""

    booked: _Ratio
    """Booked return per unit of cost."""
    modelled: _Ratio
    """Modelled return per unit of cost; null where nothing is known."""
    assumed: _Ratio
    """Assumed return per unit of cost; null without a rate, and for all stages where a volume lacks
    the rate of its day."""


class RateOf(AnswerModel):
    """The two volumes that a rate compares."""

    volume: str
    """The volume of this stage."""
    of: str
    """The volume of the stage before."""


class BenefitCostRatios(AnswerModel):
    """Benefit over cost, layer upon layer."""

    booked: _Ratio
    """Booked benefit over cost."""
    with_modelled: _Ratio
    """Booked and modelled benefit over cost; null where the modelled is not known."""
    with_assumed: _Ratio
    """Booked and assumed benefit over cost, and modelled where it is known; null where the assumed
    is not known."""


def _volume(metric: Metric) -> Any:
    return (int if metric.unit is Unit.COUNT else float) | None


if TYPE_CHECKING:
    StageVolumes = AnswerModel
    StageCosts = AnswerModel
    StageRates = AnswerModel
else:
    StageVolumes = create_model(
        "StageVolumes",
        __base__=AnswerModel,
        __cls_kwargs__=WITHOUT_SOURCE,
        __doc__="The volumes of a stage: its own ones, and those that the policy adds.",
        **{
            metric.id: (
                _volume(metric),
                Field(default=None, description=f"{metric.name}: {metric.formula}."),
            )
            for metric in VOLUMES
        },
    )
    StageCosts = create_model(
        "StageCosts",
        __base__=AnswerModel,
        __cls_kwargs__=WITHOUT_SOURCE,
        __doc__="What one unit of a volume costs: of own ones, and of those that the policy adds.",
        **{
            metric.id: (
                _Money,
                Field(default=None, description=f"{metric.name}: {metric.formula}."),
            )
            for metric in COST_METRICS
        },
    )
    StageRates = create_model(
        "StageRates",
        __base__=AnswerModel,
        __cls_kwargs__=WITHOUT_SOURCE,
        __doc__="Rates of counts that the policy adds to a stage.",
        **{
            metric.id: (
                float | None,
                Field(default=None, description=f"{metric.name}: {metric.formula}."),
            )
            for metric in RATES
        },
    )


class FunnelStage(AnswerModel):
    """One stage of the customer journey."""

    stage: Stage
    """The stage."""
    volumes: StageVolumes
    """How often it happened; null where nobody reported it."""
    rate_from_previous: float | None
    """The leading volume of this stage over that of the stage before; null when one is missing."""
    rate_of: RateOf | None
    """Which two volumes the rate compares; null without a rate."""
    cost_per_unit: StageCosts
    """The whole cost of the row over each volume; null when one is missing or zero."""
    rates: StageRates
    """The rates of the policy's KPI map; null when one cannot be known, and in `totals`."""
    return_: Annotated[LayeredMoney, Field(alias="return")]
    """What came back at this stage, in each layer."""
    return_per_cost: LayeredRatios
    """What came back at this stage for each unit of cost; the stages add up to `bcr`."""
    people: int | None
    """How many people had a conversion of this stage; null where no person is known, and where an
    answer has more than 10,000 conversions or 100,000 sums of them. A person may be of several
    rows: people never add."""
    median_days_to_next: float | None
    """The median days from a person's first conversion of this stage to the first of the next one
    after it, both of this row and these days; null where nobody has both."""
    median_days_sample: int | None
    """Of how many people the median is; null without one."""


class FunnelFigures(AnswerModel):
    """The six stages, in the order of the journey."""

    stages: list[FunnelStage]
    """Awareness, engagement, consideration, purchase, retention, advocacy."""
    bcr: BenefitCostRatios
    """Benefit over cost."""
    cost: _Money
    """The whole cost, of which every unit cost is taken."""
    gaps: list[str]
    """The stages that brought nothing, as sentences."""


class FunnelRow(FunnelFigures):
    """One row of a funnel."""

    group: dict[str, str | None]
    """The id or word of each dimension; null without one."""
    label: str
    """A name of the row for people."""


class Sensitivity(AnswerModel):
    """How the benefit-cost ratios move with one input, when all others stay. ROI moves alike."""

    input: str
    """What is moved: `net_revenue`, `margin`, `lead_worth` (of the modelled layer), `value_rates`
    (of the assumed one), or the kind of a cost."""
    lower: BenefitCostRatios
    """The ratios with 10 % less of it."""
    higher: BenefitCostRatios
    """The ratios with 10 % more of it."""


class FunnelProgram(FunnelFigures):
    """The funnel of the program, and what moves it."""

    sensitivity: list[Sensitivity]
    """The inputs by how far they move the ratio that holds every known layer, the farthest
    first."""


class FunnelAnswer(AnswerModel):
    """The answer to `GET /v1/funnel`."""

    meta: RoiMeta
    """The question and the moment of the answer."""
    rows: list[FunnelRow]
    """One row for each value of the dimensions."""
    program: FunnelProgram
    """All that creators brought and cost."""
    brand: FunnelFigures
    """What the brand's own content brought and cost."""
    totals: FunnelFigures
    """Everything together, without ratios: organic revenue is no return on a cost."""


def funnel_body(
    answer: Answer,
    meta: Mapping[str, Any],
    people: People | None,
    stages: Sequence[StageMetrics],
) -> dict[str, Any]:
    """Return the body of an answer that has the metrics of these stages, for one model."""
    headlines = {
        headline: people.of_headline(headline) if people else None for headline in Headline
    }
    write = _Writer(is_single=len(answer.currencies) == 1)
    program = _only(answer.headlines[Headline.PROGRAM])
    return {
        "meta": meta,
        "rows": [
            {
                "group": row.group,
                "label": row.label,
                **write.figures(
                    funnel_of(row.figures, stages), people.of_row(row) if people else None
                ),
            }
            for row in answer.rows
        ],
        "program": {
            **write.figures(funnel_of(program, stages), headlines[Headline.PROGRAM]),
            "sensitivity": [write.moved(one) for one in sensitivity_of(program)],
        },
        "brand": write.figures(
            funnel_of(_only(answer.headlines[Headline.BRAND]), stages), headlines[Headline.BRAND]
        ),
        "totals": write.figures(
            funnel_of(_only(answer.totals), stages, has_ratios=False),
            people.totals if people else None,
        ),
    }


def _only(by_model: Mapping[str, Figures]) -> Figures:
    (figures,) = by_model.values()
    return figures


class _Writer:
    """Writes funnels; `is_single`: the answer has one currency."""

    def __init__(self, *, is_single: bool) -> None:
        self._money: Callable[[Values], object] = money_writer(is_single=is_single)
        self._ratio: Callable[[Values], object] = ratio_writer(is_single=is_single)

    def figures(self, funnel: Funnel, people: ByStage | None) -> dict[str, Any]:
        """Return a funnel as JSON; `people` None: they are not known."""
        told = people or [UNKNOWN for _ in funnel.stages]
        return {
            "stages": [
                self._stage(stage, each) for stage, each in zip(funnel.stages, told, strict=True)
            ],
            BCR.id: self._ratios(funnel.bcr),
            "cost": self._money(funnel.cost),
            "gaps": funnel.gaps,
        }

    def moved(self, moved: Moved) -> dict[str, Any]:
        """Return how an input moves the ratios as JSON."""
        return {
            "input": moved.input,
            "lower": self._ratios(moved.lower),
            "higher": self._ratios(moved.higher),
        }

    def _ratios(self, by_layer: Mapping[Layer, Values]) -> dict[str, object]:
        return {name: self._ratio(by_layer[layer]) for layer, name in LAYERED_RATIOS.items()}

    def _stage(self, stage: StageFigures, people: StagePeople) -> dict[str, Any]:
        rate_of = stage.rate_of
        return {
            "stage": stage.stage,
            "volumes": {name: number_of(value) for name, value in stage.volumes.items()},
            "rate_from_previous": number_of(stage.rate),
            "rate_of": rate_of and {"volume": rate_of[0], "of": rate_of[1]},
            "cost_per_unit": {name: self._money(each) for name, each in stage.costs.items()},
            "rates": {name: number_of(value) for name, value in stage.rates.items()},
            "return": {layer.value: self._money(each) for layer, each in stage.returns.items()},
            "return_per_cost": {
                layer.value: self._ratio(each) for layer, each in stage.per_cost.items()
            },
            "people": people.count,
            "median_days_to_next": number_of(people.median_days),
            "median_days_sample": people.sample,
        }
