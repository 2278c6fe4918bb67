"""The OpenAPI documents describe each field and parameter, and have an example of each call.

tests/integration/test_examples.py sends the examples to running services.
"""

import functools
from collections.abc import Iterator
from typing import Any, Final

import pytest

from deploy import schemas

SERVICES: Final = ("tracking", "attribution", "roi")
WITH_BODY: Final = ("post", "put", "patch")
WORDS_MIN: Final = 2
openapi = functools.cache(schemas.openapi)

Json = dict[str, Any]


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield method, path, operation


def fields(schema: Any, where: str) -> Iterator[tuple[str, Json]]:
    """Yield every property at any depth of a schema with its path, without references."""
    if isinstance(schema, list):
        for item in schema:
            yield from fields(item, where)
    if not isinstance(schema, dict):
        return
    for name, found in schema.get("properties", {}).items():
        yield f"{where}.{name}", found
        yield from fields(found, f"{where}.{name}")
    for part in ("items", "anyOf", "oneOf", "allOf", "additionalProperties", "prefixItems"):
        yield from fields(schema.get(part), where)


def is_described(found: Json) -> bool:
    return len(found.get("description", "").split()) >= WORDS_MIN


@pytest.mark.parametrize("service", SERVICES)
def test_every_field_is_described(service: str) -> None:
    document = openapi()[service]
    bare = [
        place
        for name, schema in document["components"]["schemas"].items()
        for place, found in fields(schema, name)
        if not is_described(found)
    ]
    for method, path, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {})
        bare += [
            f"{method} {path}: {place}"
            for content in body.values()
            for place, found in fields(content.get("schema"), "body")
            if not is_described(found)
        ]
    assert bare == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_parameter_and_call_is_described(service: str) -> None:
    bare = []
    for method, path, operation in operations(openapi()[service]):
        if not operation.get("summary"):
            bare.append(f"{method} {path}")
        bare += [
            f"{method} {path}: {parameter['name']}"
            for parameter in operation.get("parameters", ())
            if not is_described(parameter)
        ]
    assert bare == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_call_has_an_example(service: str) -> None:
    document = openapi()[service]
    without = []
    for method, path, operation in operations(document):
        if method in WITH_BODY and example_body(document, operation) is None:
            without.append(f"{method} {path}: body")
        without += [
            f"{method} {path}: {parameter['name']}"
            for parameter in operation.get("parameters", ())
            if parameter["required"] and example_value(parameter) is None
        ]
    assert without == []


def example_body(document: Json, operation: Json) -> Any:
    """Return the example of the body of an operation, beside or in its schema, or None."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "example" in content:
        return content["example"]
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return next(iter(schema.get("examples", ())), None)


def example_value(parameter: Json) -> Any:
    """Return the example of a parameter, or None."""
    return next(iter(parameter["schema"].get("examples", ())), parameter.get("example"))
