"""Identifiers: new ids, ids from natural keys, signed click ids, person keys and API keys.

Promise: an id from a natural key is the same on every machine. A click id is signed and carries
its link and its time, so a lost click can be rebuilt from an order with that click id.
What can go wrong: reading a forged or damaged click id returns None; it does not raise.
"""

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import uuid_utils

KeyKind = Literal["visitor", "click", "customer", "email", "token", "claim"]

# The first store of every workspace. It adds nothing to an id; each other store adds its name.
MAIN_STORE: Final = "main"

_NAMESPACE: Final = uuid_utils.UUID("6c617572-656c-5a1d-8000-000000000001")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLICK_VERSION: Final = 1
_CLICK_NONCE_BYTES: Final = 6
_CLICK_MAC_BYTES: Final = 8  # 64 bits: a forgery needs about 2^63 requests
_CLICK_BODY_BYTES: Final = 1 + 16 + 6 + _CLICK_NONCE_BYTES
_CLICK_CHARACTERS: Final = 50  # 37 bytes in base64, without padding
_VERSION_BYTE: Final = bytes((_CLICK_VERSION,))
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
# One letter for each kind, so that a dump shows the kind of a key.
_KEY_PREFIX: Final[dict[KeyKind, bytes]] = {
    "visitor": b"v",
    "click": b"k",
    "customer": b"c",
    "email": b"e",
    "token": b"t",
    "claim": b"d",
}
# The token of an order, and the digest of the keys of one claim. Neither is a key of a person.
TOKEN_PREFIX: Final = _KEY_PREFIX["token"]
CLAIM_PREFIX: Final = _KEY_PREFIX["claim"]
_API_KEY: Final = re.compile(r"lrl_(sec|pub)_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{32,128})", re.ASCII)


def clean_id(text: str) -> str:
    """Return an id of another system without blanks around it.

    Raises `ValueError` for an id that is blank or holds an invisible character.
    """
    cleaned = text.strip()
    if not cleaned:
        raise ValueError("must not be blank")
    if not cleaned.isprintable() and any(
        unicodedata.category(character) in _UNSEEN for character in cleaned
    ):
        raise ValueError("holds a control character or an invisible one")
    return cleaned


# Control and format characters, line and paragraph separators, halves of surrogate pairs.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def new_id() -> str:
    """Return a new UUIDv7. It sorts by the time of creation and is unique without coordination."""
    return str(uuid_utils.uuid7())


def natural_id(
    workspace_id: str,
    source_class: str,
    kind: str,
    natural_key: str,
    *,
    store: str = MAIN_STORE,
) -> str:
    """Return the UUIDv5 of (workspace, store unless `main`, source class, kind, natural key).

    Each part is written after its length, so different parts never give the same name. `store` is
    a word that never changes for that store. `main` adds no part, because ids existed before
    stores did.
    """
    parts = f"{len(workspace_id)}:{workspace_id}"
    if store != MAIN_STORE:
        parts += f"{len(store)}:{store}"
    parts += f"{len(source_class)}:{source_class}{len(kind)}:{kind}"
    return str(uuid_utils.uuid5(_NAMESPACE, f"{parts}{len(natural_key)}:{natural_key}"))


def conversion_id(
    workspace_id: str, kind: str, natural_key: str, *, store: str = MAIN_STORE
) -> str:
    """Return the id of a published conversion. It is the same for all its sources.

    `kind` is `purchase`, `lead`, ...; `natural_key` is the order id or conversion id.
    """
    return natural_id(workspace_id, "conversion", kind, natural_key, store=store)


def conversion_key(kind: str, natural_key: str, *, store: str = MAIN_STORE) -> bytes:
    """Return 16 bytes that name a conversion in its workspace: `o` and 120 bits of BLAKE2b.

    The key joins a conversion to an identity component, as a person key does. For a store other
    than `main` the hash has another `person` parameter, so the key never equals a key of `main`.
    """
    text, person = f"{len(kind)}:{kind}{natural_key}", b"laurel-own"
    if store != MAIN_STORE:
        text, person = f"{len(store)}:{store}{text}", b"laurel-own-store"
    return b"o" + hashlib.blake2b(text.encode(), digest_size=15, person=person).digest()


def base64url(raw: bytes) -> bytes:
    """Return bytes in base64url with padding, in half the time of the standard library."""
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE)


def uuid_text(raw: bytes) -> str:
    """Return the usual text form of the 16 bytes of a UUID."""
    return str(uuid_utils.UUID(bytes=raw))


def automatic_placement_id(workspace_id: str, creator_id: str) -> str:
    """Return the id of the one placement of a creator that has no campaign."""
    return natural_id(workspace_id, "catalog", "automatic_placement", creator_id)


def click_event_id(workspace_id: str, click_id: str) -> str:
    """Return the event id of a click. A click rebuilt from an order's click id gets the same."""
    # The formula of `natural_id`, written out because every redirect runs it.
    name = f"{len(workspace_id)}:{workspace_id}4:edge7:clicked{len(click_id)}:{click_id}"
    return str(uuid_utils.uuid5(_NAMESPACE, name))


# Copied for each key: a copy is cheaper than a new hash object.
_PERSON_KEY: Final = hashlib.blake2b(digest_size=15, person=b"laurel-key")
_STORE_KEY: Final = hashlib.blake2b(digest_size=15, person=b"laurel-key-store")
# Shops send it as the customer id of every order without an account.
_GUEST: Final = "0"


def person_key(kind: KeyKind, value: str) -> bytes:
    """Return 16 bytes for one key of a person: a kind letter and 120 bits of BLAKE2b."""
    digest = _PERSON_KEY.copy()
    digest.update(value.encode())
    return _KEY_PREFIX[kind] + digest.digest()


def customer_key(customer_id: str | None, store: str) -> bytes | None:
    """Return the person key of a customer of a store; None for no customer and for a guest.

    Customer 17 of one store is not customer 17 of another. For a store other than `main` the hash
    has another `person` parameter, so the key never equals a key of `main`.
    """
    if customer_id is None or customer_id == _GUEST:
        return None
    if store == MAIN_STORE:
        return person_key("customer", customer_id)
    digest = _STORE_KEY.copy()
    digest.update(f"{len(store)}:{store}{customer_id}".encode())
    return _KEY_PREFIX["customer"] + digest.digest()


def is_strong(key: bytes) -> bool:
    """Return whether a person key is a customer id or an e-mail hash, not a device or a click."""
    return key[:1] in (b"c", b"e")


def is_click(key: bytes) -> bool:
    """Return whether a person key is a click id."""
    return key[:1] == b"k"


@dataclass(frozen=True, slots=True)
class ClickIdContents:
    """The contents of a valid click id: the link and the time of the click (UTC, milliseconds)."""

    link_id: str
    occurred_at: datetime


class ClickSigner:
    """Make and read click ids with one secret key.

    A click id is 50 characters of base64url: version, link, time, nonce, MAC.
    The MAC is keyed BLAKE2b with 64 bits over all the bytes before it.
    """

    def __init__(self, key: bytes) -> None:
        # Copied for each id: a copy is cheaper than a new keyed hash.
        self._keyed = hashlib.blake2b(digest_size=_CLICK_MAC_BYTES, key=key, person=b"laurel-click")

    def make(self, link_id: bytes, occurred_at_ms: int, nonce: bytes) -> str:
        """Return a click id for 16 bytes of link id, milliseconds since 1970 and a 6-byte nonce."""
        return self.make_ascii(link_id, occurred_at_ms, nonce).decode()

    def make_ascii(self, link_id: bytes, occurred_at_ms: int, nonce: bytes) -> bytes:
        """Return the same as ASCII bytes, for headers."""
        body = _VERSION_BYTE + link_id + occurred_at_ms.to_bytes(6, "big") + nonce
        return base64url(body + self._mac(body))[:_CLICK_CHARACTERS]

    def read(self, click_id: str) -> ClickIdContents | None:
        """Return the contents of a click id, or None if its form or its MAC is wrong."""
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
            return None  # unused bits are set: two texts for one id would be two events
        occurred_at = _EPOCH + timedelta(milliseconds=int.from_bytes(body[17:23], "big"))
        return ClickIdContents(uuid_text(body[1:17]), occurred_at)

    def _mac(self, body: bytes) -> bytes:
        mac = self._keyed.copy()
        mac.update(body)
        return mac.digest()


def is_api_key(text: str) -> bool:
    """Return whether the text has the form `lrl_sec_<8>_<32 or more>` or `lrl_pub_…`."""
    return _API_KEY.fullmatch(text) is not None


def api_key_hash(key: str) -> str:
    """Return the SHA-256 of an API key in hex. Only this hash is stored.

    A key has 190 random bits, so a slow hash is not needed.
    """
    return api_key_digest(key).hex()


def api_key_digest(key: str) -> bytes:
    """Return the SHA-256 of an API key as bytes, for look-ups."""
    return hashlib.sha256(key.encode()).digest()


def api_key_label(key: str) -> str:
    """Return the part of a key that lists and logs may show: `lrl_sec_<8>`."""
    return key[: len("lrl_sec_") + 8]
