"""The model of a PATCH, made from the model of a body.

Every field may be left out, null clears a field, and unknown fields are refused.

Promise: a PATCH is checked twice: field by field here, and then the whole object that it makes.
"""

from typing import Annotated, Any, Optional

from pydantic import BaseModel, Field, create_model

from shared.api.shapes import StrictModel


def patch_of(body: type[BaseModel], valid_from: Any = None) -> type[StrictModel]:
    """Return the model of a PATCH; `valid_from` is the type of an extra field of that name."""
    fields: dict[str, Any] = {}
    for name, info in body.model_fields.items():
        inner: Any = info.annotation
        for extra in info.metadata:
            inner = Annotated[inner, extra]
        told = Field(default=None, description=info.description)
        fields[name] = (Optional[inner], told)  # noqa: UP045 - the type is a run-time value
    if valid_from is not None:
        told = Field(default=None, description="From when on the change holds; null: always.")
        fields["valid_from"] = (valid_from, told)
    model: type[StrictModel] = create_model(
        body.__name__.removesuffix("Body") + "Patch", __base__=StrictModel, **fields
    )
    return model


def named_values(patch: BaseModel) -> dict[str, Any]:
    """Return the fields that the sender named, also those with null."""
    return {name: getattr(patch, name) for name in patch.model_fields_set}
