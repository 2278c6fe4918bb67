"""The registry of credit models: name, parameters, whether additive, and a sentence for people.

Promise: this is the only list of the models. Types, defaults, OpenAPI enums and the output of the
command line are derived from `CREDIT_MODELS`. The function of a model is
`shares` in `services/attribution/domain/models/<name>.py`; attribution does not start when a
model has no function, or a function no model. Only the flag `is_additive` decides whether a
model's credits are ledger entries or memos.
What can go wrong: `ModelRejected` for a reference that names no model, or a parameter that the
model does not have or that is out of bounds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

# A policy names a model by its name, or as {"name": ..., parameter: value, ...}.
ModelRef = str | dict[str, str | int]
Parameters = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number that a policy may set. `minimum` and `maximum` are allowed values."""

    name: str
    default: int
    minimum: int
    maximum: int
    meaning: str


@dataclass(frozen=True, slots=True)
class CreditModel:
    """One credit model.

    `sentence` tells people what the model does. The credits of an additive model sum to the net
    of the conversion and are ledger entries; those of another model are memos, which are never
    summed. `is_default`: a policy that names no models has this one. `problem` checks the
    parameters together; it returns a sentence, or None if they are allowed.
    """

    name: str
    sentence: str
    parameters: tuple[Parameter, ...] = ()
    is_additive: bool = True
    is_default: bool = False
    problem: Callable[[Parameters], str | None] | None = None

    @property
    def defaults(self) -> dict[str, int]:
        """The default value of each parameter, by name."""
        return {parameter.name: parameter.default for parameter in self.parameters}


def _position_problem(values: Parameters) -> str | None:
    total = values["first_share_percent"] + values["last_share_percent"]
    if total <= 100:
        return None
    return f"first_share_percent and last_share_percent sum to {total}, at most 100 is possible"


CREDIT_MODELS: Final[Mapping[str, CreditModel]] = MappingProxyType(
    {
        model.name: model
        for model in (
            CreditModel("first", "the first touch takes all", is_default=True),
            CreditModel("last", "the last touch takes all", is_default=True),
            CreditModel("linear", "all touches share equally", is_default=True),
            CreditModel(
                "position",
                "the first and the last touch take 40 % each, those between share the rest"
                " (a policy may set other shares)",
                (
                    Parameter("first_share_percent", 40, 1, 99, "Share of the first touch."),
                    Parameter("last_share_percent", 40, 1, 99, "Share of the last touch."),
                ),
                problem=_position_problem,
            ),
            CreditModel(
                "time_decay",
                "the closer a touch is to the order, the more it takes",
                (
                    Parameter(
                        "half_life_days", 7, 1, 365, "A touch this much older takes half as much."
                    ),
                ),
            ),
            CreditModel(
                "last_non_brand",
                "the last touch that is not the brand's own content takes all",
            ),
            CreditModel(
                "participation",
                "each account that took part is shown the whole order, and each owner of a shared"
                " code a part of it; never summed",
                is_additive=False,
            ),
        )
    }
)
DEFAULT_MODELS: Final[tuple[str, ...]] = tuple(
    model.name for model in CREDIT_MODELS.values() if model.is_default
)

if TYPE_CHECKING:
    ModelName = str
else:
    # The closed list for decoders and schemas.
    ModelName = Literal[tuple(CREDIT_MODELS)]


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model and the values of all its parameters, as a policy sets them."""

    model: CreditModel
    parameters: Parameters

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.model.name


class ModelRejected(ValueError):
    """A reference to a model is wrong. `parameter` is the wrong one; None: the name is wrong."""

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


# For references that are plain names: each model with its defaults.
_PLAIN: Final[Mapping[str, ChosenModel]] = {
    name: ChosenModel(model, MappingProxyType(model.defaults))
    for name, model in CREDIT_MODELS.items()
}


def chosen_model(ref: ModelRef) -> ChosenModel:
    """Return the model of a reference, with defaults for the parameters that it does not set.

    Raises `ModelRejected`.
    """
    name = ref if isinstance(ref, str) else ref.get("name")
    plain = _PLAIN.get(name) if isinstance(name, str) else None
    if plain is None:
        raise ModelRejected(f"{name!r} is no credit model: use {', '.join(CREDIT_MODELS)}")
    if isinstance(ref, str):
        return plain
    model = plain.model
    values = dict(plain.parameters)
    for key, value in ref.items():
        if key != "name":
            values[key] = _checked(model, key, value)
    problem = model.problem(values) if model.problem else None
    if problem:
        raise ModelRejected(problem, model.parameters[0].name)
    return ChosenModel(model, MappingProxyType(values))


def model_name(ref: ModelRef) -> str:
    """Return the name of the model in a reference. Raises `ModelRejected`."""
    return chosen_model(ref).name


def is_additive(name: str) -> bool:
    """Return whether the credits of a model are ledger entries. Raises `KeyError` if unknown."""
    return CREDIT_MODELS[name].is_additive


def _checked(model: CreditModel, key: str, value: object) -> int:
    for parameter in model.parameters:
        if parameter.name == key:
            # JSON's true is an int in Python.
            if isinstance(value, bool) or not isinstance(value, int):
                raise ModelRejected("send a whole number", key)
            if not parameter.minimum <= value <= parameter.maximum:
                bounds = f"{parameter.minimum} to {parameter.maximum}"
                raise ModelRejected(f"send a whole number from {bounds}", key)
            return value
    known = ", ".join(parameter.name for parameter in model.parameters) or "none"
    raise ModelRejected(f"{model.name} has no such parameter; it has: {known}", key)
