"""Metrics `assumed_return` and `assumed_at_…`: what the brand's value rates say volumes are worth.

They are of the layer `assumed`, which is never added to another one without saying so. A figure is
missing where a volume has no rate on its day, and where nothing was reported that a rate values.
"""

from collections.abc import Mapping
from typing import Final

from services.roi.answers.kinds import Example, Layer, Metric
from services.roi.answers.values import Unit
from shared.events import Stage

# The counts that a rate values, by stage.
_VALUED: Final[Mapping[Stage, tuple[str, ...]]] = {
    "awareness": ("impressions", "views"),
    "engagement": ("likes", "comments", "shares", "saves"),
    "consideration": ("clicks", "leads"),
}
_SOURCE: Final = (
    "Earned media value by unit rates: AMEC, Barcelona Principles 3.0 (2020), principle 5, warns"
    " that such a value is no measure of the worth of communication, so it stands apart"
)

# Why nothing that is assumed has an interval.
NOT_MEASURED: Final = (
    "a value rate is set by the brand and measured by nobody, so it is not known how far it is off"
)


def _amount_at(stage: Stage) -> str:
    return f"assumed_at_{stage}"


def _known_at(stage: Stage) -> str:
    return f"assumed_at_{stage}_known"


def _lacking(*stages: Stage) -> tuple[str, ...]:
    return tuple(f"{name}_without_rate" for stage in stages for name in _VALUED[stage])


def _amount(known: int, amount: int | None, *lacking: int) -> int | None:
    """Return the amount; None when nothing is known or a rate is missing."""
    return amount if known and not any(lacking) else None


def _whole(*inputs: int | None) -> int | None:
    """Return the sum of the stages; None when nothing is known or a rate is missing."""
    count = len(_VALUED)
    known, amounts, lacking = inputs[:count], inputs[count : 2 * count], inputs[2 * count :]
    if not any(known) or any(lacking):
        return None
    valued = [amount for amount in amounts if amount is not None]
    return sum(valued) if len(valued) == count else None


def _at(stage: Stage) -> Metric:
    # A million showings at 0.01 and at 0.01 more since May: 20,000.00.
    given = {_known_at(stage): 2, _amount_at(stage): 2_000_000}
    return Metric(
        id=_amount_at(stage),
        version=1,
        name=f"Assumed return of the stage {stage}",
        formula=f"Σ {', '.join(_VALUED[stage])}, each × its value rate on that day and platform",
        inputs=(_known_at(stage), _amount_at(stage), *_lacking(stage)),
        basis="assumed: a rate that the brand set itself",
        unit=Unit.MONEY,
        per_currency=True,
        additive=True,
        empty_value="null without a rate, or when nobody reported the volumes; never 0",
        source=_SOURCE,
        compute=_amount,
        example=Example(dict.fromkeys(_lacking(stage), 0) | given, 2_000_000),
        stage=stage,
        layer=Layer.ASSUMED,
        by_default=False,
        may_be_missing=True,
        no_interval=NOT_MEASURED,
    )


AT_AWARENESS: Final = _at("awareness")
AT_ENGAGEMENT: Final = _at("engagement")
AT_CONSIDERATION: Final = _at("consideration")
ASSUMED_RETURN: Final = Metric(
    id="assumed_return",
    version=1,
    name="Assumed return",
    formula="Σ volumes × their value rates on that day and platform, of all stages",
    inputs=(
        *map(_known_at, _VALUED),
        *map(_amount_at, _VALUED),
        *_lacking(*_VALUED),
    ),
    basis="assumed: a rate that the brand set itself",
    unit=Unit.MONEY,
    per_currency=True,
    additive=True,
    empty_value="null without a rate, or when nobody reported the volumes; never 0",
    source=_SOURCE,
    compute=_whole,
    example=Example(
        dict.fromkeys(_lacking(*_VALUED), 0)
        | dict.fromkeys(map(_known_at, _VALUED), 1)
        | dict(zip(map(_amount_at, _VALUED), (2_000_000, 190_000, 3_200), strict=True)),
        2_193_200,
    ),
    layer=Layer.ASSUMED,
    by_default=False,
    may_be_missing=True,
    no_interval=NOT_MEASURED,
)
