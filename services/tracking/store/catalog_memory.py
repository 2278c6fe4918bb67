"""The catalog in memory: links, keys, connections and workspaces, as the log brings them.

Promise: of each entity the record with the greatest revision stands, in any order of arrival.
Webhook secrets are unsealed here and never written anywhere.
What can go wrong: a record that does not decode, or a secret that does not open, is logged and
passed over.
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
    Connection,
    Link,
    Workspace,
    decode_catalog,
)
from shared.http.auth import Principal
from shared.ids import uuid_text
from shared.log.port import StoredRecord
from shared.sealing import SealBroken, Sealer
from shared.telemetry import get_logger

KEPT: Final = (ApiKey, Connection, Workspace)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookConnection:
    """A storefront's webhook connection, ready to verify."""

    connection_id: str
    workspace_id: str
    kind: str
    account: Account


class Catalog:
    """Everything tracking knows of what people planned."""

    def __init__(self, sealer: Sealer) -> None:
        self.links = LinkTable()
        # Something is known: from a snapshot or from the log.
        self.is_loaded = False
        # All that the log held at this start is known: from now on, what is not here is unknown.
        self.is_complete = False
        self.changes = 0
        # Records that changed something, for whoever saves them and takes them off; None: not kept.
        self.fresh: list[AnyCatalogRecord] | None = None
        self._sealer = sealer
        self._records: dict[str, ApiKey | Connection | Workspace] = {}
        self._principals: dict[bytes, Principal] = {}
        self._shops: dict[str, WebhookConnection] = {}

    # -- what arrives ---------------------------------------------------------------------------

    def receive(self, records: Sequence[StoredRecord]) -> None:
        """Take a batch of the catalog topic."""
        for record in records:
            try:
                self.put(decode_catalog(record.value))
            except (CatalogRejected, ValueError) as error:
                _log.error("catalog_record_refused", offset=record.offset, reason=str(error))

    def put(self, record: AnyCatalogRecord) -> None:
        """Take one record; kinds that tracking has no use for pass by."""
        before = self.changes
        if isinstance(record, Link):
            self.changes += self.links.put(record)
        elif isinstance(record, KEPT):
            self._keep(record)
        if self.fresh is not None and self.changes != before:
            self.fresh.append(record)

    def kept(self) -> list[ApiKey | Connection | Workspace]:
        """What a snapshot holds beside the links."""
        return list(self._records.values())

    def _keep(self, record: ApiKey | Connection | Workspace) -> None:
        known = self._records.get(record.id)
        if known is not None and known.revision >= record.revision:
            return
        self._records[record.id] = record
        self.changes += 1
        if isinstance(record, ApiKey):
            self._keep_key(record, known)
        elif isinstance(record, Connection):
            self._keep_shop(record)

    def _keep_key(self, key: ApiKey, known: object) -> None:
        if isinstance(known, ApiKey):
            self._principals.pop(bytes.fromhex(known.sha256), None)
        if key.deleted_at is not None:
            return
        scopes = frozenset[str](key.scopes)
        if scopes & {"track", "admin"}:
            scopes |= {"collect"}  # whoever may send events may send the lesser kinds, too
        self._principals[bytes.fromhex(key.sha256)] = Principal(
            key.workspace_id, key.id, scopes, key.public, key.origins
        )

    def _keep_shop(self, connection: Connection) -> None:
        self._shops.pop(connection.id, None)
        if connection.deleted_at is not None:
            return
        self._shops[connection.id] = WebhookConnection(
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

    # -- what is asked --------------------------------------------------------------------------

    def principal(self, key_hash: bytes) -> Principal | None:
        """The key with that hash."""
        return self._principals.get(key_hash)

    def connection(self, connection_id: str) -> WebhookConnection | None:
        """The connection with that id."""
        return self._shops.get(connection_id)

    def currency(self, workspace_id: str) -> str | None:
        """The workspace's own currency."""
        record = self._records.get(workspace_id)
        return record.currency if isinstance(record, Workspace) else None

    def link_workspace(self, link_id: str) -> str | None:
        """Whose a link is."""
        return self.links.workspace_of(UUID(link_id).bytes)

    def link_id(self, workspace_id: str, key: str) -> str | None:
        """The workspace's link with that code."""
        found = self.links.find(key.encode())
        if found is None or found.workspace_id != workspace_id:
            return None
        return uuid_text(found.link_id)
