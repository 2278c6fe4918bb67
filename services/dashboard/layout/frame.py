"""The frame of a page: who is signed in, what they may do, the state of the address, the menu.

Promise: one call (`GET /v1/keys/self`) tells the workspace and the scopes for a page. What a key
may not do is not offered. The menu is made of the pages that name a place in it.
What can go wrong: `SignInNeeded`; a `Problem` when roi does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.dashboard.client.api import Answer, Api, Failed, Got, together
from services.dashboard.client.dictionary import Metrics
from services.dashboard.layout.assets import asset_url
from services.dashboard.layout.page_route import html
from services.dashboard.layout.parts_of import Parts, parts_of
from services.dashboard.layout.templates import rendered
from services.dashboard.session.sessions import CSRF_FIELD, Session
from services.dashboard.tables.table import Table
from services.dashboard.tables.texts import day_text, moment_text
from services.dashboard.view.view import COMPARISONS, DEFAULT_MODEL, View, presets
from shared.http.problems import Problem
from shared.models import CREDIT_MODELS
from shared.money import CURRENCIES

CSV_TYPE: Final = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """The place of a page in the menu. A page that has one says `MENU = MenuEntry(...)`."""

    place: int
    label: str
    path: str
    scope: str = "read"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The brand of the session's key, and what the key may do."""

    name: str
    time_zone: str
    currency: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Return whether the key has a scope; `admin` includes every scope."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything that a page needs besides its own panels."""

    request: Request
    parts: Parts
    session: Session
    api: Api
    workspace: Workspace
    metrics: Metrics
    view: View
    today: date

    @classmethod
    async def of(cls, request: Request, own: Iterable[str] = ()) -> "Frame":
        """Return the frame of a request; `own` are the parameters of this page alone."""
        parts = parts_of(request)
        session = parts.sessions.of(request)
        api = Api(parts.http, parts.bases, session.key)
        answer = await api.get("roi", "/v1/keys/self")
        if isinstance(answer, Failed):
            raise Problem(503, "Laurel does not answer", f"{answer.sentence} Try again in a moment.")
        told = answer.body["workspace"]
        workspace = Workspace(
            told["name"], told["time_zone"], told["currency"], frozenset(answer.body["scopes"])
        )
        metrics = await parts.dictionary.read(api, parts.clock.monotonic())
        view = View.parse(request.url.path, request.query_params.multi_items(), own)
        today = parts.clock.now().astimezone(ZoneInfo(workspace.time_zone)).date()
        return cls(request, parts, session, api, workspace, metrics, view, today)

    # --- asking ----------------------------------------------------------------------------------

    @property
    def currency(self) -> str:
        """The currency of the page: of the address, else the workspace's."""
        return self.view.currency or self.workspace.currency

    @property
    def model(self) -> str:
        """The credit model of the page."""
        return self.view.model or DEFAULT_MODEL

    async def roi(self, **question: str | None) -> Answer:
        """Ask `GET /v1/roi` with the state of the page and `question`."""
        return await self.api.get("roi", "/v1/roi", self._asked(question))

    async def funnel(self, **question: str | None) -> Answer:
        """Ask `GET /v1/funnel` likewise."""
        asked = {name: value for name, value in self._asked(question).items() if name != "compare"}
        return await self.api.get("roi", "/v1/funnel", asked)

    def _asked(self, question: Mapping[str, str | None]) -> Mapping[str, str]:
        return {"currency": self.currency, **self.view.question(**question)}

    def why(self, metric: str, **group: str | None) -> str:
        """Return the address of the page that tells how a figure of this view came about."""
        filters = {f"filter__{name}": value for name, value in group.items()}
        base = View("/app/why", self.view.first, self.view.last, self.view.currency, self.view.model)
        kept = {f"filter__{name[7:]}": value for name, value in self.view.filters}
        return base.link(metric=metric, **{**kept, **filters})

    # --- answering -------------------------------------------------------------------------------

    def page(self, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
        """Return a page. `answers` among the values are told of: freshness, warnings, versions."""
        values.setdefault("answers", ())
        text = rendered(
            template,
            title=title,
            frame=self,
            view=self.view,
            workspace=self.workspace,
            asset=asset_url,
            menu=self._menu(),
            period=self._period(),
            csrf=self.parts.sessions.form_token(self.session),
            meta=_meta(values["answers"], self.workspace.time_zone),
            **values,
        )
        return html(self.request, text, status)

    def csv(self, name: str, table: Table) -> Response:
        """Return a table as a file."""
        headers = {"Content-Disposition": f'attachment; filename="laurel-{name}.csv"'}
        return Response(table.csv(), media_type=CSV_TYPE, headers=headers)

    def leave(self, address: str) -> Response:
        """Lead to another address after a form was done."""
        return RedirectResponse(address, 303)

    async def form(self) -> Mapping[str, str]:
        """Return the fields of a form of this session; raises a 403 for a forged one."""
        async with self.request.form(max_files=1, max_fields=200) as given:
            fields = {name: value for name, value in given.items() if isinstance(value, str)}
        self.parts.sessions.check_form(self.session, fields.pop(CSRF_FIELD, ""))
        return fields

    def _menu(self) -> Sequence[tuple[str, str, bool]]:
        """Return label, address and whether it is the present page, of each entry."""
        entries: Sequence[MenuEntry] = self.request.app.state.menu
        here = self.request.url.path
        return [
            (entry.label, self.view.carried(entry.path), _is_under(here, entry.path))
            for entry in entries
            if self.workspace.may(entry.scope)
        ]

    def _period(self) -> Mapping[str, Any]:
        """Return what the period bar shows."""
        return {
            "presets": presets(self.today),
            "today": self.today.isoformat(),
            "models": [(name, model.sentence) for name, model in CREDIT_MODELS.items()],
            "model": self.model,
            "currency": self.currency,
            "currencies": sorted(CURRENCIES),
            "comparisons": COMPARISONS,
        }


async def several(*calls: Any) -> Sequence[Answer]:
    """Return the answers of panels that are asked at once."""
    return await together(*calls)


def body_of(answer: Answer) -> Any:
    """Return the body of an answer; a `Problem` page where the whole page hangs on it."""
    if isinstance(answer, Got):
        return answer.body
    title = "Not found" if answer.status == 404 else "This page cannot be shown now"
    raise Problem(answer.status or 503, title, answer.sentence)


def _is_under(here: str, path: str) -> bool:
    if path == "/app/":
        return here in ("/app/", "/app/overview")
    return here == path or here.startswith(path.rstrip("/") + "/")


def _meta(answers: Iterable[Answer], zone: str) -> Mapping[str, Any]:
    """Return what the answers of a page say of themselves: period, freshness, warnings, metrics."""
    metas = [one.body["meta"] for one in answers if isinstance(one, Got) and "meta" in one.body]
    if not metas:
        return {"warnings": [], "fresh_to": None, "period": None, "metrics": {}, "as_of": None}
    warnings = {one["id"]: one["sentence"] for meta in metas for one in meta["warnings"]}
    metrics = {name: one for meta in metas for name, one in meta["metrics"].items()}
    first = metas[0]
    return {
        "warnings": list(warnings.values()),
        "fresh_to": first["fresh_to"] and moment_text(first["fresh_to"], zone),
        "as_of": moment_text(first["as_of"], zone),
        "period": f"{day_text(first['from'][:10])} to {day_text(first['to'][:10])}",
        "first": first["from"][:10],
        "last": first["to"][:10],
        "zone": zone,
        "metrics": metrics,
    }
