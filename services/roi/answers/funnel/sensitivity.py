"""Which input of the program moves its benefit-cost ratio most, each moved by 10 % alone. Pure.

It is one-at-a-time sensitivity analysis (Boardman, Greenberg, Vining, Weimer, Cost-Benefit
Analysis, 5th ed., chapter 11: partial sensitivity analysis): every other input stays. ROI is the
ratio less 1, so it moves by as much.

Promise: inputs stand in the order of how far the ratio moves between 10 % less and 10 % more of
them, the farthest first. An input that is zero or not known is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from services.roi.answers.assemble import Figures, Values
from services.roi.answers.funnel.stages import WHOLES
from services.roi.answers.kinds import Layer
from services.roi.answers.metrics.cost_by_kind import COSTS_BY_KIND
from services.roi.answers.metrics.net_revenue import NET_REVENUE
from services.roi.answers.values import RATIO_STEPS, Ratio, Value

TENTH: Final = Fraction(1, 10)
# What moves the benefit of each layer. Revenue and margin are factors of one product.
_OF_LAYER: Final[Mapping[Layer, tuple[str, ...]]] = {
    Layer.BOOKED: (NET_REVENUE.id, "margin"),
    Layer.MODELLED: ("lead_worth",),
    Layer.ASSUMED: ("value_rates",),
}
INPUTS: Final = (*(name for names in _OF_LAYER.values() for name in names), *COSTS_BY_KIND)


@dataclass(frozen=True, slots=True)
class Moved:
    """The benefit-cost ratios with one input 10 % lower and 10 % higher, by layer as in `bcr`."""

    input: str
    lower: Mapping[Layer, Values]
    higher: Mapping[Layer, Values]


@dataclass(frozen=True, slots=True)
class _Sums:
    """Benefit by layer (None: not known) and cost of one currency."""

    benefits: Mapping[Layer, Fraction | None]
    cost: Fraction

    def moved(self, layer: Layer, by: Fraction) -> "_Sums":
        benefit = self.benefits[layer]
        more = None if benefit is None else benefit * (1 + by)
        return _Sums({**self.benefits, layer: more}, self.cost)

    def ratios(self) -> dict[Layer, Fraction | None]:
        """Return benefit over cost, layer upon layer; an unknown modelled one is left out."""
        found: dict[Layer, Fraction | None] = dict.fromkeys(Layer)
        total = self.benefits[Layer.BOOKED]
        if not self.cost or total is None:
            return found
        for layer in Layer:
            benefit = self.benefits[layer]
            if benefit is not None:
                total = benefit if layer is Layer.BOOKED else total + benefit
                found[layer] = total / self.cost
        return found


def sensitivity_of(figures: Figures) -> list[Moved]:
    """Return how the ratios move with each input, the strongest first."""
    currencies = [currency for currency, _ in _values(figures, "cost")]
    sums = [_sums(figures, number) for number in range(len(currencies))]
    found = []
    for name in INPUTS:
        moved = [_moved(figures, name, number, each) for number, each in enumerate(sums)]
        swing = max(one.swing for one in moved)
        if swing:
            lower = _by_layer(currencies, [one.lower for one in moved])
            higher = _by_layer(currencies, [one.higher for one in moved])
            found.append((swing, Moved(name, lower, higher)))
    return [moved for _, moved in sorted(found, key=lambda item: -item[0])]


def _by_layer(currencies: Sequence[str], ratios: "Sequence[_Ratios]") -> dict[Layer, Values]:
    return {
        layer: tuple(
            (currency, _shown(each[layer]))
            for currency, each in zip(currencies, ratios, strict=True)
        )
        for layer in Layer
    }


_Ratios = Mapping[Layer, Fraction | None]


class _MovedSums(NamedTuple):
    """The ratios of one currency, and how far the one that holds every known layer moves."""

    lower: _Ratios
    higher: _Ratios
    swing: Fraction


def _moved(figures: Figures, name: str, number: int, sums: _Sums) -> _MovedSums:
    """Return the ratios with less and with more of an input."""
    lower, higher = (each.ratios() for each in _versions(figures, name, number, sums))
    swings = [
        abs(more - less)
        for layer in Layer
        if (less := lower[layer]) is not None and (more := higher[layer]) is not None
    ]
    return _MovedSums(lower, higher, swings[-1] if swings else Fraction(0))


def _versions(figures: Figures, name: str, number: int, sums: _Sums) -> Iterator[_Sums]:
    for by in (-TENTH, TENTH):
        kind = COSTS_BY_KIND.get(name)
        if kind is not None:
            spent = _amount(_values(figures, kind.id)[number][1]) or Fraction(0)
            yield _Sums(sums.benefits, sums.cost + spent * by)
        else:
            layer = next(layer for layer, names in _OF_LAYER.items() if name in names)
            yield sums.moved(layer, by)


def _sums(figures: Figures, number: int) -> _Sums:
    benefits = {
        layer: _amount(_values(figures, WHOLES[layer].id)[number][1]) if layer in WHOLES else None
        for layer in Layer
    }
    cost = _amount(_values(figures, "cost")[number][1])
    return _Sums(benefits, cost or Fraction(0))


def _amount(value: Value) -> Fraction | None:
    return None if value is None else Fraction(value.numerator, value.denominator)


def _shown(value: Fraction | None) -> Value:
    return None if value is None else Ratio(round(value * RATIO_STEPS), RATIO_STEPS)


def _values(figures: Figures, name: str) -> Values:
    found = figures[name]
    assert isinstance(found, tuple), f"{name} has a value for each currency"
    return found
