"""Metric `conversion_rate`: credited conversions over clicks."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import of_trials
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Ratio, Unit, divide
from shared.credits import UNITS_PER_CONVERSION


def _conversions_per_click(units: int, clicks: int) -> Ratio | None:
    return divide(units, clicks * UNITS_PER_CONVERSION)


CONVERSION_RATE: Final = Metric(
    id="conversion_rate",
    version=1,
    name="Conversion rate",
    formula="conversions ÷ clicks",
    inputs=(
        "units",
        "clicks",
    ),
    basis="credited by the model, per click",
    unit=Unit.RATIO,
    per_currency=False,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed.,"
        " chapter 9: conversion rate; the base here is clicks"
    ),
    compute=_conversions_per_click,
    example=Example({"units": 12_500_000, "clicks": 400}, Fraction(1, 32)),
    interval=of_trials("units", "clicks"),
)
