"""Sign in with an API key or a one-time link; sign out.

Promise: the key goes into a sealed cookie and nowhere else. A form that another site sends signs
nobody in. After signing in the page opens that was asked for, which is always one of `/app/`.
"""

from typing import Annotated

from fastapi import Query, Request, Response
from starlette.responses import RedirectResponse

from services.dashboard.client.api import Api, Failed
from services.dashboard.layout.assets import asset_url
from services.dashboard.layout.page_route import SIGN_IN, PageRouter, html
from services.dashboard.layout.parts_of import parts_of
from services.dashboard.layout.templates import rendered
from services.dashboard.session.sessions import CSRF_FIELD, SignInNeeded
from shared.http.problems import Problem
from shared.ids import is_api_key

router = PageRouter()
_HOME = "/app/"


@router.get(SIGN_IN)
async def sign_in_page(
    request: Request,
    token: Annotated[str, Query(max_length=2_000)] = "",
    next_: Annotated[str, Query(alias="next", max_length=2_000)] = _HOME,
) -> Response:
    """Redeem a one-time link, or show the form."""
    if token:
        key = parts_of(request).links.redeem(token)
        if key is not None:
            return _signed_in(request, key, _HOME)
        said = "This link was used before or is older than an hour. Enter an API key, or type"
        return _form(request, f"{said} `laurel sign-in` for a new link.", _HOME, 403)
    return _form(request, None, _inside(next_), 200)


@router.post(SIGN_IN)
async def sign_in(request: Request) -> Response:
    """Sign in with the key of the form."""
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Problem(403, "This form came from another site", "open the sign-in page yourself")
    async with request.form(max_files=0, max_fields=5) as given:
        key, back = str(given.get("key", "")).strip(), _inside(str(given.get("next", _HOME)))
    if not is_api_key(key) or not key.startswith("lrl_sec_"):
        return _form(request, "A key begins with lrl_sec_. Copy all of it.", back, 422)
    parts = parts_of(request)
    try:
        answer = await Api(parts.http, parts.bases, key).get("roi", "/v1/keys/self")
    except SignInNeeded:
        return _form(request, "Laurel does not know this key, or it was revoked.", back, 401)
    if isinstance(answer, Failed):
        return _form(request, answer.sentence, back, 503)
    return _signed_in(request, key, back)


@router.post("/app/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    parts = parts_of(request)
    session = parts.sessions.of(request)
    async with request.form(max_files=0, max_fields=5) as given:
        parts.sessions.check_form(session, str(given.get(CSRF_FIELD, "")))
    response = RedirectResponse(SIGN_IN, 303)
    parts.sessions.end(response)
    return response


def _signed_in(request: Request, key: str, back: str) -> Response:
    response = RedirectResponse(back, 303)
    parts_of(request).sessions.begin(response, key)
    return response


def _form(request: Request, trouble: str | None, back: str, status: int) -> Response:
    text = rendered("sign_in/sign_in.html", trouble=trouble, back=back, asset=asset_url)
    return html(request, text, status)


def _inside(address: str) -> str:
    """Return an address of the dashboard; any other one becomes the overview."""
    return address if address.startswith(_HOME) and "\\" not in address else _HOME
