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
from services.tracking.domain.survey_answers import spoken_name
from services.tracking.store.link_table import LinkTable
from shared.catalog import (
    AnyCatalogRecord,
    ApiKey,
    CatalogRejected,
    Code,
    Connection,
    Creator,
    Link,
    Store,
    Workspace,
    decode_catalog,
    store_named,
)
from shared.code_texts import CodeText, code_text
from shared.http.auth import Principal
from shared.ids import MAIN_STORE, uuid_text
from shared.log.port import StoredRecord
from shared.sealing import SealBroken, Sealer
from shared.telemetry import get_logger

WHOLE_RECORDS: Final = (ApiKey, Code, Connection, Creator, Store, Workspace)
WholeRecord = ApiKey | Code | Connection | Creator | Store | Workspace

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookConnection:
    """A webhook connection with its unsealed secrets. `store` is the store of its deliveries."""

    connection_id: str
    workspace_id: str
    kind: str
    account: Account
    store: str = MAIN_STORE


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
        # Workspace and name or handle, to the automatic placements of all creators who have it.
        self._named: dict[tuple[str, str], set[str]] = {}
        # By workspace and id. A workspace has few.
        self._stores: dict[str, dict[str, Store]] = {}
        # Workspaces with a store in use besides the first one, which every workspace has.
        self._with_several_stores: set[str] = set()

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
        elif isinstance(record, Store):
            self._keep_store(record)
        elif isinstance(record, Code):
            self._codes.add((record.workspace_id, code_text(record.code)))
        elif isinstance(record, Creator):
            self._keep_creator(record, known)

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
            connection.store,
        )

    def _keep_creator(self, creator: Creator, known: object) -> None:
        placement_id = creator.automatic_placement_id
        if isinstance(known, Creator):
            for name in _names(known):
                self._named[name].discard(placement_id)
        if creator.deleted_at is None:
            for name in _names(creator):
                self._named.setdefault(name, set()).add(placement_id)

    def _keep_store(self, store: Store) -> None:
        stores = self._stores.setdefault(store.workspace_id, {})
        stores[store.id] = store
        if any(s.deleted_at is None and s.word != MAIN_STORE for s in stores.values()):
            self._with_several_stores.add(store.workspace_id)
        else:
            self._with_several_stores.discard(store.workspace_id)

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

    def named_placement(self, workspace_id: str, words: str) -> str | None:
        """Return the automatic placement of the only creator with this name or handle, or None."""
        found = self._named.get((workspace_id, words), ())
        return next(iter(found)) if len(found) == 1 else None

    def store(self, workspace_id: str, named: str) -> str | None:
        """Return the store that a text names, as it is on events; None when it names none."""
        return store_named(self._stores.get(workspace_id, {}).values(), named)

    def has_several_stores(self, workspace_id: str) -> bool:
        """Return whether more than one store of the workspace is in use."""
        return workspace_id in self._with_several_stores

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


def _names(creator: Creator) -> set[tuple[str, str]]:
    texts = (creator.name, *creator.handles)
    return {(creator.workspace_id, word) for word in map(spoken_name, texts) if word}
