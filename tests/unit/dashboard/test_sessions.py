"""Sessions and sign-in links: sealed, ended by time, used once, bound to their purpose."""

from datetime import UTC, datetime
from http.cookies import SimpleCookie

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.dashboard.session.sessions import (
    COOKIE,
    SESSION_SECONDS,
    Session,
    Sessions,
    SignInNeeded,
)
from services.dashboard.session.sign_in_links import LINK_SECONDS, SignInLinks
from shared.clock import ManualClock
from shared.http.problems import Problem
from shared.sealing import Sealer

KEY = "lrl_sec_abcdefgh_" + "k" * 32


def request_with(cookie: str | None) -> Request:
    headers = [] if cookie is None else [(b"cookie", f"{COOKIE}={cookie}".encode())]
    return Request({"type": "http", "headers": headers})


def cookie_of(sessions: Sessions) -> str:
    response = Response()
    sessions.begin(response, KEY)
    return SimpleCookie(response.headers["set-cookie"])[COOKIE].value


def made(secret: str = "a secret of the tests") -> tuple[Sessions, ManualClock]:
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    return Sessions(Sealer(secret).session_sealer(), clock, is_secure=True), clock


def test_a_session_holds_its_key_for_its_time() -> None:
    sessions, clock = made()
    cookie = cookie_of(sessions)
    assert KEY not in cookie
    assert sessions.of(request_with(cookie)).key == KEY
    clock.advance(SESSION_SECONDS + 1)
    with pytest.raises(SignInNeeded):
        sessions.of(request_with(cookie))


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    sessions, _ = made()
    response = Response()
    sessions.begin(response, KEY)
    told = response.headers["set-cookie"].lower()
    for word in ("httponly", "samesite=lax", "secure", "path=/app"):
        assert word in told


@pytest.mark.parametrize("cookie", [None, "", "x", "é", "AAAA" * 30])
def test_any_other_cookie_is_no_session(cookie: str | None) -> None:
    sessions, _ = made()
    with pytest.raises(SignInNeeded):
        sessions.of(request_with(cookie))


def test_a_cookie_of_another_secret_is_no_session() -> None:
    foreign, _ = made("another secret of tests")
    sessions, _ = made()
    with pytest.raises(SignInNeeded):
        sessions.of(request_with(cookie_of(foreign)))


def test_a_form_belongs_to_its_session() -> None:
    sessions, _ = made()
    mine, other = Session(KEY, "1" * 32), Session(KEY, "2" * 32)
    token = sessions.form_token(mine)
    assert token != sessions.form_token(mine)
    sessions.check_form(mine, token)
    for session, given in ((other, token), (mine, ""), (mine, "x"), (mine, cookie_of(sessions))):
        with pytest.raises(Problem):
            sessions.check_form(session, given)


def test_a_link_signs_in_once_and_within_the_hour() -> None:
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    links = SignInLinks(Sealer("a secret of the tests").session_sealer(), clock)
    token = links.token(KEY)
    assert token.isascii()
    assert not set(token) & set("+/=&?#%")
    assert links.redeem(token) == KEY
    assert links.redeem(token) is None
    late = links.token(KEY)
    clock.advance(LINK_SECONDS + 1)
    assert links.redeem(late) is None
    assert links.redeem("x") is None


def test_a_link_is_no_cookie_and_a_cookie_no_link() -> None:
    sessions, clock = made()
    links = SignInLinks(Sealer("a secret of the tests").session_sealer(), clock)
    with pytest.raises(SignInNeeded):
        sessions.of(request_with(links.token(KEY)))
    assert links.redeem(cookie_of(sessions)) is None
