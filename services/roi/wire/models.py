"""The HTTP form of a policy's models: a name, or an object with the name and parameters.

Promise: checks and the OpenAPI document use the names, parameters, bounds and defaults of
`shared/models.py`. A model that is sent without parameters is stored as its name.
What can go wrong: 422 that names the item, and the parameter if one is wrong
(`models.1.half_life_days`).
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from services.roi.wire.fields import wrong_part
from shared.models import CREDIT_MODELS, CreditModel, ModelRef, ModelRejected, chosen_model


def _choice(value: object) -> ModelRef:
    """Return the reference as stored; raise for an unknown model or a wrong parameter."""
    if not isinstance(value, str | dict):
        raise ValueError('send the name of a model, or {"name": ..., parameter: value}')
    try:
        name = chosen_model(value).name
    except ModelRejected as error:
        if error.parameter is None:
            raise
        raise wrong_part(error.parameter, str(error)) from None
    return name if value == {"name": name} else value


def _no_model_twice(values: list[ModelRef]) -> list[ModelRef]:
    names = [chosen_model(value).name for value in values]
    if len(set(names)) != len(names):
        raise ValueError("names one model twice")
    return values


def _schema() -> dict[str, Any]:
    """Return the JSON schema: the names, and an object for each model with parameters."""
    objects = [_object(model) for model in CREDIT_MODELS.values() if model.parameters]
    names = {"type": "string", "enum": list(CREDIT_MODELS)}
    return {"anyOf": [names, *objects]}


def _object(model: CreditModel) -> dict[str, Any]:
    parameters = {
        parameter.name: {
            "type": "integer",
            "minimum": parameter.minimum,
            "maximum": parameter.maximum,
            "default": parameter.default,
            "description": parameter.meaning,
        }
        for parameter in model.parameters
    }
    return {
        "type": "object",
        "description": model.sentence,
        "properties": {
            "name": {
                "type": "string",
                "const": model.name,
                "description": "The name of the model.",
            },
            **parameters,
        },
        "required": ["name"],
        "additionalProperties": False,
    }


SCHEMA: Final = _schema()
ModelChoice = Annotated[ModelRef, PlainValidator(_choice), WithJsonSchema(SCHEMA)]
ModelChoices = Annotated[list[ModelChoice], Field(min_length=1), AfterValidator(_no_model_twice)]
