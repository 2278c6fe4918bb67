"""The stage of the customer journey of a conversion or a touch.

Promise: every kind has a stage, from `STAGES` of `shared/credits.py` or from the stage map of the
policy. The map names a touch kind (`click`), a conversion kind (`purchase`) or `later_purchase`.
What can go wrong: a policy with an unknown stage raises `ValueError`; the catalog's API refuses it.
"""

from collections.abc import Mapping
from typing import Final, get_args

from shared.credits import STAGES, TouchKind
from shared.events import LATER_PURCHASE, ConversionKind, Stage

_BY_NAME: Final[Mapping[str, Stage]] = {stage: stage for stage in get_args(Stage)}


def touch_stage(kind: TouchKind, overrides: Mapping[str, str]) -> Stage:
    """Return the stage of a touch."""
    return _stage(kind, overrides)


def conversion_stage(
    kind: ConversionKind, overrides: Mapping[str, str], *, bought_before: bool
) -> Stage:
    """Return the stage of a conversion; a later purchase is a kind of its own here."""
    is_later = kind == "purchase" and bought_before
    return _stage(LATER_PURCHASE if is_later else kind, overrides)


def _stage(kind: str, overrides: Mapping[str, str]) -> Stage:
    named = overrides.get(kind)
    if named is None:
        return STAGES[kind]
    if named not in _BY_NAME:
        raise ValueError(f"a policy maps {kind} to the unknown stage {named!r}")
    return _BY_NAME[named]
