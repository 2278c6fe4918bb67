"""Telemetry: one line for each event, no secret in a line, no metric outside the list."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from shared.telemetry import METRICS, Kind, Metric, Telemetry, configure_logging, get_logger

KEY = "lrl_sec_abcdefgh_" + "s" * 32


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    yield io.StringIO()
    structlog.reset_defaults()
    logging.basicConfig(force=True, handlers=[logging.NullHandler()])


def logged(stream: io.StringIO) -> dict[str, Any]:
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1, lines
    parsed: dict[str, Any] = json.loads(lines[0])
    return parsed


def test_a_line_has_its_event_fields_and_service(stream: io.StringIO) -> None:
    configure_logging("roi", stream=stream)
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        get_logger("test").info("batch_stored", records=12)
    line = logged(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "batch_stored",
        "records": 12,
        "request_id": "r-1",
        "level": "info",
        "logger": "test",
        "service": "roi",
    }


def test_lines_of_libraries_have_the_same_shape(stream: io.StringIO) -> None:
    configure_logging("roi", stream=stream)
    logging.getLogger("uvicorn.error").warning("shutting %s", "down", extra={"token": "t"})
    line = logged(stream)
    assert (line["event"], line["level"], line["token"]) == (
        "shutting down",
        "warning",
        "(redacted)",
    )


def test_control_characters_cannot_break_a_line(stream: io.StringIO) -> None:
    configure_logging("roi", stream=stream)
    text = "a\r\nINFO forged\x1b[31m\u2028\x00 \ud800"
    get_logger("test").info("seen", text=text)
    assert logged(stream)["text"] == text


def test_pretty_lines_are_one_line_too(stream: io.StringIO) -> None:
    configure_logging("roi", stream=stream, pretty=True)
    get_logger("test").info("seen", text="a\r\nforged\x1b[31m")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b[31mforged" not in stream.getvalue()
    assert r"\r\nforged" in stream.getvalue()


@pytest.mark.parametrize(
    "fields",
    [
        {"authorization": f"Bearer {KEY}"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"headers": {"cookie": f"session={KEY}"}},
        {"text": f"the key {KEY} was sent"},
        {"list": [f"Bearer {KEY}"]},
        {"error": ValueError(f"bad {KEY}")},
        {"secret_key": "s" * 32},
        {"client_secret": "s" * 32, "password": "s" * 32, "api_key": "s" * 32},
        {"url": f"postgresql://laurel_roi:{'s' * 32}@/db?host=/x"},
    ],
)
def test_secrets_never_reach_a_line(stream: io.StringIO, fields: dict[str, Any]) -> None:
    configure_logging("roi", stream=stream)
    get_logger("test").warning("seen", **fields)
    line = stream.getvalue()
    assert "s" * 32 not in line
    assert "dXNlcjpwYXNz" not in line
    assert line.count("\n") == 1


def test_a_traceback_is_one_line_without_secrets(stream: io.StringIO) -> None:
    configure_logging("roi", stream=stream)
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError as error:
        get_logger("test").error("failed", exc_info=error)
    line = logged(stream)
    assert "ValueError: bad key lrl_sec_abcdefgh_…" in line["exception"]


def test_levels_below_are_dropped(stream: io.StringIO) -> None:
    configure_logging("roi", stream=stream, level="WARNING")
    get_logger("test").info("unseen")
    logging.getLogger("library").info("unseen")
    assert stream.getvalue() == ""


def test_metrics_are_named_by_the_rules() -> None:
    names = [shape.name for shape in METRICS]
    assert len(set(names)) == len(names) == len(Metric)
    for shape in METRICS:
        assert shape.name.startswith("laurel_")
        assert shape.name.endswith("_total") == (shape.kind is Kind.COUNTER)
        assert shape.meaning.endswith(".")
        assert bool(shape.buckets) == (shape.kind is Kind.HISTOGRAM)


def test_only_declared_observations_are_taken() -> None:
    telemetry = Telemetry("test")
    telemetry.count(Metric.BATCH_RECORDS, 5, topic="laurel.events", outcome="stored")
    telemetry.set(Metric.JOURNAL_BYTES, 10)
    telemetry.observe(Metric.BATCH_SECONDS, 0.02, topic="laurel.events")
    text = telemetry.render().decode()
    assert 'laurel_batch_records_total{outcome="stored",topic="laurel.events"} 5.0' in text
    assert "laurel_journal_bytes 10.0" in text
    with pytest.raises(TypeError, match="is a counter"):
        telemetry.set(Metric.BATCH_RECORDS, 1, topic="a", outcome="b")
    with pytest.raises(ValueError, match="label"):
        telemetry.count(Metric.BATCH_RECORDS, 1, topic="a")
    with pytest.raises(ValueError, match="label"):
        telemetry.set(Metric.JOURNAL_BYTES, 1, topic="a")


def test_two_telemetry_objects_share_no_metric() -> None:
    one, two = Telemetry("one"), Telemetry("two")
    one.count(Metric.RELAYED, 3, topic="laurel.events")
    assert "laurel_relayed_records_total{" not in two.render().decode()
