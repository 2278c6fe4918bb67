"""What a process says about itself: JSON log lines, and the one typed list of every metric.

Promise: one event is one line with one event word and fields; control characters and what callers sent cannot break a
line, and keys, passwords and sealed secrets never reach it. Only members of `Metric` can be observed, so the list below
is the whole vocabulary. Each process holds its metrics in a `Telemetry` value: importing this file creates nothing.

What can go wrong: observing a metric as another kind, or with labels it does not declare, raises at once.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest


class Kind(Enum):
    """How a metric moves: only up, anywhere, or as a distribution."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """One metric: its kind, name, meaning, labels and, for a histogram, its bucket bounds."""

    kind: Kind
    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


# From a redirect (below a millisecond) to the 5 s within which every request ends.
_REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# From an empty batch to the 250 ms a workspace may be held, and beyond it to see a breach.
_BATCH_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class Metric(Enum):
    """Every metric of Laurel. A counter's name ends in `_total`, a unit stands last before it."""

    # HTTP, every service
    HTTP_REQUESTS = MetricDefinition(
        Kind.COUNTER,
        "laurel_http_requests_total",
        "Requests answered, by route and status.",
        ("route", "method", "status"),
    )
    HTTP_SECONDS = MetricDefinition(
        Kind.HISTOGRAM,
        "laurel_http_request_seconds",
        "Time from a request's arrival to the end of its answer.",
        ("route",),
        _REQUEST_SECONDS,
    )
    HTTP_FAILURES = MetricDefinition(
        Kind.COUNTER,
        "laurel_http_unexpected_failures_total",
        "Answers 500: each one is a bug.",
        ("route",),
    )

    # tracking: the public edge and its journal
    REDIRECTS = MetricDefinition(
        Kind.COUNTER,
        "laurel_redirects_total",
        "Visits to short links, by outcome.",
        ("outcome",),
    )
    INTAKE = MetricDefinition(
        Kind.COUNTER,
        "laurel_intake_total",
        "Events offered to tracking, by type and outcome.",
        ("type", "outcome"),
    )
    JOURNAL_BYTES = MetricDefinition(
        Kind.GAUGE, "laurel_journal_bytes", "Size of this process's journals."
    )
    JOURNAL_RECORDS = MetricDefinition(
        Kind.GAUGE, "laurel_journal_records", "Records in the journal not yet on the log."
    )
    JOURNAL_GROUPS = MetricDefinition(
        Kind.COUNTER,
        "laurel_journal_groups_total",
        "Groups of records fsynced, by outcome.",
        ("outcome",),
    )
    RELAYED = MetricDefinition(
        Kind.COUNTER, "laurel_relayed_records_total", "Records moved to the log.", ("topic",)
    )

    # every consumer
    BATCH_RECORDS = MetricDefinition(
        Kind.COUNTER,
        "laurel_batch_records_total",
        "What became of the records read: read = stored + duplicate + dead_lettered.",
        ("topic", "outcome"),
    )
    BATCH_SECONDS = MetricDefinition(
        Kind.HISTOGRAM,
        "laurel_batch_seconds",
        "Time of one batch's transaction.",
        ("topic",),
        _BATCH_SECONDS,
    )
    OFFSET = MetricDefinition(
        Kind.GAUGE,
        "laurel_consumer_offset",
        "The offset to read next, as stored.",
        ("topic", "partition"),
    )
    LAG_RECORDS = MetricDefinition(
        Kind.GAUGE,
        "laurel_consumer_lag_records",
        "Offsets between the stored one and the end.",
        ("topic", "partition"),
    )
    LAG_SECONDS = MetricDefinition(
        Kind.GAUGE,
        "laurel_consumer_lag_seconds",
        "Age of the oldest record not yet applied.",
        ("topic", "partition"),
    )

    # attribution
    REVISIONS = MetricDefinition(
        Kind.COUNTER, "laurel_decision_revisions_total", "Decision revisions written."
    )
    HUBS = MetricDefinition(
        Kind.COUNTER,
        "laurel_identity_hubs_total",
        "Keys that met too many others and stopped joining.",
    )

    # roi
    FOLDED = MetricDefinition(
        Kind.COUNTER,
        "laurel_folded_credits_total",
        "Credit records folded into rollups, by outcome.",
        ("outcome",),
    )


METRICS: Final = tuple(metric.value for metric in Metric)
Label = str | int


class Telemetry:
    """The metrics of one process, in a registry of their own."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        # What was labelled once is found by one look-up: this runs several times in each request and batch.
        self._children: dict[tuple[object, ...], Any] = {}
        self._instruments = {metric: _instrument(metric.value, self._registry) for metric in Metric}

    def count(self, metric: Metric, amount: int = 1, **labels: Label) -> None:
        """Add to a counter."""
        _of_kind(metric, Kind.COUNTER)
        self._labelled(metric, labels).inc(amount)

    def set(self, metric: Metric, value: float, **labels: Label) -> None:
        """Set a gauge."""
        _of_kind(metric, Kind.GAUGE)
        self._labelled(metric, labels).set(value)

    def observe(self, metric: Metric, value: float, **labels: Label) -> None:
        """Add one value to a histogram."""
        _of_kind(metric, Kind.HISTOGRAM)
        self._labelled(metric, labels).observe(value)

    def bound(self, metric: Metric, **labels: Label) -> Any:
        """The counter or histogram of these labels, for a path that cannot afford to look it up each time."""
        return self._labelled(metric, labels)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def _labelled(self, metric: Metric, labels: Mapping[str, Label]) -> Any:
        key = (metric, *labels.items())
        child = self._children.get(key)
        if child is None:
            instrument = self._instruments[metric]
            child = instrument.labels(**labels) if metric.value.labels or labels else instrument
            self._children[key] = child
        return child


def _instrument(definition: MetricDefinition, registry: CollectorRegistry) -> Any:
    name, meaning, labels = definition.name, definition.meaning, definition.labels
    match definition.kind:
        case Kind.COUNTER:
            return Counter(name, meaning, labels, registry=registry)
        case Kind.GAUGE:
            return Gauge(name, meaning, labels, registry=registry)
        case Kind.HISTOGRAM:
            return Histogram(name, meaning, labels, registry=registry, buckets=definition.buckets)


def _of_kind(metric: Metric, kind: Kind) -> None:
    if metric.value.kind is not kind:
        raise TypeError(f"{metric.name} is a {metric.value.kind.value}, not a {kind.value}")


# --- log lines -------------------------------------------------------------------------------------------

# These log every request at INFO, addresses and all.
_TALKATIVE: Final = ("httpx", "httpcore")
_SECRET_FIELD: Final = re.compile(
    r"authorization|cookie|password|secret|token|api_?key|signature", re.IGNORECASE
)
_SECRETS_IN_TEXT: Final = (
    (re.compile(r"(lrl_(?:sec|pub)_[A-Za-z0-9]{8})_[A-Za-z0-9_-]+"), r"\1_…"),
    (re.compile(r"(?i)(bearer|basic)\s+(?!lrl_)\S+"), r"\1 …"),
    (re.compile(r"(://[^:/@\s]*):[^@/\s]+@"), r"\1:…@"),
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]|[\t\n]")
REDACTED: Final = "(redacted)"


def configure_logging(
    service: str, *, level: str = "INFO", pretty: bool = False, stream: TextIO | None = None
) -> None:
    """Send every log line of this process, libraries' included, to `stream` (stdout): JSON, or colour for people when
    the supervisor says so by `pretty`. Call it once, first thing in the process."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Named(service),
        structlog.processors.format_exc_info,
        redact,
    ]
    last: list[structlog.types.Processor] = (
        [_escape, structlog.dev.ConsoleRenderer()]
        if pretty
        else [structlog.processors.JSONRenderer(default=str)]
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[remove_meta, *last]
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger for one module; `await` nothing, and pass facts as fields: `log.info("batch_stored", records=12)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger


def redact(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take secrets out of a line: whole fields by name, keys and passwords wherever they stand in a text."""
    for name, value in fields.items():
        if _SECRET_FIELD.search(name):
            fields[name] = REDACTED
        else:
            fields[name] = _clean(value)
    return fields


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(redact(None, "", dict(value)))
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = value if isinstance(value, str) else str(value)
    for pattern, replacement in _SECRETS_IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _escape(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """For the coloured form only (JSON escapes by itself): a value cannot move the cursor or fake a line."""
    for name, value in fields.items():
        if isinstance(value, str) and name != "exception":
            fields[name] = _CONTROL.sub(lambda found: repr(found.group())[1:-1], value)
    return fields


class _Named:
    """The processor that puts the service's name on every line."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(
        self, _logger: Any, _method: str, fields: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        fields["service"] = self._service
        return fields
