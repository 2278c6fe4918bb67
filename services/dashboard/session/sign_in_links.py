"""One-time sign-in links: an API key that is sealed into an address, as notebook servers do.

Promise: a link works once, for an hour, and only with the secret of this installation. The link
is in the terminal of who started Laurel and nowhere else.
What can go wrong: a process that starts again forgets which links were used, so one that was used
in the hour before works once more.
"""

import json
import secrets
from datetime import datetime, timedelta
from typing import Final

from shared.clock import Clock
from shared.sealing import SealBroken, TextSealer

LINK_SECONDS: Final = 3_600
_PURPOSE: Final = "sign-in"
_NONCE_BYTES: Final = 16


class SignInLinks:
    """Makes and redeems tokens."""

    def __init__(self, sealer: TextSealer, clock: Clock) -> None:
        self._sealer, self._clock = sealer, clock
        self._used: dict[str, datetime] = {}  # nonce to the end of its token

    def token(self, key: str) -> str:
        """Return a new token for a key, in characters that an address takes as they are."""
        until = self._clock.now() + timedelta(seconds=LINK_SECONDS)
        told = {"key": key, "nonce": secrets.token_hex(_NONCE_BYTES), "until": until.isoformat()}
        sealed = self._sealer.seal(_PURPOSE, json.dumps(told))
        return sealed.replace("+", "-").replace("/", "_").rstrip("=")

    def redeem(self, token: str) -> str | None:
        """Return the key of a token that was not used yet; else None."""
        padded = token.replace("-", "+").replace("_", "/") + "=" * (-len(token) % 4)
        try:
            told = json.loads(self._sealer.open(_PURPOSE, padded))
            until = datetime.fromisoformat(told["until"])
        except (SealBroken, KeyError, ValueError):
            return None
        now = self._clock.now()
        self._used = {nonce: end for nonce, end in self._used.items() if end >= now}
        if until < now or told["nonce"] in self._used:
            return None
        self._used[told["nonce"]] = until
        return str(told["key"])
