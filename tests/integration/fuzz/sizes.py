"""Bodies whose texts, lists and numbers are at a bound of a JSON schema, or one beyond.

Promise: every bound of the schema gives bodies on both sides of it. Each body differs from the
base in one field.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]
# A character of one byte and one of four.
CHARACTERS: Final = ("x", "\U0001d11e")


@dataclass(frozen=True, slots=True)
class SizedBody:
    """A body with one field at a bound (`fits`) or one beyond. `path` names the field."""

    path: tuple[str, ...]
    body: Json
    fits: bool


def sized_bodies(
    document: Json, schema: Json, base: Json, path: tuple[str, ...] = ()
) -> Iterator[SizedBody]:
    """Yield the bodies of an object schema; references point into `document`."""
    for kind in _kinds(document, schema):
        for name, found in kind.get("properties", {}).items():
            here = (*path, name)
            for part in _kinds(document, found):
                for value, fits in _edges(document, part):
                    yield SizedBody(here, _with(base, here, value), fits)
                if "properties" in part and "lines" not in here:
                    yield from sized_bodies(document, part, base, here)


def _kinds(document: Json, schema: Json) -> Iterator[Json]:
    """Yield the schema, or its alternatives, without references."""
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        yield from _kinds(document, found)
    elif "anyOf" in schema:
        for alternative in schema["anyOf"]:
            yield from _kinds(document, alternative)
    else:
        yield schema


def _edges(document: Json, schema: Json) -> Iterator[tuple[Any, bool]]:
    is_free = not {"pattern", "enum", "const", "format"} & schema.keys()
    if schema.get("type") == "string" and "maxLength" in schema and is_free:
        for character in CHARACTERS:
            yield character * schema["maxLength"], True
            yield character * (schema["maxLength"] + 1), False
    if schema.get("type") == "array" and "maxItems" in schema:
        item = next(_samples(document, schema["items"]))
        yield [item] * schema["maxItems"], True
        yield [item] * (schema["maxItems"] + 1), False
    if schema.get("type") == "integer" and "maximum" in schema:
        yield int(schema["maximum"]), True
        yield int(schema["maximum"]) + 1, False


def _samples(document: Json, schema: Json) -> Iterator[Any]:
    for kind in _kinds(document, schema):
        yield {"string": "x" * kind.get("maxLength", 8), "integer": 1}.get(
            kind.get("type", ""), {"sku": "x"}
        )


def _with(base: Json, path: tuple[str, ...], value: Any) -> Json:
    body = copy.deepcopy(base)
    inner = body
    for name in path[:-1]:
        if not isinstance(inner.get(name), dict):
            inner[name] = {}
        inner = inner[name]
    inner[path[-1]] = value
    return body
