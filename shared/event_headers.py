"""The key and the headers of an event's record on the log: CloudEvents 1.0, binary mode for Kafka.

Promise: `key_and_headers` returns what `event_headers` returns for the decoded event.
What can go wrong: `EventRejected`.
"""

import re
from typing import Final

from shared.events import VERSION, AnyEvent, decode_event, event_type

Headers = tuple[tuple[str, bytes], ...]


def event_headers(event: AnyEvent) -> Headers:
    """Return the CloudEvents 1.0 attributes in Kafka's binary binding (`ce_` names)."""
    return _headers(
        event.event_id.encode(),
        f"laurel.{event_type(event)}.v{event.v}".encode(),
        event.occurred_at.isoformat().replace("+00:00", "Z").encode(),
    )


def _headers(event_id: bytes, type_name: bytes, occurred_at: bytes) -> Headers:
    return (
        _SPECIFICATION,
        ("ce_id", event_id),
        _SOURCE,
        ("ce_type", type_name),
        ("ce_time", occurred_at),
        _CONTENT,
    )


_SPECIFICATION: Final = ("ce_specversion", b"1.0")
_SOURCE: Final = ("ce_source", b"/laurel/tracking")
_CONTENT: Final = ("content-type", b"application/json")
# The beginning of every event that `encode_event` or the redirect's template writes.
_BEGINNING: Final = re.compile(
    rb'\{"type":"([a-z_]+)","event_id":"([0-9a-f-]{36})","workspace_id":"([0-9a-f-]{36})",'
    rb'"occurred_at":"([0-9T:.Z+-]+)"'
)


def workspace_of(value: bytes) -> bytes:
    """Return the workspace id of bytes that `encode_event` or the redirect's template wrote."""
    start = value.find(_WORKSPACE) + len(_WORKSPACE)
    return value[start : start + _ID_LENGTH]


def source_of(value: bytes) -> bytes:
    """Return the id of the source of bytes that `encode_event` or the template wrote, or b""."""
    found = _SOURCE_ID.search(value)
    return found[1] if found is not None else b""


# A quotation mark in a text of a sender is escaped, so no text looks like this field.
_SOURCE_ID: Final = re.compile(rb'"source":\{"kind":"[a-z]+","id":"([^"]*)"')
_WORKSPACE: Final = b'"workspace_id":"'
_ID_LENGTH: Final = 36


def key_and_headers(value: bytes) -> tuple[bytes, Headers]:
    """Return the record key and headers of an encoded event.

    They are read from its first fields, which costs a tenth of decoding it. The rest of the bytes
    is not checked. Raises `EventRejected` if the bytes are not an event.
    """
    begun = _BEGINNING.match(value)
    if begun is None:
        event = decode_event(value)
        return event.workspace_id.encode(), event_headers(event)
    name, event_id, workspace_id, occurred_at = begun.groups()
    return workspace_id, _headers(event_id, b"laurel.%b.v%d" % (name, VERSION), occurred_at)
