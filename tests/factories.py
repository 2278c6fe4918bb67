"""Builders of domain values for tests: keys, creators, touches, orders, adjustments, policies.

Promise: every id is derived from a short name, so equal arguments give equal values in any process,
and every id is valid on the wire. Times are offsets from `NOON`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Final

from services.attribution.domain.model import (
    Adjustment,
    CatalogFacts,
    ConversionKey,
    ConversionVersion,
    Edge,
    Scope,
    SurveyAnswer,
    Touch,
)
from shared.catalog import CodePeriod, LinkPeriod, Policy, Precedence, Surveys, ZeroValueOrders
from shared.code_texts import CodeText, code_text
from shared.credits import WINDOWS_DAYS, TouchKind
from shared.events import AdjustmentKind, ClickRef, ConversionKind, Quality, SourceKind
from shared.ids import MAIN_STORE, customer_key, natural_id, person_key
from shared.models import DEFAULT_MODELS, ModelRef

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING: Final = timedelta(0)
AN_HOUR: Final = timedelta(hours=1)
A_DAY: Final = timedelta(days=1)
BRAND: Final = "the brand"


def ident(kind: str, name: str) -> str:
    """Return the UUID of a named thing."""
    return natural_id("tests", "factory", kind, name)


WORKSPACE: Final = ident("workspace", "main")


def creator_id(name: str) -> str:
    """Return the id of a named creator."""
    return ident("creator", name)


def placement_id(name: str) -> str:
    """Return the id of the one placement of a named creator (or of the brand)."""
    return ident("placement", name)


def link_id(name: str) -> str:
    """Return the id of the one link of a named creator (or of the brand)."""
    return ident("link", name)


def visitor(name: str) -> bytes:
    """Return the weak key of a visitor id."""
    return person_key("visitor", name)


def click(name: str) -> bytes:
    """Return the weak key of a click id."""
    return person_key("click", name)


def customer(name: str, store: str = MAIN_STORE) -> bytes:
    """Return the strong key of a customer id of a store."""
    key = customer_key(name, store)
    assert key is not None, "a guest is no customer"
    return key


def email(name: str) -> bytes:
    """Return the strong key of the hash of an e-mail."""
    return person_key("email", name)


def days(count: int) -> timedelta:
    """Return a number of days."""
    return timedelta(days=count)


def minutes(count: int) -> timedelta:
    """Return a number of minutes."""
    return timedelta(minutes=count)


def touch(
    name: str,
    *,
    of: str = "mia",
    by: bytes | None = None,
    click_key: bytes | None = None,
    ago: timedelta = AN_HOUR,
    kind: TouchKind = "click",
    quality: tuple[Quality, ...] = (),
    consent: bool = True,
    source: SourceKind | None = "edge",
) -> Touch:
    """Return a click on the link of a creator; other kinds name the placement instead."""
    return Touch(
        touch_id=ident("touch", name),
        kind=kind,
        occurred_at=NOON - ago,
        anon_key=by if by is not None else click_key,
        click_key=click_key,
        link_id=link_id(of) if kind == "click" else None,
        placement_id=placement_id(of) if kind != "click" else None,
        quality=quality,
        consent=consent,
        source_kind=source,
    )


def referral(
    name: str,
    *,
    code: str,
    by: bytes | None = None,
    ago: timedelta = AN_HOUR,
    source: SourceKind = "secret",
) -> Touch:
    """Return a touch by a referral code."""
    at = NOON - ago
    return Touch(ident("touch", name), "referral", at, by, code=code_text(code), source_kind=source)


def seen_together(
    event: str, *keys: bytes, source: SourceKind | None = "secret"
) -> tuple[Edge, ...]:
    """Return the evidence edges of one event that carries these keys."""
    pairs = combinations(sorted(set(keys)), 2)
    return tuple(Edge(ident("event", event), low, high, source) for low, high in pairs)


def claimed(name: str, token: bytes, *keys: bytes) -> tuple[Edge, ...]:
    """Return the ties of a claim with a token to these anonymous keys."""
    digest = person_key("claim", b"".join(sorted(keys)).hex())
    return seen_together(name, token, digest, *keys, source="public")


def claim_token(name: str) -> bytes:
    """Return the key of the claim token of an order."""
    return person_key("token", name)


def conversion_key(
    name: str = "1001", kind: ConversionKind = "purchase", store: str = MAIN_STORE
) -> ConversionKey:
    """Return the key of a conversion."""
    return ConversionKey(kind, name, store)


def order(
    name: str = "1001",
    *keys: bytes,
    net_minor: int | None = 4990,
    currency: str | None = "EUR",
    ago: timedelta = NOTHING,
    codes: tuple[str, ...] = (),
    kind: ConversionKind = "purchase",
    source: SourceKind = "webhook",
    source_id: str = "shop",
    version: int = 1,
    carries: Touch | None = None,
    new_customer: bool | None = None,
    taxes_included: bool = False,
    token: bytes | None = None,
    tie_break: tuple[int, ...] = (),
    cancelled: bool | None = None,
    test: bool = False,
    unpaid: bool = False,
    customer_orders: int | None = None,
    history: bool = False,
    store: str = MAIN_STORE,
) -> ConversionVersion:
    """Return a version of an order with these keys; `carries` is the click whose id it has."""
    where = ("" if store == MAIN_STORE else f"/{store}") + "/history" * history
    natural_key = f"{kind}/{name}/{source}/{source_id}/{version}{tie_break or ''}{where}"
    clicked = carries.click_key if carries and carries.click_key else None
    return ConversionVersion(
        event_id=ident("event", natural_key),
        key=conversion_key(name, kind, store),
        source_kind=source,
        source_id=source_id,
        version=version,
        occurred_at=NOON - ago,
        net_minor=net_minor,
        currency=currency,
        codes=tuple(code_text(code) for code in codes),
        keys=tuple(sorted({*keys, *((clicked,) if clicked else ())})),
        click_touch_id=carries.touch_id if carries else None,
        click=ClickRef(carries.link_id or "", carries.occurred_at) if carries else None,
        new_customer=new_customer,
        taxes_included=taxes_included,
        token=token,
        tie_break=tie_break,
        cancelled=cancelled,
        test=test,
        unpaid=unpaid,
        customer_orders=customer_orders,
        history=history,
    )


def lead(name: str, *keys: bytes, ago: timedelta = NOTHING) -> ConversionVersion:
    """Return a conversion without money."""
    return order(name, *keys, kind="lead", net_minor=None, currency=None, ago=ago, source="secret")


def adjustment(
    kind: AdjustmentKind,
    name: str = "a1",
    *,
    of: ConversionKey | None = None,
    amount_minor: int | None = None,
    net_after_minor: int | None = None,
    tax_minor: int = 0,
    capped: bool = False,
    currency: str | None = "EUR",
    after: timedelta = A_DAY,
    source: SourceKind = "webhook",
    source_id: str = "shop",
    version: int = 0,
    pending: bool = False,
) -> Adjustment:
    """Return an adjustment of an order, `after` the time of `NOON`."""
    key = of or conversion_key()
    where = "" if key.store == MAIN_STORE else f"{key.store}/"
    told = "" if (source_id, version) == ("shop", 0) else f"/{source_id}/{version}"
    return Adjustment(
        event_id=ident("event", f"{where}{key.kind}/{key.natural_id}/{name}{told}"),
        key=key,
        adjustment_id=name,
        kind=kind,
        occurred_at=NOON + after,
        amount_minor=amount_minor,
        net_after_minor=net_after_minor,
        tax_minor=tax_minor,
        capped=capped,
        currency=currency,
        source_kind=source,
        source_id=source_id,
        version=version,
        pending=pending,
    )


def answered(
    name: str,
    *,
    of: str | None = "mia",
    order: ConversionKey | None = None,
    after: timedelta = NOTHING,
    source: SourceKind = "secret",
    token: bytes | None = None,
) -> SurveyAnswer:
    """Return what the buyer of an order answered, `after` the time of `NOON`."""
    return SurveyAnswer(
        event_id=ident("answer", name),
        key=order or conversion_key(),
        occurred_at=NOON + after,
        placement_id=placement_id(of) if of is not None else None,
        source_kind=source,
        token=token,
    )


def influencers(*names: str) -> CatalogFacts:
    """Return creators with one placement and one link each, without end of the period."""
    return CatalogFacts(
        links={link_id(name): (LinkPeriod(placement_id=placement_id(name)),) for name in names},
        placements={placement_id(name): creator_id(name) for name in names},
    )


def brand_content() -> CatalogFacts:
    """Return the placement and link of the brand itself."""
    return CatalogFacts(
        links={link_id(BRAND): (LinkPeriod(placement_id=placement_id(BRAND)),)},
        placements={placement_id(BRAND): ""},
    )


def code(
    text: str, *, of: str, since: datetime | None = None, until: datetime | None = None
) -> CatalogFacts:
    """Return a discount code of a creator, `until` exclusive."""
    owned = CodePeriod(
        valid_from=since,
        valid_to=until,
        creator_id=creator_id(of),
        placement_id=placement_id(of),
    )
    return CatalogFacts(codes={code_text(text): (owned,)})


def policy(
    name: str = "policy",
    *,
    since: datetime | None = None,
    windows: Mapping[str, int] | None = None,
    precedence: Precedence = Precedence.CODE_WINS,
    models: tuple[ModelRef, ...] = DEFAULT_MODELS,
    stages: Mapping[str, str] | None = None,
    retention_days: int = 365,
    survey: Surveys = Surveys.FALLBACK,
    zero_value_orders: ZeroValueOrders = ZeroValueOrders.IGNORE,
    revision: int = 1,
) -> Policy:
    """Return a version of a policy."""
    return Policy(
        workspace_id=WORKSPACE,
        id=ident("policy", name),
        revision=revision,
        recorded_at=NOON,
        valid_from=since,
        windows_days={**WINDOWS_DAYS, **(windows or {})},
        precedence=precedence,
        models=models,
        stages=dict(stages or {}),
        retention_days=retention_days,
        survey=survey,
        zero_value_orders=zero_value_orders,
    )


def facts(*parts: CatalogFacts | Policy) -> CatalogFacts:
    """Return all parts in one; the owners of one code or link are joined."""
    links: dict[str, tuple[LinkPeriod, ...]] = {}
    placements: dict[str, str] = {}
    codes: dict[CodeText, tuple[CodePeriod, ...]] = {}
    policies: list[Policy] = []
    for part in parts:
        if isinstance(part, Policy):
            policies.append(part)
            continue
        for entity, link_periods in part.links.items():
            links[entity] = links.get(entity, ()) + link_periods
        placements |= part.placements
        for text, code_periods in part.codes.items():
            codes[text] = codes.get(text, ()) + code_periods
    return CatalogFacts(links, placements, codes, tuple(policies))


Evidence = Touch | ConversionVersion | Adjustment | SurveyAnswer | Edge | tuple[Edge, ...]


def scope(*evidence: Evidence, hubs: Iterable[bytes] = (), workspace_id: str = WORKSPACE) -> Scope:
    """Return all evidence, in the order given."""
    flat: list[Evidence] = []
    for item in evidence:
        # A touch is a tuple, too.
        flat += item if isinstance(item, tuple) and not isinstance(item, Touch) else (item,)
    return Scope(
        workspace_id=workspace_id,
        touches=tuple(part for part in flat if isinstance(part, Touch)),
        edges=tuple(part for part in flat if isinstance(part, Edge)),
        versions=tuple(part for part in flat if isinstance(part, ConversionVersion)),
        adjustments=tuple(part for part in flat if isinstance(part, Adjustment)),
        answers=tuple(part for part in flat if isinstance(part, SurveyAnswer)),
        hubs=frozenset(hubs),
    )
