"""Log lines in JSON, and the typed list of every metric.

Promise: a log event is one line with an event name and fields. Control characters and input from
callers cannot break a line; keys, passwords and sealed secrets are removed from it. Only members
of `Metric` can be recorded. A process holds its metrics in a `Telemetry` object; importing this
file creates none.
What can go wrong: a call for another kind of metric, or with undeclared labels, raises at once.
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
    """The kind of a metric: it only grows, it rises and falls, or it is a distribution."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """One metric: kind, name, meaning, labels and, for a histogram, the bounds of its buckets."""

    kind: Kind
    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


# From a redirect (less than 1 ms) to 5 s, the deadline of every request.
_REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# From an empty batch to 250 ms, the longest time that a workspace may be locked, and beyond.
_BATCH_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class Metric(Enum):
    """Every metric of Laurel. The name of a counter ends in `_total`, a unit stands before it."""

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

    # tracking: redirects, intake and its journal
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
    QUOTA_REFUSALS = MetricDefinition(
        Kind.COUNTER,
        "laurel_quota_refusals_total",
        "Requests answered 429 because a quota of tracking was used up, by quota.",
        ("quota",),
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
    JOURNAL_LOST = MetricDefinition(
        Kind.COUNTER,
        "laurel_journal_lost_events_total",
        "Events that were written to the journal and that damage of the disk took.",
    )
    RELAYED = MetricDefinition(
        Kind.COUNTER, "laurel_relayed_records_total", "Records moved to the log.", ("topic",)
    )

    # every consumer
    BATCH_RECORDS = MetricDefinition(
        Kind.COUNTER,
        "laurel_batch_records_total",
        "Records read, by outcome: read = stored + duplicate + dead_lettered.",
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
        "Keys seen with too many other keys; they no longer join persons.",
    )

    # roi
    FOLDED = MetricDefinition(
        Kind.COUNTER,
        "laurel_folded_credits_total",
        "Credit records folded into rollups, by outcome.",
        ("outcome",),
    )
    STOPPED = MetricDefinition(
        Kind.GAUGE,
        "laurel_stopped_workspaces",
        "Workspaces whose next credits record is missing or cannot be folded.",
    )


METRICS: Final = tuple(metric.value for metric in Metric)
Label = str | int


class Telemetry:
    """The metrics of one process, in their own registry."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        # The labelled metrics so far. Every request and batch looks up several of them.
        self._children: dict[tuple[object, ...], Any] = {}
        self._instruments = {metric: _instrument(metric.value, self._registry) for metric in Metric}

    def count(self, metric: Metric, amount: int = 1, **labels: Label) -> None:
        """Add `amount` to a counter."""
        _of_kind(metric, Kind.COUNTER)
        self._labelled(metric, labels).inc(amount)

    def set(self, metric: Metric, value: float, **labels: Label) -> None:
        """Set a gauge."""
        _of_kind(metric, Kind.GAUGE)
        self._labelled(metric, labels).set(value)

    def observe(self, metric: Metric, value: float, **labels: Label) -> None:
        """Add a value to a histogram."""
        _of_kind(metric, Kind.HISTOGRAM)
        self._labelled(metric, labels).observe(value)

    def bound(self, metric: Metric, **labels: Label) -> Any:
        """Return the counter or histogram of these labels, for code that runs very often."""
        return self._labelled(metric, labels)

    def render(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
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


# --- log lines -------------------------------------------------------------------------

# These libraries log every request at INFO, with its address.
_LOUD_LOGGERS: Final = ("httpx", "httpcore")
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
    """Send every log line of this process to `stream` (default: stdout), also those of libraries.

    The lines are JSON, or coloured text if `pretty`. Call it once, at the start of the process.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _AddService(service),
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
    for name in _LOUD_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of a module. Pass values as fields: `log.info("stored", records=12)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger


def redact(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Remove secrets from a line: whole fields by name, keys and passwords inside texts."""
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
    """Escape control characters, so that a value cannot move the cursor or fake a line.

    Only the coloured form needs it: JSON escapes them.
    """
    for name, value in fields.items():
        if isinstance(value, str) and name != "exception":
            fields[name] = _CONTROL.sub(lambda found: repr(found.group())[1:-1], value)
    return fields


class _AddService:
    """The processor that adds the name of the service to every line."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(
        self, _logger: Any, _method: str, fields: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        fields["service"] = self._service
        return fields
