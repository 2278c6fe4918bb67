"""The page `docs/metrics.md`: the metric dictionary for people, made from the registry.

Promise: each metric is on the page once, with its id, formula, unit, basis, meaning of an empty
value, worked example, source and interval, or why it has none. What can go wrong: nothing at run
time; a test fails when the page does not match the registry.
"""

import textwrap
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final, get_args

from services.roi.answers.dictionary import MEASURES, METRICS_IN_ORDER
from services.roi.answers.intervals import LEVEL, ORDERS_LEAST
from services.roi.answers.kinds import Metric
from services.roi.answers.values import RATIO_STEPS, Unit
from shared.credits import UNITS_PER_CONVERSION
from shared.events import Stage
from shared.money import format_minor

COLUMNS: Final = 120
# Examples are in a currency with two decimals; which one makes no difference.
_EXAMPLE_CURRENCY: Final = "EUR"

_TITLE: Final = "# Metrics: what each figure means\n"
_INTRO: Final = (
    "Generated from the registry of metrics by `make schemas`. `GET /v1/metrics` answers with the"
    " same entries. Ask for figures by `metrics=` and their ids.",
    "A word that has several meanings has an id for each, such as the engagement rate by views and"
    " the one by impressions. So figures with one id are made in the same way. A changed formula"
    " gets a new version, and an answer names the versions of its figures.",
    "A figure that cannot be known is empty (null) and never 0. Money is in the currency in which"
    " it was earned or spent, or in that of `currency=`. Amounts of examples have two decimals.",
)
_OVER_ALL: Final = "The whole journey"
_STAGE: Final = "Stage: {stage}"
_UNITS: Final = {
    Unit.COUNT: "a count",
    Unit.CONVERSIONS: "conversions, which may be fractions",
    Unit.MONEY: "money",
    Unit.RATIO: "a number, rounded to six decimals",
}


def metrics_page() -> str:
    """Return the page: first what tells about the whole journey, then the stages in their order."""
    parts = [_TITLE, *("\n".join(_wrapped(paragraph)) + "\n" for paragraph in _INTRO)]
    for stage in (None, *get_args(Stage)):
        metrics = [metric for metric in METRICS_IN_ORDER if metric.stage == stage]
        if metrics:
            parts.append(f"## {_OVER_ALL if stage is None else _STAGE.format(stage=stage)}\n")
            parts += map(_entry, metrics)
    return "\n".join(parts)


def _entry(metric: Metric) -> str:
    lines = [f"### {metric.name}: `{metric.id}`", "", *_wrapped(_sentence(metric.formula)), ""]
    for word, told in _told(metric):
        lines += _wrapped(f"- {word}: {_sentence(told)}", indent="  ")
    return "\n".join(lines) + "\n"


def _told(metric: Metric) -> Iterator[tuple[str, str]]:
    yield "Unit", _UNITS[metric.unit] + (", one for each currency" if metric.per_currency else "")
    yield "Rows", "add up to the total" if metric.additive else "do not add up"
    yield "Basis", metric.basis
    yield "Empty", metric.empty_value
    yield "Example", _example(metric)
    yield "Source", metric.source
    yield "Interval", _interval(metric)
    asked = "in every answer" if metric.by_default else "in an answer that asks for it"
    yield "Version", f"{metric.version}, {asked}"


def _interval(metric: Metric) -> str:
    interval = metric.interval
    if interval is None:
        return f"none: {metric.no_interval}"
    least = f"; null below {ORDERS_LEAST} kept purchases and renewals" if interval.orders else ""
    return f"{LEVEL * 100:.0f} %: {interval.assumption}{least}. {interval.source}"


# Inputs that say whether a figure is known, and not how much it is.
_KNOWN: Final = ("_reports", "_known", "_without_rate", "_without_worth", "_without_count")


def _example(metric: Metric) -> str:
    """Return `cost 10,000.00 and clicks 400 give 25.00`; how much is known is left out."""
    named = [
        f"{name} {_shown(MEASURES[name].unit, metric.example.sums[name], UNITS_PER_CONVERSION)}"
        for name in metric.inputs
        if not name.endswith(_KNOWN)
    ]
    verb = "gives" if len(named) == 1 else "give"
    return f"{' and '.join(named)} {verb} {_shown(metric.unit, metric.example.value, 1)}"


def _shown(unit: Unit, value: int | Fraction, conversions_in: int) -> str:
    """Return a number for people; conversions are counted in so many parts of one."""
    match unit:
        case Unit.MONEY:
            text = format_minor(round(value), _EXAMPLE_CURRENCY)
            whole, point, rest = text.partition(".")
            return f"{int(whole):,}{point}{rest}" if whole not in ("-0", "0") else text
        case Unit.CONVERSIONS:
            return f"{float(Fraction(value, conversions_in)):,g}"
        case Unit.RATIO:
            return f"{round(value * RATIO_STEPS) / RATIO_STEPS:,g}"
        case Unit.COUNT:
            return f"{round(value):,}"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _wrapped(text: str, indent: str = "") -> Iterable[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
