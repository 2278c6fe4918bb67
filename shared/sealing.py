"""The uses of `LAUREL_SECRET_KEY`: seal secrets, derive keys, hash e-mails; and new API keys.

Promise: each use derives its own key from the secret by HMAC-SHA256 with a label, so the key of one
use has no value for another. A service is handed a key ring: the keys of its own uses (`USES`) and
not the secret, from which the passwords of the database and the keys of all uses follow.
What can go wrong: `unseal` raises `SealBroken` when the text was changed or sealed under another
secret; `KeyNotHanded` when a service asks for the key of a use that is not its own.
"""

import base64
import binascii
import hmac
import json
import secrets
import string
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import ConfigurationError, Permanent

# The uses of each service.
USES: Final[Mapping[str, tuple[str, ...]]] = {
    "tracking": ("seal", "click", "email", "text", "claim", "identity"),
    "attribution": ("text",),
    "roi": ("seal", "api-key", "idempotency", "identity"),
    "dashboard": ("session",),
}
_RING_PREFIX: Final = "lrl_ring_"
# The e-mail key of an older workspace comes from the secret itself and not from the key of the use,
# so that its hashes stay. It is handed by name. UUIDv7 ids begin with their milliseconds.
_EMAIL_USE_SINCE_MS: Final = int(datetime(2026, 11, 30, tzinfo=UTC).timestamp() * 1_000)

_ALPHABET: Final = string.ascii_letters + string.digits
_NONCE_BYTES: Final = 12


class SealBroken(Permanent):
    """The sealed text cannot be opened: other secret key, other context, or changed text."""


class KeyNotHanded(ConfigurationError):
    """The key ring of this service has no key for the use."""


def is_key_ring(text: str) -> bool:
    """Return whether a text has the form of a key ring and not of a secret."""
    return text.startswith(_RING_PREFIX)


def _opened(ring: str) -> dict[str, bytes]:
    try:
        keys = json.loads(base64.urlsafe_b64decode(ring.removeprefix(_RING_PREFIX)))
        return {label: bytes.fromhex(key) for label, key in keys.items()}
    except (ValueError, binascii.Error, AttributeError, TypeError):
        raise ConfigurationError("LAUREL_SECRET_KEY: the key ring is damaged") from None


def _has_own_email_key(workspace_id: str) -> bool:
    return UUID(workspace_id).int >> 80 < _EMAIL_USE_SINCE_MS


class TextHasher:
    """Makes keyed hashes of texts for one use, each workspace with a key of its own."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._peppers: dict[str, bytes] = {}  # one for each workspace

    def __call__(self, workspace_id: str, text: str) -> str:
        """Return the hash of a text in the workspace: 32 hexadecimal characters."""
        pepper = self._peppers.get(workspace_id)
        if pepper is None:
            pepper = hmac.digest(self._key, workspace_id.encode(), "sha256")
            self._peppers[workspace_id] = pepper
        return hmac.digest(pepper, text.encode(), "sha256")[:16].hex()


class TextSealer:
    """Seals texts, each workspace (or each purpose) with a key of its own.

    Only a service with the key of the same use opens them: `text` for what people wrote, `session`
    for sessions of the dashboard.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, workspace_id: str, text: str) -> str:
        """Return the sealed text in base64. Each call gives another one."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = self._box(workspace_id).encrypt(nonce, text.encode(), None)
        return base64.b64encode(nonce + box).decode()

    def open(self, workspace_id: str, sealed: str) -> str:
        """Return the text, or raise `SealBroken`."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            nonce, box = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return self._box(workspace_id).decrypt(nonce, box, None).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"a text of workspace {workspace_id} cannot be opened") from error

    def _box(self, workspace_id: str) -> AESGCM:
        return AESGCM(hmac.digest(self._key, f"sealed/{workspace_id}".encode(), "sha256"))


class IdentitySecrets:
    """The secret of each workspace by which its shop proves a customer id to Laurel."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, workspace_id: str) -> str:
        """Return the identity secret of a workspace: 64 hexadecimal characters."""
        return hmac.digest(self._key, workspace_id.encode(), "sha256").hex()

    def prove(self, workspace_id: str, customer_id: str) -> str:
        """Return the proof of a customer id: HMAC-SHA256 under the secret, in hexadecimal."""
        return hmac.digest(self.of(workspace_id).encode(), customer_id.encode(), "sha256").hex()

    def proves(self, workspace_id: str, customer_id: str, proof: str) -> bool:
        """Whether a text is the proof of a customer id. It takes the same time for every text."""
        expected = self.prove(workspace_id, customer_id)
        return hmac.compare_digest(expected.encode(), proof.lower().encode())


class Sealer:
    """The keys of one `LAUREL_SECRET_KEY`: a secret, or a key ring made from one.

    Cheap to make, safe to share.
    """

    def __init__(self, secret_key: str) -> None:
        self._handed = _opened(secret_key) if is_key_ring(secret_key) else None
        self._secret = secret_key.encode()
        self._peppers: dict[str, bytes] = {}  # one for each workspace

    def derive(self, label: str) -> bytes:
        """Return the key (32 bytes) of the use that the label names."""
        if self._handed is not None:
            if label not in self._handed:
                raise KeyNotHanded(
                    f"this service has no key for {label!r}: see shared.sealing.USES"
                )
            return self._handed[label]
        return hmac.digest(self._secret, f"laurel/{label}".encode(), "sha256")

    def ring_of(self, service: str, workspaces: Iterable[str] = ()) -> str:
        """Return the key ring of a service.

        `workspaces` are those of the installation. The e-mail keys of older ones are in the ring.
        """
        labels = list(USES[service])
        if "email" in labels:
            labels += [f"email/{one}" for one in workspaces if _has_own_email_key(one)]
        keys = {label: self.derive(label).hex() for label in labels}
        return _RING_PREFIX + base64.urlsafe_b64encode(json.dumps(keys).encode()).decode()

    def seal(self, plaintext: str, context: str) -> str:
        """Seal by AES-256-GCM, as base64. The same `context` (an entity id) opens it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = AESGCM(self.derive("seal")).encrypt(nonce, plaintext.encode(), context.encode())
        return base64.b64encode(nonce + box).decode()

    def unseal(self, sealed: str, context: str) -> str:
        """Return the plaintext, or raise `SealBroken`."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            opened = AESGCM(self.derive("seal")).decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"the sealed value of {context} cannot be opened") from error
        return opened.decode()

    def email_hash(self, workspace_id: str, email: str) -> str:
        """Return the keyed hash of an e-mail in the workspace: 32 hexadecimal characters."""
        pepper = self._peppers.get(workspace_id)
        if pepper is None:
            pepper = self._peppers[workspace_id] = self._email_key(workspace_id)
        return hmac.digest(pepper, email.strip().lower().encode(), "sha256")[:16].hex()

    def _email_key(self, workspace_id: str) -> bytes:
        if _has_own_email_key(workspace_id):
            return self.derive(f"email/{workspace_id}")
        return hmac.digest(self.derive("email"), workspace_id.encode(), "sha256")

    def text_hasher(self) -> TextHasher:
        """Return the hash of texts that may name a person (`shared.private_texts`)."""
        return TextHasher(self.derive("text"))

    def text_sealer(self) -> TextSealer:
        """Return the seal of texts that people wrote."""
        return TextSealer(self.derive("text"))

    def session_sealer(self) -> TextSealer:
        """Return the seal of the dashboard's sessions and sign-in links."""
        return TextSealer(self.derive("session"))

    def claim_token_hasher(self) -> TextHasher:
        """Return the hash of claim tokens."""
        return TextHasher(self.derive("claim"))

    def identity_secrets(self) -> "IdentitySecrets":
        """Return the identity secrets of the workspaces."""
        return IdentitySecrets(self.derive("identity"))

    def click_key(self) -> bytes:
        """Return the key of `shared.ids.ClickSigner`."""
        return self.derive("click")


def new_api_key(*, public: bool) -> str:
    """Return a new key: 8 characters that name it and 32 secret ones (190 bits)."""
    name, body = ("".join(secrets.choice(_ALPHABET) for _ in range(count)) for count in (8, 32))
    return f"lrl_{'pub' if public else 'sec'}_{name}_{body}"
