"""Short links in memory, packed: a million of them in less than 400 bytes each.

Promise: a code leads to one link; the record with the greatest revision of a link stands, in whatever order they come.
What can go wrong: a destination that is not canonical makes its link lead nowhere, and it is logged.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple
from uuid import UUID

from services.tracking.domain.links import canonical_destination, link_key
from shared.catalog import Link
from shared.telemetry import get_logger

# Revision, number of the workspace, flags, length of the key; then the key and the destination.
_HEAD: Final = struct.Struct(">QIBB")
_WORKS: Final = 1
_DELETED: Final = 2
_ID_BYTES: Final = 16

_log = get_logger(__name__)


class LinkFound(NamedTuple):
    """A link as the redirect needs it. `destination` is empty when it is disabled or deleted."""

    link_id: bytes
    workspace_id: str
    destination: bytes


class Links:
    """All links of all workspaces. Two dictionaries of bytes that share the link's id."""

    def __init__(self) -> None:
        self.workspaces: list[str] = []
        self._numbers: dict[str, int] = {}
        self._rows: dict[bytes, bytes] = {}
        self._ids: dict[bytes, bytes] = {}
        self._hosts: set[bytes] = set()

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
        head = _HEAD.pack(link.revision, self._number(link.workspace_id), flags, len(whole_key))
        return self.put_row(
            UUID(link.id).bytes, head + whole_key + (destination or "").encode("ascii")
        )

    def put_row(self, link_id: bytes, row: bytes) -> bool:
        """Take a packed row, as `put` and a snapshot make them."""
        old = self._rows.get(link_id)
        if old is not None:
            if _HEAD.unpack_from(old)[0] >= _HEAD.unpack_from(row)[0]:
                return False
            old_key = _key(old)
            if self._ids.get(old_key) == link_id:
                del self._ids[old_key]
        self._rows[link_id] = row
        key = _key(row)
        holder = self._ids.get(key)
        if holder is None or not _is_deleted(row) or _is_deleted(self._rows[holder]):
            self._ids[key] = link_id
        host = key.partition(b"@")[2]
        if host:
            self._hosts.add(host)
        return True

    def find(self, key: str, host: bytes = b"") -> LinkFound | None:
        """The link of a code on a host; hosts without links of their own share one space of codes."""
        whole_key = key.encode()
        if host in self._hosts:
            whole_key += b"@" + host
        link_id = self._ids.get(whole_key)
        if link_id is None:
            return None
        row = self._rows[link_id]
        _, number, flags, key_length = _HEAD.unpack_from(row)
        if flags != _WORKS:
            return LinkFound(link_id, self.workspaces[number], b"")
        return LinkFound(link_id, self.workspaces[number], row[_HEAD.size + key_length :])

    @property
    def has_hosts(self) -> bool:
        """Whether any link has a host of its own, so the request's host matters."""
        return bool(self._hosts)

    def workspace_of(self, link_id: bytes) -> str | None:
        """Whose a link is."""
        row = self._rows.get(link_id)
        return None if row is None else self.workspaces[_HEAD.unpack_from(row)[1]]

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """All links as packed rows, as they stand at the call."""
        return iter(list(self._rows.items()))

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


def _key(row: bytes) -> bytes:
    return row[_HEAD.size : _HEAD.size + row[_HEAD.size - 1]]


def _is_deleted(row: bytes) -> bool:
    return row[_HEAD.size - 2] == _DELETED
