"""At which stage of the customer journey a conversion or a touch stands: a map that a policy may override.

Promise: every kind has a stage. A policy overrides by kind: a touch kind (`click`), a conversion kind (`purchase`) or `later_purchase`.
What can go wrong: a policy with an unknown stage is a bug of the catalog's edge and raises `ValueError`.
"""

from collections.abc import Mapping
from typing import Final, get_args

from shared.credits import Stage, TouchKind
from shared.events import ConversionKind

LATER_PURCHASE: Final = "later_purchase"

_BY_NAME: Final[Mapping[str, Stage]] = {stage: stage for stage in get_args(Stage)}
_TOUCHES: Final[Mapping[TouchKind, Stage]] = {
    "view": "awareness",
    "survey": "awareness",  # "how did you hear of us?" asks for the first meeting
    "social": "engagement",
    "click": "consideration",
    "code": "purchase",  # a code is typed at the till
    "referral": "advocacy",
}
_CONVERSIONS: Final[Mapping[ConversionKind, Stage]] = {
    "lead": "consideration",
    "sign_up": "consideration",
    "download": "consideration",
    "purchase": "purchase",
    "renewal": "retention",
}


def touch_stage(kind: TouchKind, overrides: Mapping[str, str]) -> Stage:
    """The stage of a touch."""
    return _overridden(kind, overrides) or _TOUCHES[kind]


def conversion_stage(
    kind: ConversionKind, overrides: Mapping[str, str], *, bought_before: bool
) -> Stage:
    """The stage of a conversion; a later purchase is its own kind here."""
    if kind == "purchase" and bought_before:
        return _overridden(LATER_PURCHASE, overrides) or "retention"
    return _overridden(kind, overrides) or _CONVERSIONS[kind]


def _overridden(name: str, overrides: Mapping[str, str]) -> Stage | None:
    stage = overrides.get(name)
    if stage is None:
        return None
    if stage not in _BY_NAME:
        raise ValueError(f"a policy maps {name} to the unknown stage {stage!r}")
    return _BY_NAME[stage]
