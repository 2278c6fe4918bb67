"""Write the generated pages: AsyncAPI of the log, OpenAPI of each service, settings, and metrics.

Promise: `docs/api/*.json`, `docs/settings.md` and `docs/metrics.md` are generated, never edited.
A test fails when they do not match the code; `make schemas` writes them again.
"""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from pydantic.fields import FieldInfo

from deploy.metrics_page import metrics_page
from services.attribution import app as attribution
from services.attribution.settings import AttributionSettings
from services.roi import app as roi
from services.roi.settings import RoiSettings
from services.tracking import app as tracking
from services.tracking.settings import TrackingSettings
from shared import catalog, credits, events
from shared.api.app import openapi_document
from shared.clock import SystemClock
from shared.http.health import Health
from shared.log import topics
from shared.settings import PREFIX, ReadBy, Settings
from shared.telemetry import Telemetry

FOLDER: Final = Path("docs/api")
SETTINGS_PAGE: Final = Path("docs/settings.md")
METRICS_PAGE: Final = Path("docs/metrics.md")
REFERENCE: Final = "#/components/schemas/{name}"
# Settings with which every app can be built; no connection is opened.
NOWHERE: Final = {
    "LAUREL_SECRET_KEY": "only to describe the calls",
    "LAUREL_DATABASE_URL": "postgresql://none@localhost/none",
}

Document = dict[str, Any]


def asyncapi() -> Document:
    """Return the AsyncAPI 3.0 document of the three public topics."""
    messages: Document = {}
    schemas: Document = {}
    channels: Document = {}
    for topic, union in (
        (topics.EVENTS, events.AnyEvent),
        (topics.CREDITS, credits.AnyCredits),
        (topics.CATALOG, catalog.AnyCatalogRecord),
    ):
        kinds = get_args(union)
        schemas |= _schemas(kinds)
        messages |= {kind.__name__: _message(kind) for kind in kinds}
        channels[topic.name] = _channel(topic, [kind.__name__ for kind in kinds])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Laurel's log",
            "version": "1",
            "description": "Events, credits and catalog, JSON;"
            " CloudEvents 1.0 attributes of events as headers.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "components": {"messages": messages, "schemas": schemas},
    }


def _schemas(kinds: Sequence[type[msgspec.Struct]]) -> Document:
    _, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    return components


def _message(kind: type[msgspec.Struct]) -> Document:
    return {
        "name": kind.__name__,
        "summary": (kind.__doc__ or "").split("\n")[0],
        "payload": {"$ref": REFERENCE.format(name=kind.__name__)},
    }


def _channel(topic: topics.Topic, names: Sequence[str]) -> Document:
    kept = (
        "compacted, for ever"
        if topic.compacted
        else f"{(topic.retention_ms or 0) // topics.DAY_MS} days"
    )
    return {
        "address": topic.name,
        "description": f"{topic.partitions} partition(s), kept {kept}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def openapi() -> dict[str, Document]:
    """Return the OpenAPI document of each service by its name, from the app that it serves."""
    collector = TrackingSettings.load(NOWHERE)
    clock = SystemClock()
    tracking_app = tracking.Tracking(collector, tracking.choose_log(collector, clock), clock).app
    ledger = attribution.Attribution(attribution.outside_of(AttributionSettings.load(NOWHERE)))
    roi_settings = RoiSettings.load(NOWHERE)
    outside, telemetry = roi.outside_of(roi_settings), Telemetry(roi.SERVICE)
    with ThreadPoolExecutor(1) as threads:
        answers = roi.build_app(roi_settings, outside, Health(), telemetry, lambda: None, threads)
    apps = {
        tracking.SERVICE: tracking_app,
        attribution.SERVICE: ledger.build_app(),
        roi.SERVICE: answers,
    }
    return {service: openapi_document(app) for service, app in apps.items()}


def documents() -> dict[str, Document]:
    """Return every published document by its file name."""
    described = {f"openapi-{service}.json": document for service, document in openapi().items()}
    return {"asyncapi.json": asyncapi()} | described


def dump(document: Document) -> str:
    """Return the text of a document: sorted keys, indented, with a newline at the end."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


_SETTINGS_INTRO: Final = """# Settings: what Laurel reads from the environment

Generated from the settings classes by `make schemas`. Laurel reads settings from the environment
when a process starts; an unknown `LAUREL_` name stops the start with the nearest known name. An
empty value means "not set". One environment can feed all services: each reads what is its own.

| name | default | read by | meaning |
|---|---|---|---|
"""


def settings_page() -> str:
    """Return `docs/settings.md`: name, default, readers and meaning of each setting."""
    fields: dict[str, FieldInfo] = {}
    for settings in (Settings, TrackingSettings, AttributionSettings, RoiSettings):
        fields |= settings.model_fields
    return _SETTINGS_INTRO + "".join(_setting(name, field) for name, field in fields.items())


def _setting(name: str, field: FieldInfo) -> str:
    default = "not set" if field.default is None else f"`{field.default}`"
    readers = [word for mark in field.metadata if isinstance(mark, ReadBy) for word in mark.names]
    meaning = " ".join((field.description or "").split())
    return f"| `{PREFIX}{name.upper()}` | {default} | {', '.join(readers)} | {meaning} |\n"


def main() -> int:
    """Write every document; return 0."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    SETTINGS_PAGE.write_text(settings_page())
    METRICS_PAGE.write_text(metrics_page())
    for name, document in documents().items():
        (FOLDER / name).write_text(dump(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
