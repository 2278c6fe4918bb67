"""The documents in docs/api are current and valid, and describe every answer."""

import asyncio
import functools
from pathlib import Path
from typing import Any, Final

import pytest
from openapi_spec_validator import validate

from deploy import schemas
from deploy.metrics_page import metrics_page
from deploy.schemas import asyncapi, documents, dump
from services.roi.answers.metrics import METRICS
from shared.settings import KNOWN_FIELDS

ROOT: Final = Path(__file__).resolve().parents[2]
SERVICES: Final = ("tracking", "attribution", "roi")
# Building three apps takes a second, so the documents are made once.
openapi = functools.cache(schemas.openapi)
OPERATIONAL: Final = ("/", "/health/live", "/health/ready", "/metrics")


def test_every_document_is_current() -> None:
    folder = ROOT / "docs/api"
    expected = {name: dump(document) for name, document in documents().items()}
    assert {path.name: path.read_text() for path in folder.glob("*.json")} == expected, (
        "run 'make schemas' and commit the result"
    )


def test_the_settings_page_is_current() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    assert page == schemas.settings_page(), "run 'make schemas' and commit the result"


def test_the_metrics_page_is_current() -> None:
    page = (ROOT / "docs/metrics.md").read_text()
    assert page == metrics_page(), "run 'make schemas' and commit the result"
    headings = [line for line in page.splitlines() if line.startswith("### ")]
    assert sorted(line.split("`")[1] for line in headings) == sorted(METRICS)


def test_every_setting_has_a_meaning_and_a_reader() -> None:
    rows = [line for line in schemas.settings_page().splitlines() if line.startswith("| `LAUREL_")]
    assert len(rows) == len(KNOWN_FIELDS)
    for row in rows:
        name, default, readers, meaning = (cell.strip() for cell in row.strip("|").split(" | "))
        assert default, name
        assert readers, name
        assert len(meaning.split()) >= 4, name


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi()
    text = dump(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])
    assert len(names) > 20


@pytest.mark.parametrize("service", SERVICES)
def test_every_openapi_document_is_valid(service: str) -> None:
    validate(openapi()[service])


def operations(service: str) -> list[tuple[str, str, dict[str, Any]]]:
    paths = openapi()[service]["paths"]
    return [
        (method, path, operation)
        for path, found in paths.items()
        for method, operation in found.items()
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_says_what_it_answers(service: str) -> None:
    """No status is a wildcard, each success has a shape, and each refusal is a problem."""
    found = operations(service)
    assert found
    for method, path, operation in found:
        answers = operation["responses"]
        assert all(status.isdecimal() for status in answers), (method, path, list(answers))
        for status, answer in answers.items():
            if int(status) >= 400:
                assert answer == {"$ref": f"#/components/responses/Problem{status}"}, (path, status)
            elif int(status) != 302:
                assert answer["content"], (method, path, status)
        if path not in OPERATIONAL:
            assert {"400", "413", "500", "503"} <= set(answers), (method, path)


def test_no_path_is_served_by_two_services() -> None:
    """So that one host name can serve all three services."""
    owned = [
        path
        for service in SERVICES
        for path in openapi()[service]["paths"]
        if path not in OPERATIONAL
    ]
    assert len(owned) == len(set(owned))


def test_describing_opens_nothing() -> None:
    """The documents need neither an event loop nor a database."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()
    assert set(schemas.openapi()) == set(SERVICES)
