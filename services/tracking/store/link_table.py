"""Short links in memory, as packed rows: a million of them use less than 400 bytes each.

Promise: a code leads to one link. The record with the greatest revision of a link counts, in any
order of arrival. What can go wrong: a link with a destination that is not canonical does not work;
this is logged.
"""

import struct
from collections.abc import Iterator
from typing import Final
from uuid import UUID

import msgspec

from services.tracking.domain.short_links import canonical_destination, link_key
from shared.catalog import Link
from shared.telemetry import get_logger

# Revision, link id, number of the workspace, flags, length of the key. Key and destination follow.
_HEAD: Final = struct.Struct(">Q16sIBB")
_WORKS: Final = 1
_DELETED: Final = 2

_log = get_logger(__name__)


class LinkFound(msgspec.Struct, frozen=True, gc=False):
    """A link as the redirect needs it. `destination` is empty when the link does not work."""

    link_id: bytes
    workspace_id: str
    destination: bytes


class LinkTable:
    """All links of all workspaces as packed rows, by id and by code.

    Each host with its own links has its own codes; all other links share one set of codes. The
    dictionary of codes holds the rows and not ids: with a million links, each extra lookup is a
    cache miss.
    """

    def __init__(self) -> None:
        self.workspaces: list[str] = []
        self._numbers: dict[str, int] = {}
        self._rows: dict[bytes, bytes] = {}
        self._shared: dict[bytes, bytes] = {}
        self._by_host: dict[bytes, dict[bytes, bytes]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, link: Link) -> bool:
        """Store a record; return False when it is not the newest or its code is not valid."""
        key = link_key(link.code)
        if key is None:
            _log.error("link_refused", link=link.id, reason="its code is not a link code")
            return False
        destination = canonical_destination(link.destination)
        if destination is None:
            _log.error("link_not_working", link=link.id, reason="its destination is not canonical")
        flags = _DELETED if link.deleted_at is not None else 0
        if flags == 0 and link.enabled and destination is not None:
            flags = _WORKS
        whole_key = key.encode() if link.host is None else f"{key}@{link.host.lower()}".encode()
        number = self._number(link.workspace_id)
        head = _HEAD.pack(link.revision, UUID(link.id).bytes, number, flags, len(whole_key))
        return self.put_row(head + whole_key + (destination or "").encode("ascii"))

    def put_row(self, row: bytes) -> bool:
        """Store a packed row of a snapshot or of `put`; return False when it is not the newest."""
        revision, link_id, *_ = _HEAD.unpack_from(row)
        old = self._rows.get(link_id)
        if old is not None:
            if _HEAD.unpack_from(old)[0] >= revision:
                return False
            old_keys, old_key = self._codes_of(old)
            if old_keys.get(old_key) is old:
                del old_keys[old_key]
        self._rows[link_id] = row
        keys, key = self._codes_of(row)
        holder = keys.get(key)
        if holder is None or not _is_deleted(row) or _is_deleted(holder):
            keys[key] = row
        return True

    def find(self, key: bytes, host: bytes = b"") -> LinkFound | None:
        """Return the link of a code (in lower case) on a host; None when there is none."""
        keys = self._by_host.get(host, self._shared) if host else self._shared
        row = keys.get(key)
        if row is None:
            return None
        _, link_id, number, flags, key_length = _HEAD.unpack_from(row)
        destination = row[_HEAD.size + key_length :] if flags == _WORKS else b""
        return LinkFound(link_id, self.workspaces[number], destination)

    @property
    def has_hosts(self) -> bool:
        """Whether any link has its own host, so that `find` needs the host of the request."""
        return bool(self._by_host)

    def is_host(self, host: bytes) -> bool:
        """Whether links have this host for their own, so that it is one brand's."""
        return host in self._by_host

    def workspace_of(self, link_id: bytes) -> str | None:
        """Return the id of a link's workspace; None when the link is unknown."""
        row = self._rows.get(link_id)
        return None if row is None else self.workspaces[_HEAD.unpack_from(row)[2]]

    def rows(self) -> Iterator[bytes]:
        """Return all links as packed rows, as they are at the call."""
        return iter(list(self._rows.values()))

    def _codes_of(self, row: bytes) -> tuple[dict[bytes, bytes], bytes]:
        """Return the dictionary of codes that a row belongs to, and its key in it."""
        whole_key = row[_HEAD.size : _HEAD.size + row[_HEAD.size - 1]]
        key, _, host = whole_key.partition(b"@")
        return (self._by_host.setdefault(host, {}) if host else self._shared), key

    def restore_workspaces(self, workspaces: list[str]) -> None:
        """Give workspaces the numbers that a snapshot's rows use. Call it before the first row."""
        for workspace_id in workspaces:
            self._number(workspace_id)

    def _number(self, workspace_id: str) -> int:
        number = self._numbers.get(workspace_id)
        if number is None:
            number = self._numbers[workspace_id] = len(self.workspaces)
            self.workspaces.append(workspace_id)
        return number


def _is_deleted(row: bytes) -> bool:
    return row[_HEAD.size - 2] == _DELETED
