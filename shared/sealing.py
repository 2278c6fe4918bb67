"""The uses of `LAUREL_SECRET_KEY`: seal secrets, derive keys, hash e-mails; and new API keys.

Promise: each use derives its own key from the secret by HMAC-SHA256 with a label, so the key of one
use has no value for another.
What can go wrong: `unseal` raises `SealBroken` when the text was changed or sealed under another
secret.
"""

import base64
import hmac
import secrets
import string
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Permanent

_ALPHABET: Final = string.ascii_letters + string.digits
_NONCE_BYTES: Final = 12


class SealBroken(Permanent):
    """The sealed text cannot be opened: other secret key, other context, or changed text."""


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


class Sealer:
    """The keys of one `LAUREL_SECRET_KEY`. Cheap to make, safe to share."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._peppers: dict[str, bytes] = {}  # one for each workspace

    def derive(self, label: str) -> bytes:
        """Return the key (32 bytes) of the use that the label names."""
        return hmac.digest(self._secret, f"laurel/{label}".encode(), "sha256")

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
            pepper = self._peppers[workspace_id] = self.derive(f"email/{workspace_id}")
        return hmac.digest(pepper, email.strip().lower().encode(), "sha256")[:16].hex()

    def text_hasher(self) -> TextHasher:
        """Return the hash of texts that may name a person (`shared.private_texts`)."""
        return TextHasher(self.derive("text"))

    def claim_token_hasher(self) -> TextHasher:
        """Return the hash of claim tokens."""
        return TextHasher(self.derive("claim"))

    def click_key(self) -> bytes:
        """Return the key of `shared.ids.ClickSigner`."""
        return self.derive("click")

    def role_password(self, role: str) -> str:
        """Return the database password of a role."""
        return self.derive(f"role/{role}").hex()


def new_api_key(*, public: bool) -> str:
    """Return a new key: 8 characters that name it and 32 secret ones (190 bits)."""
    name, body = ("".join(secrets.choice(_ALPHABET) for _ in range(count)) for count in (8, 32))
    return f"lrl_{'pub' if public else 'sec'}_{name}_{body}"
