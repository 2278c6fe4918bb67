"""The catalog in memory: links, codes, keys, connections and workspaces, read from the log.

Promise: the record with the greatest revision of each entity counts, in any order of arrival.
Webhook secrets are unsealed here and never written to disk or log.
What can go wrong: a record that cannot be decoded, or a secret that cannot be unsealed, is logged
and skipped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.tracking.domain.deliveries import Account
from services.tracking.store.link_table import LinkTable
from shared.catalog import (
    AnyCatalogRecord,
    ApiKey,
    CatalogRejected,
    Code,
    Connection,
    Link,
    Workspace,
    decode_catalog,
)
from shared.code_texts import CodeText, code_text
from shared.http.auth import Principal
from shared.ids import uuid_text
from shared.log.port import StoredRecord
from shared.sealing import SealBroken, Sealer
from shared.telemetry import get_logger

WHOLE_RECORDS: Final = (ApiKey, Code, Connection, Workspace)
WholeRecord = ApiKey | Code | Connection | Workspace

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookConnection:
    """A webhook connection with its unsealed secrets."""

    connection_id: str
    workspace_id: str
    kind: str
    account: Account


class Catalog:
    """All catalog records that tracking uses."""

    def __init__(self, sealer: Sealer) -> None:
        self.links = LinkTable()
        # Records were read: from a snapshot or from the log.
        self.is_loaded = False
        # All records that were on the log at the start are read, so a missing entity is unknown.
        self.is_complete = False
        self.changes = 0
        # Records to save; `SavedCatalog` removes them. None while none are collected.
        self.fresh: list[AnyCatalogRecord] | None = None
        self._sealer = sealer
        self._records: dict[str, WholeRecord] = {}
        self._principals: dict[bytes, Principal] = {}
        self._connections: dict[str, WebhookConnection] = {}
        # Workspace and code. A deleted code is still a word, because events may name it.
        self._codes: set[tuple[str, CodeText]] = set()

    # -- reading the topic ----------------------------------------------------------------------

    def receive(self, records: Sequence[StoredRecord]) -> None:
        """Store a batch of the catalog topic."""
        for record in records:
            try:
                self.put(decode_catalog(record.value))
            except (CatalogRejected, ValueError) as error:
                _log.error("catalog_record_refused", offset=record.offset, reason=str(error))

    def put(self, record: AnyCatalogRecord) -> None:
        """Store one record if it is the newest of its entity; ignore kinds that are not used."""
        before = self.changes
        if isinstance(record, Link):
            self.changes += self.links.put(record)
        elif isinstance(record, WHOLE_RECORDS):
            self._keep(record)
        if self.fresh is not None and self.changes != before:
            self.fresh.append(record)

    def records(self) -> list[WholeRecord]:
        """Return all records except links."""
        return list(self._records.values())

    def _keep(self, record: WholeRecord) -> None:
        known = self._records.get(record.id)
        if known is not None and known.revision >= record.revision:
            return
        self._records[record.id] = record
        self.changes += 1
        if isinstance(record, ApiKey):
            self._keep_key(record, known)
        elif isinstance(record, Connection):
            self._keep_connection(record)
        elif isinstance(record, Code):
            self._codes.add((record.workspace_id, code_text(record.code)))

    def _keep_key(self, key: ApiKey, known: object) -> None:
        if isinstance(known, ApiKey):
            self._principals.pop(bytes.fromhex(known.sha256), None)
        if key.deleted_at is not None:
            return
        scopes = frozenset[str](key.scopes)
        if scopes & {"track", "admin"}:
            scopes |= {"collect"}  # a key for all events also allows the public ones
        self._principals[bytes.fromhex(key.sha256)] = Principal(
            key.workspace_id, key.id, scopes, key.public, key.origins
        )

    def _keep_connection(self, connection: Connection) -> None:
        self._connections.pop(connection.id, None)
        if connection.deleted_at is not None:
            return
        self._connections[connection.id] = WebhookConnection(
            connection.id,
            connection.workspace_id,
            connection.kind,
            Account(
                tuple(self._opened(connection.id, connection.sealed_secrets)),
                connection.shop_domain.lower() if connection.shop_domain else None,
            ),
        )

    def _opened(self, connection_id: str, sealed_secrets: Iterable[str]) -> Iterable[bytes]:
        for sealed in sealed_secrets:
            try:
                yield self._sealer.unseal(sealed, connection_id).encode()
            except SealBroken as error:
                _log.error("secret_unreadable", connection=connection_id, reason=str(error))

    # -- lookups --------------------------------------------------------------------------------

    def principal(self, key_hash: bytes) -> Principal | None:
        """Return the key with that hash; None when it is unknown or deleted."""
        return self._principals.get(key_hash)

    def connection(self, connection_id: str) -> WebhookConnection | None:
        """Return the connection with that id; None when it is unknown or deleted."""
        return self._connections.get(connection_id)

    def is_code(self, workspace_id: str, code: CodeText) -> bool:
        """Return whether the workspace has or had a discount code with this text."""
        return (workspace_id, code) in self._codes

    def currency(self, workspace_id: str) -> str | None:
        """Return the currency of a workspace; None when it is unknown."""
        record = self._records.get(workspace_id)
        return record.currency if isinstance(record, Workspace) else None

    def link_workspace(self, link_id: str) -> str | None:
        """Return the id of a link's workspace; None when the link is unknown."""
        return self.links.workspace_of(UUID(link_id).bytes)

    def link_id(self, workspace_id: str, key: str) -> str | None:
        """Return the id of the workspace's link with that code, or None. `key` is in lower case."""
        found = self.links.find(key.encode())
        if found is None or found.workspace_id != workspace_id:
            return None
        return uuid_text(found.link_id)
