"""Everything done with `LAUREL_SECRET_KEY`: sealing secrets for the log, deriving keys, hashing e-mails, minting API keys.

Promise: one secret, many keys: each use derives its own by HMAC-SHA256 with a label, so no use can stand in for another.
What can go wrong: `unseal` raises `SealBroken` when the text was changed or sealed under another secret.
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
    """The sealed text does not open: other secret key, other context, or changed on the way."""


class Sealer:
    """Uses of one `LAUREL_SECRET_KEY`. Cheap to make, safe to share."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._peppers: dict[str, bytes] = {}  # one a workspace, of those that exist

    def derive(self, label: str) -> bytes:
        """32 bytes for one use, named by its label."""
        return hmac.digest(self._secret, f"laurel/{label}".encode(), "sha256")

    def seal(self, plaintext: str, context: str) -> str:
        """AES-256-GCM, base64; `context` (the entity's id) must be the same to open it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = AESGCM(self.derive("seal")).encrypt(nonce, plaintext.encode(), context.encode())
        return base64.b64encode(nonce + box).decode()

    def unseal(self, sealed: str, context: str) -> str:
        """The plaintext, or `SealBroken`."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            opened = AESGCM(self.derive("seal")).decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"the sealed value of {context} does not open") from error
        return opened.decode()

    def email_hash(self, workspace_id: str, email: str) -> str:
        """Keyed hash of an e-mail (trimmed, lower-case) under a pepper of the workspace; hex, 32 characters."""
        pepper = self._peppers.get(workspace_id)
        if pepper is None:
            pepper = self._peppers[workspace_id] = self.derive(f"email/{workspace_id}")
        return hmac.digest(pepper, email.strip().lower().encode(), "sha256")[:16].hex()

    def click_key(self) -> bytes:
        """The key of `shared.ids.ClickSigner`."""
        return self.derive("click")

    def role_password(self, role: str) -> str:
        """The database password of one service's role."""
        return self.derive(f"role/{role}").hex()


def new_api_key(*, public: bool) -> str:
    """A new key of the documented form: 8 characters to name it, 32 (190 bits) to keep secret."""
    name, body = ("".join(secrets.choice(_ALPHABET) for _ in range(count)) for count in (8, 32))
    return f"lrl_{'pub' if public else 'sec'}_{name}_{body}"
