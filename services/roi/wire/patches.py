"""From a body's model to the model of a correction: every field may be left out, null clears, unknown ones are refused.

Promise: a PATCH is checked twice: here, field by field, and as the whole object that it would leave behind.
"""

from typing import Annotated, Any, Optional

from pydantic import BaseModel, Field, create_model

from shared.api.shapes import StrictModel


def patch_of(body: type[BaseModel], valid_from: Any = None) -> type[StrictModel]:
    """The model of a PATCH. `valid_from` is the type of a field of that name to add, if any."""
    fields: dict[str, Any] = {}
    for name, info in body.model_fields.items():
        inner: Any = info.annotation
        for extra in info.metadata:
            inner = Annotated[inner, extra]
        told = Field(default=None, description=info.description)
        fields[name] = (Optional[inner], told)  # noqa: UP045 - built at run time from a value, where | would not do
    if valid_from is not None:
        told = Field(default=None, description="From when on the change holds; null: always.")
        fields["valid_from"] = (valid_from, told)
    model: type[StrictModel] = create_model(
        body.__name__.removesuffix("Body") + "Patch", __base__=StrictModel, **fields
    )
    return model


def named_values(patch: BaseModel) -> dict[str, Any]:
    """What the sender named, null included."""
    return {name: getattr(patch, name) for name in patch.model_fields_set}
