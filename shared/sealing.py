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


class Sealer:
    """The keys of one `LAUREL_SECRET_KEY`. Cheap to make, safe to share."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._peppers: dict[str, bytes] = {}  # one for each use and workspace

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
        return self._keyed_hash("email", workspace_id, email.strip().lower())

    def claim_token_hash(self, workspace_id: str, token: str) -> str:
        """Return the keyed hash of a claim token in the workspace: 32 hexadecimal characters."""
        return self._keyed_hash("claim", workspace_id, token)

    def click_key(self) -> bytes:
        """Return the key of `shared.ids.ClickSigner`."""
        return self.derive("click")

    def _keyed_hash(self, use: str, workspace_id: str, text: str) -> str:
        label = f"{use}/{workspace_id}"
        pepper = self._peppers.get(label)
        if pepper is None:
            pepper = self._peppers[label] = self.derive(label)
        return hmac.digest(pepper, text.encode(), "sha256")[:16].hex()

    def role_password(self, role: str) -> str:
        """Return the database password of a role."""
        return self.derive(f"role/{role}").hex()


def new_api_key(*, public: bool) -> str:
    """Return a new key: 8 characters that name it and 32 secret ones (190 bits)."""
    name, body = ("".join(secrets.choice(_ALPHABET) for _ in range(count)) for count in (8, 32))
    return f"lrl_{'pub' if public else 'sec'}_{name}_{body}"
