"""The bodies of `POST /v1/events` and `POST /v1/social`: split the array, and read each item.

Promise: a bad event never affects the others, also when its text is malformed inside a well-formed
array. What can go wrong: `read_item` raises a `Problem` that names fields of that event.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ValidationError

from services.tracking.domain.claims import Report
from services.tracking.wire.event_bodies import AdjustmentIn, ConversionIn
from services.tracking.wire.social_bodies import SocialIn
from services.tracking.wire.survey_bodies import SurveyedIn
from services.tracking.wire.touch_bodies import (
    ClickedIn,
    EngagedIn,
    IdentifiedIn,
    ReferredIn,
    TouchIn,
    ViewedIn,
    VisitedIn,
)
from shared.events import CONVERSIONS, ConversionKind, SocialReported, tag_of
from shared.http.body import parse_json
from shared.http.problems import FieldError, Problem, field_errors, field_problem

EVENTS_MAX: Final = 500
# One report, alone or in a batch. The strangest JSON of this size takes 75 ms; an order with 500
# line items has half of it.
REPORT_BYTES_MAX: Final = 256 * 1024

CONVERSION_KINDS: Final[dict[str, ConversionKind]] = {
    tag_of(facts.event): kind for kind, facts in CONVERSIONS.items()
}
TOUCHES: Final[dict[str, type[TouchIn]]] = {
    "clicked": ClickedIn,
    "viewed": ViewedIn,
    "visited": VisitedIn,
    "engaged": EngagedIn,
    "identified": IdentifiedIn,
    "referred": ReferredIn,
    "surveyed": SurveyedIn,
}
ADJUSTED: Final = "order_adjusted"
SOCIAL: Final = tag_of(SocialReported)
TYPES: Final = (*CONVERSION_KINDS, *TOUCHES, ADJUSTED, SOCIAL)


def item_schemas() -> list[dict[str, Any]]:
    """Return the JSON schema of each kind of item, for the OpenAPI document."""
    return [
        _with_types(ConversionIn, *CONVERSION_KINDS),
        _with_types(AdjustmentIn, ADJUSTED),
        _with_types(SocialIn, SOCIAL),
        *(_with_types(model, name) for name, model in TOUCHES.items()),
    ]


def social_schema() -> dict[str, Any]:
    """Return the JSON schema of one report of counts, for the OpenAPI document."""
    return SocialIn.model_json_schema()


def _with_types(model: type[BaseModel], *names: str) -> dict[str, Any]:
    schema = model.model_json_schema()
    schema.pop("examples", None)
    inner = schema.pop("$defs", {})
    word = {"type": "string", "enum": list(names), "description": "The type of the event."}
    schema["properties"] = {"type": word} | {
        name: _without_references(field, inner)
        for name, field in schema["properties"].items()
        if name != "type"
    }
    schema["required"] = ["type", *(name for name in schema["required"] if name != "type")]
    return schema


def _without_references(schema: Any, inner: Mapping[str, Any]) -> Any:
    """Return a schema with each model inside it in place of the reference to it."""
    if isinstance(schema, list):
        return [_without_references(item, inner) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        named = inner[schema["$ref"].rpartition("/")[2]]
        schema = {**named, **{key: schema[key] for key in schema if key != "$ref"}}
    return {key: _without_references(value, inner) for key, value in schema.items()}


_items: Final = msgspec.json.Decoder(list[msgspec.Raw])


def split_array(body: bytes) -> list[bytes]:
    """Return the items of a JSON array as raw JSON.

    Raises `Problem`: 400 for no JSON, 422 for no array, 413 for more than `EVENTS_MAX` items.
    """
    try:
        items = _items.decode(body)
    except msgspec.ValidationError:
        raise Problem(422, None, "send a JSON array of events", [_BODY]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "Malformed JSON", f"the body is not valid JSON: {error}") from None
    if len(items) > EVENTS_MAX:
        raise Problem(413, None, f"send at most {EVENTS_MAX} events at once, not {len(items)}")
    return [bytes(item) for item in items]


_BODY: Final = FieldError("body", "send a JSON array of events")


def read_item(raw: bytes) -> tuple[str, Report]:
    """Return the type and the claim of one event. Raises `Problem`."""
    value = _object(raw)
    event_type = value.get("type")
    if not isinstance(event_type, str) or event_type not in TYPES:
        raise field_problem("type", f"must be one of {', '.join(TYPES)}")
    try:
        return event_type, _read_typed(event_type, value)
    except ValidationError as error:
        raise Problem(422, None, "", field_errors(error.errors())) from None


def read_social(raw: bytes) -> tuple[str, Report]:
    """Return the type and the claim of one report of counts. Raises `Problem`."""
    value = _object(raw)
    try:
        return SOCIAL, SocialIn.model_validate(value).claim()
    except ValidationError as error:
        raise Problem(422, None, "", field_errors(error.errors())) from None


def _object(raw: bytes) -> Mapping[str, Any]:
    if len(raw) > REPORT_BYTES_MAX:
        raise field_problem("event", f"is larger than {REPORT_BYTES_MAX} bytes")
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise field_problem("event", "is not a JSON object")
    return value


def _read_typed(event_type: str, value: Mapping[str, Any]) -> Report:
    if event_type in TOUCHES:
        return TOUCHES[event_type].model_validate(value).claim()
    fields = {name: field for name, field in value.items() if name != "type"}
    if event_type == ADJUSTED:
        return AdjustmentIn.model_validate(fields).claim()
    if event_type == SOCIAL:
        return SocialIn.model_validate(fields).claim()
    kind = CONVERSION_KINDS[event_type]
    if fields.setdefault("kind", kind) != kind:
        raise field_problem("kind", f"disagrees with type {event_type}, which is a {kind}")
    return ConversionIn.model_validate(fields).claim()
