"""Sessions: an API key in a sealed cookie, and the token that each form of a session carries.

Promise: the server keeps no session. The cookie is sealed (AES-GCM), so the browser cannot read or
change it, and scripts never see it. A form without the token of its own session is refused.
What can go wrong: a cookie that is too old, or sealed under another secret, is no session.
"""

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from shared.clock import Clock
from shared.http.problems import Problem
from shared.sealing import SealBroken, TextSealer

COOKIE: Final = "laurel_session"
PATH: Final = "/app"
SESSION_SECONDS: Final = 7 * 86_400
CSRF_FIELD: Final = "csrf"
# The seal binds a text to its purpose, so that a sign-in link is no cookie.
_COOKIE_PURPOSE: Final = "cookie"
_FORM_PURPOSE: Final = "form"
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser: the key that it uses, and a random id."""

    key: str
    id: str


class SignInNeeded(Exception):
    """There is no session, or its key works no more. The page is answered by the sign-in page."""


class Sessions:
    """Reads and writes the cookie. `is_secure`: browsers reach the dashboard by https only."""

    def __init__(self, sealer: TextSealer, clock: Clock, *, is_secure: bool) -> None:
        self._sealer, self._clock, self._is_secure = sealer, clock, is_secure

    def of(self, request: Request) -> Session:
        """Return the session of a request; raises `SignInNeeded`."""
        try:
            told = json.loads(self._sealer.open(_COOKIE_PURPOSE, request.cookies[COOKIE]))
            until = datetime.fromisoformat(told["until"])
        except (KeyError, SealBroken, ValueError):
            raise SignInNeeded from None
        if until < self._clock.now():
            raise SignInNeeded
        return Session(told["key"], told["id"])

    def begin(self, response: Response, key: str) -> None:
        """Put a new session into an answer."""
        until = self._clock.now().timestamp() + SESSION_SECONDS
        told = {
            "key": key,
            "id": secrets.token_hex(_ID_BYTES),
            "until": datetime.fromtimestamp(until, self._clock.now().tzinfo).isoformat(),
        }
        response.set_cookie(
            COOKIE,
            self._sealer.seal(_COOKIE_PURPOSE, json.dumps(told)),
            max_age=SESSION_SECONDS,
            path=PATH,
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )

    def end(self, response: Response) -> None:
        """Take the session out of the browser."""
        response.delete_cookie(COOKIE, path=PATH)

    def form_token(self, session: Session) -> str:
        """Return a token for the forms of a session; each call gives another text."""
        return self._sealer.seal(_FORM_PURPOSE, session.id)

    def check_form(self, session: Session, token: str) -> None:
        """Raise a 403 for a form that was not made for this session."""
        try:
            told = self._sealer.open(_FORM_PURPOSE, token)
        except SealBroken:
            told = ""
        if not hmac.compare_digest(told.encode(), session.id.encode()):
            raise Problem(403, "This form is too old", "open the page again and send the form again")
