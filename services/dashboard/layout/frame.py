"""The frame of a page: who is signed in, what they may do, the state of the address, the menu.

Promise: one call (`GET /v1/keys/self`) tells the workspace and the scopes for a page. What a key
may not do is not offered. The menu is made of the pages that name a place in it.
What can go wrong: `SignInNeeded`; a `Problem` when roi does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.dashboard.client.api import Answer, Api, Failed, Got
from services.dashboard.client.dictionary import Metrics
from services.dashboard.layout.page_route import html
from services.dashboard.layout.parts import PeriodBar, PresetLink
from services.dashboard.layout.parts_of import Parts, parts_of
from services.dashboard.layout.templates import rendered
from services.dashboard.session.sessions import CSRF_FIELD, Session
from services.dashboard.tables.table import Table
from services.dashboard.tables.texts import moment_text, plain_words
from services.dashboard.view.view import COMPARISONS, DEFAULT_MODEL, View, presets
from shared.http.problems import Problem
from shared.models import CREDIT_MODELS

# Offered in the period bar; an address may name any other one.
COMMON_CURRENCIES: Final = ("AUD", "CAD", "CHF", "EUR", "GBP", "JPY", "PLN", "SEK", "USD")
HOME: Final = "/app/overview"
WHY: Final = "/app/why"
# Under the path of a page with this ending, a table of the page is a file; `panel` names the table.
CSV: Final = ".csv"
PANEL: Final = "panel"
CSV_TYPE: Final = "text/csv; charset=utf-8"
# The form of an import asks about each of 200 columns with two fields.
FORM_FIELDS_MAX: Final = 420


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
            raise Problem(
                503, "Laurel does not answer", f"{answer.sentence} Try again in a moment."
            )
        told = answer.body["workspace"]
        workspace = Workspace(
            told["name"], told["time_zone"], told["currency"], frozenset(answer.body["scopes"])
        )
        metrics = await parts.dictionary.read(api, parts.clock.monotonic())
        path = request.url.path.removesuffix(CSV)
        view = View.parse(path, request.query_params.multi_items(), (*own, PANEL))
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
        return why_link(self.view, metric, group)

    # --- answering -------------------------------------------------------------------------------

    def page(
        self,
        template: str,
        *,
        tables: Mapping[str, Table | Failed] = MappingProxyType({}),
        status: int = 200,
        **values: Any,
    ) -> Response:
        """Return a page, or under its path with `.csv` one of its `tables` as a file.

        Of `answers` among the values the page tells freshness, warnings and versions.
        """
        if self.request.url.path.endswith(CSV):
            return self._csv(tables)
        meta = Meta.of(values.pop("answers", ()), self.workspace.time_zone)
        values.setdefault("toast", None)
        values.setdefault("period", self._period(meta))
        text = rendered(
            template,
            frame=self,
            view=self.view,
            tables=tables,
            workspace=self.workspace.name,
            home=self.view.carried(HOME),
            menu=self._menu(),
            notices=self.view.notices,
            csrf=self.parts.sessions.form_token(self.session),
            sign_out="/app/sign-out",
            meta=meta,
            fresh_to=meta.fresh_to,
            versions=meta.versions,
            **values,
        )
        return html(self.request, text, status)

    def csv(self, panel: str) -> str:
        """Return the address of a panel's table as a file."""
        return self.view.link(self.view.path + CSV, panel=panel)

    def _csv(self, tables: Mapping[str, Table | Failed]) -> Response:
        panel = self.view.get(PANEL) or next(iter(tables), "")
        table = tables.get(panel)
        if table is None:
            raise Problem(404, "Not found", f"This page has no table {panel!r}.")
        if isinstance(table, Failed):
            raise Problem(table.status or 503, "This file cannot be made now", table.sentence)
        headers = {"Content-Disposition": f'attachment; filename="laurel-{panel}.csv"'}
        return Response(table.csv(), media_type=CSV_TYPE, headers=headers)

    def leave(self, address: str) -> Response:
        """Lead to another address after a form was done."""
        return RedirectResponse(address, 303)

    async def form(self) -> Mapping[str, str]:
        """Return the fields of a form of this session; raises a 403 for a forged one."""
        fields, _ = await self.form_and_file()
        return fields

    async def form_and_file(self, name: str = "") -> tuple[Mapping[str, str], bytes | None]:
        """Return the fields of a form, and the bytes of its file `name` if one was chosen."""
        async with self.request.form(max_files=1, max_fields=FORM_FIELDS_MAX) as given:
            fields = {name: value for name, value in given.items() if isinstance(value, str)}
            sent = given.get(name)
            file = await sent.read() if isinstance(sent, UploadFile) and sent.filename else None
        self.parts.sessions.check_form(self.session, fields.pop(CSRF_FIELD, ""))
        return fields, file

    def _menu(self) -> Sequence[tuple[str, str, bool]]:
        """Return label, address and whether it is the present page, of each entry."""
        entries: Sequence[MenuEntry] = self.request.app.state.menu
        here = self.request.url.path
        return [
            (entry.label, self.view.carried(entry.path), _is_under(here, entry.path))
            for entry in entries
            if self.workspace.may(entry.scope)
        ]

    def _period(self, meta: "Meta") -> PeriodBar:
        """Return the period bar: what the address says, and the days of the answer else."""
        view = self.view
        chosen = (view.first, view.last)
        return PeriodBar(
            action=view.path,
            first=view.first or meta.first,
            last=view.last or meta.last,
            presets=[
                PresetLink(
                    one.letter,
                    one.label,
                    view.link(from_=one.first, to=one.last),
                    chosen == (one.first, one.last) or (one.is_default and not any(chosen)),
                )
                for one in presets(self.today)
            ],
            currencies=[(code, code) for code in sorted({*COMMON_CURRENCIES, self.currency})],
            currency=self.currency,
            models=[(name, name.replace("_", " ")) for name in CREDIT_MODELS],
            model=self.model,
            comparisons=list(COMPARISONS.items()),
            compare=view.compare,
            kept=[*view.filters, *view.own],
        )


@dataclass(frozen=True, slots=True)
class Meta:
    """What the answers of a page say of themselves.

    `first` and `last` are the days of the answers; `versions` the metrics with their versions.
    """

    first: str | None = None
    last: str | None = None
    fresh_to: str | None = None
    as_of: str | None = None
    warnings: Sequence[str] = ()
    versions: Sequence[str] = ()

    @classmethod
    def of(cls, answers: Iterable[Answer], zone: str) -> "Meta":
        """Return the meta of answers that have one; of several the first tells days and times."""
        found = [one.body["meta"] for one in answers if isinstance(one, Got)]
        metas = [meta for meta in found if "metrics" in meta]
        if not metas:
            return cls()
        first = metas[0]
        told = [one for meta in metas for one in meta["warnings"]]
        warnings = {one["sentence"]: plain_words(one["sentence"]) for one in told}
        versions = {name: one["version"] for meta in metas for name, one in meta["metrics"].items()}
        return cls(
            first=first["from"][:10],
            last=first["to"][:10],
            fresh_to=first["fresh_to"] and moment_text(first["fresh_to"], zone),
            as_of=moment_text(first["as_of"], zone),
            warnings=tuple(warnings.values()),
            versions=[f"{name} v{number}" for name, number in sorted(versions.items())],
        )


def why_link(view: View, metric: str, group: Mapping[str, str | None]) -> str:
    """Return the address that explains a metric of a group in the state of a view."""
    base = replace(view, path=WHY, compare=None, own=(), notices=())
    return base.link(metric=metric, **{f"filter__{name}": value for name, value in group.items()})


def body_of(answer: Answer) -> Any:
    """Return the body of an answer; a `Problem` page where the whole page hangs on it."""
    if isinstance(answer, Got):
        return answer.body
    title = "Not found" if answer.status == 404 else "This page cannot be shown now"
    raise Problem(answer.status or 503, title, answer.sentence)


def _is_under(here: str, path: str) -> bool:
    return here == path or here.startswith(f"{path}/")
