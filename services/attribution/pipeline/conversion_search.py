"""Find the conversion that a person asks for: by its id, in a store or in whichever has it.

Promise: without a store, the conversion of the store `main` comes first, then that of the only
other store that has one. Kinds are searched in the order given.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.attribution.domain.model import ConversionKey
from services.attribution.store import read_queries
from services.attribution.store.read_queries import KnownConversion
from services.attribution.wire.event_readings import own_key
from shared.catalog import Store, store_named
from shared.events import ConversionKind
from shared.ids import MAIN_STORE


@dataclass(frozen=True, slots=True)
class Found:
    """The conversion, its own key, and the stored id of those asked for that it has."""

    own_key: bytes
    stored_id: str
    conversion: KnownConversion


@dataclass(frozen=True, slots=True)
class NotFound:
    """No conversion, or several: `stores` are the names of the stores that have one."""

    stores: tuple[str, ...] = ()


class UnknownStore:
    """The text names no store of the workspace."""


async def find_conversion(
    conn: Any, kinds: Sequence[ConversionKind], texts: Collection[str], store: str | None
) -> Found | NotFound | UnknownStore:
    """Return the conversion with one of these kinds and one of these stored ids."""
    stores = await read_queries.stores(conn)
    if store is not None:
        word = store_named(stores, store)
        return UnknownStore() if word is None else await _in_store(conn, kinds, texts, word)
    found = await _in_store(conn, kinds, texts, MAIN_STORE)
    return found if isinstance(found, Found) else await _elsewhere(conn, kinds, texts, stores)


async def _in_store(
    conn: Any, kinds: Sequence[ConversionKind], texts: Collection[str], store: str
) -> Found | NotFound:
    keys = _keys(kinds, texts, store)
    known = await read_queries.known_conversions(conn, list(keys))
    return next((Found(key, keys[key], known[key]) for key in keys if key in known), NotFound())


async def _elsewhere(
    conn: Any, kinds: Sequence[ConversionKind], texts: Collection[str], stores: Iterable[Store]
) -> Found | NotFound:
    names = {store.word: store.name for store in stores}
    keys = {key: text for word in names for key, text in _keys(kinds, texts, word).items()}
    known = await read_queries.known_conversions(conn, list(keys))
    found = [Found(key, keys[key], known[key]) for key in keys if key in known]
    having = {item.conversion.store for item in found}
    if len(having) == 1:
        return found[0]
    return NotFound(tuple(sorted(names[word] for word in having)))


def _keys(kinds: Sequence[ConversionKind], texts: Collection[str], store: str) -> dict[bytes, str]:
    """Return the own keys in the order of the search, each with its stored id."""
    return {own_key(ConversionKey(kind, text, store)): text for text in texts for kind in kinds}
