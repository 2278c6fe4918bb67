"""The model of a PATCH, made from the model of a body.

Every field may be left out, null clears a field, and unknown fields are refused.

Promise: a PATCH is checked twice: field by field here, and then the whole object that it makes.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Optional

from pydantic import BaseModel, BeforeValidator, Field, create_model
from pydantic.json_schema import SkipJsonSchema

from shared.api.shapes import WITHOUT_SOURCE, StrictModel

_Hidden = SkipJsonSchema[Any]


def patch_of(
    body: type[BaseModel], valid_from: Any = None, refused: Mapping[str, str] | None = None
) -> type[StrictModel]:
    """Return the model of a PATCH; `valid_from` is the type of an extra field of that name.

    `refused`: fields of the body that a PATCH never changes, with the message of their 422. The
    OpenAPI document omits them.
    """
    fields: dict[str, Any] = {}
    for name, info in body.model_fields.items():
        if refused is not None and name in refused:
            fields[name] = (_refused(refused[name]), Field(default=None))
            continue
        inner: Any = info.annotation
        for extra in info.metadata:
            inner = Annotated[inner, extra]
        told = Field(default=None, description=info.description)
        fields[name] = (Optional[inner], told)  # noqa: UP045 - the type is a run-time value
    if valid_from is not None:
        told = Field(default=None, description="From when on the change holds; null: always.")
        fields["valid_from"] = (valid_from, told)
    model: type[StrictModel] = create_model(
        body.__name__.removesuffix("Body") + "Patch",
        __base__=StrictModel,
        __cls_kwargs__=WITHOUT_SOURCE,
        **fields,
    )
    return model


def _refused(message: str) -> Any:
    def refuse(value: object) -> object:
        del value
        raise ValueError(message)

    inner: Any = _Hidden
    return Annotated[inner, BeforeValidator(refuse)]


def named_values(patch: BaseModel) -> dict[str, Any]:
    """Return the fields that the sender named, also those with null."""
    return {name: getattr(patch, name) for name in patch.model_fields_set}
