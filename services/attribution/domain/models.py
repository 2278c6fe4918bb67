"""The credit models as data: a name and a pure function from ordered kept touches to shares.

Promise: the shares of an additive model are exact fractions that sum to 1. A new model is one more line in `ADDITIVE_MODELS`. What can
go wrong: an unknown name is a bug, because the catalog's edge refuses it, and raises `KeyError`.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from services.attribution.domain.model import Candidate

Shares = tuple[Fraction, ...]
Model = Callable[[Sequence[Candidate]], Shares]  # oldest touch first, never empty

_ALL: Final = Fraction(1)
_NOTHING: Final = Fraction(0)


def first_touch(kept: Sequence[Candidate]) -> Shares:
    """Everything to the oldest touch."""
    return _all_to(0, len(kept))


def last_touch(kept: Sequence[Candidate]) -> Shares:
    """Everything to the newest touch."""
    return _all_to(len(kept) - 1, len(kept))


def linear(kept: Sequence[Candidate]) -> Shares:
    """Every touch the same; repeats count."""
    return (Fraction(1, len(kept)),) * len(kept)


def _all_to(index: int, count: int) -> Shares:
    return tuple(_ALL if position == index else _NOTHING for position in range(count))


ADDITIVE_MODELS: Final[Mapping[str, Model]] = {
    "first": first_touch,
    "last": last_touch,
    "linear": linear,
}
