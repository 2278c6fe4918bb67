"""Identifiers: minted, derived from natural keys, signed click ids, person keys and API keys.

Promise: an id derived from a natural key is always the same, on every machine. A click id carries
its link and its time and is signed, so a click that was lost can be rebuilt from the order that
carries it. What can go wrong: a forged or damaged click id reads as `None`, never as an exception.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import uuid_utils

KeyKind = Literal["visitor", "click", "customer", "email"]

# The first store of every workspace. It adds nothing to an id; every other store adds its own word.
MAIN_STORE: Final = "main"

_NAMESPACE: Final = uuid_utils.UUID("6c617572-656c-5a1d-8000-000000000001")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLICK_VERSION: Final = 1
_CLICK_NONCE_BYTES: Final = 6
_CLICK_MAC_BYTES: Final = 8  # 64 bits: forging one needs 2^63 tries against a live endpoint
_CLICK_BODY_BYTES: Final = 1 + 16 + 6 + _CLICK_NONCE_BYTES
_CLICK_CHARACTERS: Final = 50  # of 37 bytes in base64, without padding
_VERSION_BYTE: Final = bytes((_CLICK_VERSION,))
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
# One letter a kind: readable in a dump, and strong keys sort after weak ones nowhere by accident.
_KEY_PREFIX: Final[dict[KeyKind, bytes]] = {
    "visitor": b"v",
    "click": b"k",
    "customer": b"c",
    "email": b"e",
}
_API_KEY: Final = re.compile(r"lrl_(sec|pub)_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{32,128})", re.ASCII)


def new_id() -> str:
    """A new UUIDv7: sorts by time of making, unique without coordination."""
    return str(uuid_utils.uuid7())


def natural_id(
    workspace_id: str,
    source_class: str,
    kind: str,
    natural_key: str,
    *,
    store: str = MAIN_STORE,
) -> str:
    """UUIDv5 of (workspace, store unless `main`, source class, kind, natural key).

    Each part has its length in front, so no two lists of parts give one name. `store` is a word
    that never changes for that store. `main` adds no part: ids made before stores existed stand.
    """
    parts = f"{len(workspace_id)}:{workspace_id}"
    if store != MAIN_STORE:
        parts += f"{len(store)}:{store}"
    parts += f"{len(source_class)}:{source_class}{len(kind)}:{kind}"
    return str(uuid_utils.uuid5(_NAMESPACE, f"{parts}{len(natural_key)}:{natural_key}"))


def conversion_id(
    workspace_id: str, kind: str, natural_key: str, *, store: str = MAIN_STORE
) -> str:
    """The id under which a conversion is published: the same for all its sources.

    `kind` is `purchase`, `lead`, ...; `natural_key` is the order id or conversion id.
    """
    return natural_id(workspace_id, "conversion", kind, natural_key, store=store)


def conversion_key(kind: str, natural_key: str, *, store: str = MAIN_STORE) -> bytes:
    """16 bytes for a conversion inside its workspace: `o` and 120 bits of BLAKE2b.

    It joins a conversion to a component as a person key does. The key of another store than
    `main` is hashed under another `person`, so it never equals a key of `main`.
    """
    text, person = f"{len(kind)}:{kind}{natural_key}", b"laurel-own"
    if store != MAIN_STORE:
        text, person = f"{len(store)}:{store}{text}", b"laurel-own-store"
    return b"o" + hashlib.blake2b(text.encode(), digest_size=15, person=person).digest()


def uuid_text(raw: bytes) -> str:
    """The usual spelling of an id's 16 bytes."""
    return str(uuid_utils.UUID(bytes=raw))


def automatic_placement_id(workspace_id: str, creator_id: str) -> str:
    """The id of a creator's one placement without a campaign ("always on")."""
    return natural_id(workspace_id, "catalog", "automatic_placement", creator_id)


def click_event_id(workspace_id: str, click_id: str) -> str:
    """The event id of a click; also what a touch rebuilt from an order's click id gets."""
    # A `natural_id`, spelled out: each redirect pays for it.
    name = f"{len(workspace_id)}:{workspace_id}4:edge7:clicked{len(click_id)}:{click_id}"
    return str(uuid_utils.uuid5(_NAMESPACE, name))


# Copied for each key: making one costs more than using it.
_PERSON_KEY: Final = hashlib.blake2b(digest_size=15, person=b"laurel-key")


def person_key(kind: KeyKind, value: str) -> bytes:
    """16 bytes for one key of a person: a kind letter and 120 bits of BLAKE2b of the value."""
    digest = _PERSON_KEY.copy()
    digest.update(value.encode())
    return _KEY_PREFIX[kind] + digest.digest()


def is_strong(key: bytes) -> bool:
    """Whether a person key names a customer (customer id, e-mail hash), not a device or a click."""
    return key[:1] in (b"c", b"e")


@dataclass(frozen=True, slots=True)
class ClickIdContents:
    """What a genuine click id says: the link that was clicked and when (UTC, milliseconds)."""

    link_id: str
    occurred_at: datetime


class ClickSigner:
    """Makes and reads click ids under one key.

    A click id is 50 characters of base64url: version, link, time, nonce, MAC.

    The MAC is keyed BLAKE2b cut to 64 bits over everything before it.
    """

    def __init__(self, key: bytes) -> None:
        # Keyed once and copied per id: making a keyed hash costs more than using it.
        self._keyed = hashlib.blake2b(digest_size=_CLICK_MAC_BYTES, key=key, person=b"laurel-click")

    def make(self, link_id: bytes, occurred_at_ms: int, nonce: bytes) -> str:
        """A click id for 16 bytes of a link id, milliseconds since 1970 and a nonce of 6 bytes."""
        return self.make_ascii(link_id, occurred_at_ms, nonce).decode()

    def make_ascii(self, link_id: bytes, occurred_at_ms: int, nonce: bytes) -> bytes:
        """The same as bytes, as headers need it."""
        body = _VERSION_BYTE + link_id + occurred_at_ms.to_bytes(6, "big") + nonce
        text = binascii.b2a_base64(body + self._mac(body), newline=False)
        return text[:_CLICK_CHARACTERS].translate(_URL_SAFE)

    def read(self, click_id: str) -> ClickIdContents | None:
        """What a click id says, or None when it is not one of ours."""
        try:
            raw = base64.b64decode(click_id + "=" * (-len(click_id) % 4), b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        body, mac = raw[:_CLICK_BODY_BYTES], raw[_CLICK_BODY_BYTES:]
        if len(raw) != _CLICK_BODY_BYTES + _CLICK_MAC_BYTES or body[0] != _CLICK_VERSION:
            return None
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != click_id:
            return None  # unused bits were set: a second spelling of one id would be a second event
        occurred_at = _EPOCH + timedelta(milliseconds=int.from_bytes(body[17:23], "big"))
        return ClickIdContents(uuid_text(body[1:17]), occurred_at)

    def _mac(self, body: bytes) -> bytes:
        mac = self._keyed.copy()
        mac.update(body)
        return mac.digest()


def is_api_key(text: str) -> bool:
    """Whether the text has the form `lrl_sec_<8>_<32 or more>` or `lrl_pub_…`."""
    return _API_KEY.fullmatch(text) is not None


def api_key_hash(key: str) -> str:
    """SHA-256 in hex: all that is stored of an API key. With 190 bits it needs no slow hash."""
    return api_key_digest(key).hex()


def api_key_digest(key: str) -> bytes:
    """The same as bytes, as keys are looked up."""
    return hashlib.sha256(key.encode()).digest()


def api_key_label(key: str) -> str:
    """The part of a key that may be shown in lists and logs: `lrl_sec_<8>`."""
    return key[: len("lrl_sec_") + 8]
