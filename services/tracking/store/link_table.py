"""Short links in memory, packed: a million of them in less than 400 bytes each.

Promise: a code leads to one link; the record with the greatest revision of a link stands, in whatever order they come.
What can go wrong: a destination that is not canonical makes its link lead nowhere, and it is logged.
"""

import struct
from collections.abc import Iterator
from typing import Final
from uuid import UUID

import msgspec

from services.tracking.domain.short_links import canonical_destination, link_key
from shared.catalog import Link
from shared.telemetry import get_logger

# Revision, link id, number of the workspace, flags, length of the key; then the key and the destination.
_HEAD: Final = struct.Struct(">Q16sIBB")
_WORKS: Final = 1
_DELETED: Final = 2

_log = get_logger(__name__)


class LinkFound(msgspec.Struct, frozen=True, gc=False):
    """A link as the redirect needs it. `destination` is empty when it is disabled or deleted."""

    link_id: bytes
    workspace_id: str
    destination: bytes


class LinkTable:
    """All links of all workspaces, in two dictionaries of packed rows: by id, and by code for each host that has links of its own.

    A code leads to its row and not to an id that leads to the row: of a million links nearly each step is a cache miss.
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
        """Take a record; False when it is not newer than what stands or its code cannot be one."""
        key = link_key(link.code)
        if key is None:
            _log.error("link_refused", link=link.id, reason="its code is not a link code")
            return False
        destination = canonical_destination(link.destination)
        if destination is None:
            _log.error("link_broken", link=link.id, reason="its destination is not canonical")
        flags = _DELETED if link.deleted_at is not None else 0
        if flags == 0 and link.enabled and destination is not None:
            flags = _WORKS
        whole_key = key.encode() if link.host is None else f"{key}@{link.host.lower()}".encode()
        number = self._number(link.workspace_id)
        head = _HEAD.pack(link.revision, UUID(link.id).bytes, number, flags, len(whole_key))
        return self.put_row(head + whole_key + (destination or "").encode("ascii"))

    def put_row(self, row: bytes) -> bool:
        """Take a packed row, as `put` and a snapshot make them."""
        revision, link_id, *_ = _HEAD.unpack_from(row)
        old = self._rows.get(link_id)
        if old is not None:
            if _HEAD.unpack_from(old)[0] >= revision:
                return False
            old_keys, old_key = self._place(old)
            if old_keys.get(old_key) is old:
                del old_keys[old_key]
        self._rows[link_id] = row
        keys, key = self._place(row)
        holder = keys.get(key)
        if holder is None or not _is_deleted(row) or _is_deleted(holder):
            keys[key] = row
        return True

    def find(self, key: bytes, host: bytes = b"") -> LinkFound | None:
        """The link of a code in lower case on a host; hosts without links of their own share one space of codes."""
        keys = self._by_host.get(host, self._shared) if host else self._shared
        row = keys.get(key)
        if row is None:
            return None
        _, link_id, number, flags, key_length = _HEAD.unpack_from(row)
        destination = row[_HEAD.size + key_length :] if flags == _WORKS else b""
        return LinkFound(link_id, self.workspaces[number], destination)

    @property
    def has_hosts(self) -> bool:
        """Whether any link has a host of its own, so the request's host matters."""
        return bool(self._by_host)

    def workspace_of(self, link_id: bytes) -> str | None:
        """Whose a link is."""
        row = self._rows.get(link_id)
        return None if row is None else self.workspaces[_HEAD.unpack_from(row)[2]]

    def rows(self) -> Iterator[bytes]:
        """All links as packed rows, as they stand at the call."""
        return iter(list(self._rows.values()))

    def _place(self, row: bytes) -> tuple[dict[bytes, bytes], bytes]:
        """Where a row is found by its code: the codes of its host, and its own among them."""
        whole_key = row[_HEAD.size : _HEAD.size + row[_HEAD.size - 1]]
        key, _, host = whole_key.partition(b"@")
        return (self._by_host.setdefault(host, {}) if host else self._shared), key

    def restore_workspaces(self, workspaces: list[str]) -> None:
        """Number the workspaces as the snapshot's rows do; only before the first row."""
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
