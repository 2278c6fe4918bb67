"""Invariants of the core over arbitrary evidence: order, duplicates, exact sums, shared devices.

Promise: evidence is drawn from a few devices, clicks and customers, so shared devices, chains and
hubs are frequent.
"""

from datetime import timedelta
from typing import Final, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.journey import earliest_at, latest_at
from services.attribution.domain.ledger import entries
from services.attribution.domain.model import (
    Adjustment,
    CatalogFacts,
    ConversionKey,
    ConversionVersion,
    Decision,
    Scope,
    Status,
    SurveyAnswer,
    Touch,
    is_trusted_source,
)
from services.attribution.domain.netting import is_trusted
from services.attribution.domain.policies import policy_for
from shared.catalog import Precedence, Surveys
from shared.events import Quality, SourceKind
from shared.ids import is_strong
from shared.models import CREDIT_MODELS
from tests.factories import (
    BRAND,
    NOON,
    WORKSPACE,
    Evidence,
    adjustment,
    answered,
    brand_content,
    claim_token,
    claimed,
    click,
    code,
    conversion_key,
    customer,
    days,
    email,
    facts,
    ident,
    influencers,
    order,
    policy,
    referral,
    scope,
    seen_together,
    touch,
    visitor,
)

T = TypeVar("T")
OWNERS: Final = ("mia", "leo", BRAND, "nobody")
ADDITIVE: Final = tuple(model.name for model in CREDIT_MODELS.values() if model.is_additive)
CODES: Final = ("MIA10", "DUO", "TENOFF")
KINDS: Final = st.sampled_from(("purchase", "purchase", "renewal", "lead"))
ORDER_NAMES: Final = ("1001", "1002", "1003")
STORES: Final = st.sampled_from(("main", "main", "outlet"))
AGES: Final = st.builds(
    lambda whole, seconds: timedelta(days=whole, seconds=seconds),
    st.integers(0, 40),
    st.integers(-400, 4000),
)


def facts_of(rule: Precedence) -> CatalogFacts:
    """Two creators, brand content, an own and a shared code, a code handed over, one policy.

    Each rule of codes and links comes with another rule of survey answers.
    """
    surveys = list(Surveys)[list(Precedence).index(rule) % len(Surveys)]
    return facts(
        influencers("mia", "leo"),
        brand_content(),
        code("MIA10", of="mia", until=NOON - days(3)),
        code("MIA10", of="leo", since=NOON - days(3)),
        code("DUO", of="mia"),
        code("DUO", of="leo"),
        policy(precedence=rule, windows={"view": 7}, models=tuple(CREDIT_MODELS), survey=surveys),
    )


def keys(world: str) -> list[bytes]:
    """Return the keys of a small history; two histories share none."""
    weak = [visitor(f"{world}{n}") for n in range(3)] + [click(f"{world}{n}") for n in range(3)]
    return [*weak, customer(f"{world}1"), customer(f"{world}1", "outlet"), email(f"{world}1")]


def touches(world: str) -> st.SearchStrategy[list[Touch]]:
    """Clicks with and without a visitor, views, surveys and referrals; click ids are unique."""
    devices = st.sampled_from([None, *(key for key in keys(world) if key[:1] == b"v")])
    quality = st.sampled_from([(), (), (), (Quality.BOT,), (Quality.PREFETCH,)])
    clicks = st.builds(
        lambda n, by, of, ago, flags: touch(
            f"{world}k{n}", by=by, click_key=click(f"{world}{n}"), of=of, ago=ago, quality=flags
        ),
        st.integers(0, 2),
        devices,
        st.sampled_from(OWNERS),
        AGES,
        quality,
    )
    others = st.builds(
        lambda n, by, of, ago, kind: touch(f"{world}o{n}", by=by, of=of, ago=ago, kind=kind),
        st.integers(0, 5),
        devices,
        st.sampled_from(OWNERS),
        AGES,
        st.sampled_from(("click", "view", "survey")),
    )
    referred = st.builds(
        lambda n, text, by, ago: referral(f"{world}r{n}", code=text, by=by, ago=ago),
        st.integers(0, 2),
        st.sampled_from(CODES),
        devices,
        AGES,
    )
    return st.lists(st.one_of(clicks, others, referred), max_size=8, unique_by=lambda t: t.touch_id)


def of_one_event(group: list[bytes], carries: Touch | None) -> list[bytes]:
    """The keys of one event: an event has one click id, and an order's click is that id."""
    clicks = [key for key in group if key[:1] == b"k"]
    return [key for key in group if key[:1] != b"k"] + clicks[: 0 if carries else 1]


def orders(world: str, found: list[Touch]) -> st.SearchStrategy[list[ConversionVersion]]:
    """Versions of three orders from all kinds of sources, some carrying a click."""
    version = st.builds(
        lambda name, group, net, codes, kind, source, number, ago, carries, store, history: order(
            f"{world}{name}",
            *of_one_event(group, carries),
            net_minor=net,
            codes=codes,
            kind=kind,
            source=source,
            version=number,
            ago=ago,
            carries=carries,
            token=claim_token(f"{world}{store}{name}"),
            store=store,
            history=history and source == "secret" and kind != "lead",
        ),
        st.sampled_from(ORDER_NAMES),
        st.lists(st.sampled_from(keys(world)), max_size=3),
        st.integers(-5, 9999),
        st.sampled_from([(), (), *((text,) for text in CODES), ("DUO", "MIA10")]),
        KINDS,
        st.sampled_from(("webhook", "secret", "public")),
        st.integers(1, 2),
        st.builds(timedelta, hours=st.integers(0, 200)),
        st.sampled_from([None, *(t for t in found if t.click_key)]),
        STORES,
        st.booleans(),
    )
    return st.lists(version, max_size=5, unique_by=lambda v: v.event_id)


def adjustments(world: str) -> st.SearchStrategy[list[Adjustment]]:
    """Adjustments of the three purchases, some of them at one moment, some in another currency."""
    adjusted = st.builds(
        lambda name, n, kind, amount, net_after, after, currency, store: adjustment(
            kind,
            f"a{n}",
            of=conversion_key(f"{world}{name}", store=store),
            amount_minor=amount,
            net_after_minor=net_after,
            after=after,
            currency=currency,
        ),
        st.sampled_from(ORDER_NAMES),
        st.integers(0, 3),
        st.sampled_from(("refund", "cancel", "edit", "chargeback")),
        st.one_of(st.none(), st.integers(1, 9999)),
        st.one_of(st.none(), st.none(), st.integers(0, 9999)),
        st.builds(timedelta, hours=st.integers(0, 3)),
        st.sampled_from(("EUR", None, "USD")),
        STORES,
    )
    return st.lists(adjusted, max_size=4, unique_by=lambda a: a.event_id)


def answers(world: str) -> st.SearchStrategy[list[SurveyAnswer]]:
    """Answers of the buyers of the three purchases, early and late, with and without a proof."""
    answer = st.builds(
        lambda name, n, of, after, source, proof: answered(
            f"{world}{n}",
            of=of,
            order=conversion_key(f"{world}{name}"),
            after=after,
            source=source,
            token=claim_token(f"{world}{proof}"),
        ),
        st.sampled_from(ORDER_NAMES),
        st.integers(0, 5),
        st.sampled_from((*OWNERS, None)),
        st.builds(timedelta, hours=st.integers(-50, 250)),
        SOURCES,
        st.sampled_from(ORDER_NAMES),
    )
    return st.lists(answer, max_size=3, unique_by=lambda a: a.event_id)


@st.composite
def scopes(draw: st.DrawFn, world: str = "w") -> Scope:
    """Draw arbitrary evidence of one small history."""
    found = draw(touches(world))
    groups = draw(st.lists(st.lists(st.sampled_from(keys(world)), max_size=3), max_size=5))
    edges = [
        edge
        for n, group in enumerate(groups)
        for edge in seen_together(f"{world}e{n}", *group, source=draw(SOURCES))
    ]
    for name in draw(st.lists(st.sampled_from(ORDER_NAMES), max_size=2)):
        told = draw(st.lists(st.sampled_from(keys(world)[:6]), max_size=2))
        token = claim_token(f"{world}{draw(STORES)}{name}")
        edges += claimed(f"{world}{name}{told}{token.hex()}", token, *told)
    hubs = draw(st.one_of(st.just([]), st.lists(st.sampled_from(keys(world)), max_size=1)))
    return Scope(
        workspace_id=WORKSPACE,
        touches=tuple(found),
        edges=tuple(edges),
        versions=tuple(draw(orders(world, found))),
        adjustments=tuple(draw(adjustments(world))),
        hubs=frozenset(hubs),
        answers=tuple(draw(answers(world))),
    )


SOURCES: Final[st.SearchStrategy[SourceKind]] = st.sampled_from(("secret", "secret", "public"))
RULES: Final = st.sampled_from(list(Precedence))


@given(scopes(), RULES, st.data())
def test_order_and_duplicates_change_nothing(
    evidence: Scope, rule: Precedence, data: st.DataObject
) -> None:
    def shuffled(parts: tuple[T, ...]) -> tuple[T, ...]:
        again = data.draw(st.lists(st.sampled_from(parts), max_size=3)) if parts else []
        return tuple(data.draw(st.permutations([*parts, *again])))

    other = Scope(
        evidence.workspace_id,
        shuffled(evidence.touches),
        shuffled(evidence.edges),
        shuffled(evidence.versions),
        shuffled(evidence.adjustments),
        evidence.hubs,
        answers=shuffled(evidence.answers),
    )
    known = facts_of(rule)
    first, second = decide_scope(evidence, known), decide_scope(other, known)
    assert list(first.items()) == list(second.items())


@given(scopes("w"), scopes("x"), RULES)
def test_unrelated_evidence_changes_nothing(one: Scope, two: Scope, rule: Precedence) -> None:
    both = Scope(
        WORKSPACE,
        two.touches + one.touches,
        two.edges + one.edges,
        two.versions + one.versions,
        two.adjustments + one.adjustments,
        two.hubs | one.hubs,
        answers=two.answers + one.answers,
    )
    known = facts_of(rule)
    alone = decide_scope(one, known) | decide_scope(two, known)
    assert decide_scope(both, known) == alone


@given(scopes(), RULES)
def test_credits_sum_to_the_net_for_every_additive_model(evidence: Scope, rule: Precedence) -> None:
    for decision in decide_scope(evidence, facts_of(rule)).values():
        counts = decision.status in (Status.CREDITED, Status.ORGANIC)
        assert {c.model for c in decision.credits} == (set(ADDITIVE) if counts else set())
        for model in ADDITIVE:
            credits = [c for c in decision.credits if c.model == model]
            assert sum(c.amount_minor for c in credits) == decision.net_minor
            assert sum(c.units for c in credits) == decision.units
            assert sum(c.share for c in credits) == counts
            assert all(c.share > 0 for c in credits)
            booked = [e for e in entries(decision, 1) if e.model == model]
            assert sum(e.amount_minor for e in booked) == decision.net_minor


@given(scopes(), RULES)
def test_the_credits_of_a_negative_net_are_the_negated_credits(
    evidence: Scope, rule: Precedence
) -> None:
    """Inverting the sign of every net inverts every amount and changes nothing else."""

    def paid(sign: int) -> Scope:
        versions = tuple(
            replace(v, net_minor=None if v.net_minor is None else sign * v.net_minor)
            for v in evidence.versions
        )
        return replace(evidence, versions=versions, adjustments=())

    known = facts_of(rule)
    plus, minus = decide_scope(paid(1), known), decide_scope(paid(-1), known)
    for key, decision in plus.items():
        for one, other in (
            (decision.credits, minus[key].credits),
            (decision.memos, minus[key].memos),
        ):
            assert tuple(replace(c, amount_minor=-c.amount_minor) for c in one) == other


@given(scopes(), RULES)
def test_touches_out_of_reach_of_every_conversion_change_nothing(
    evidence: Scope, rule: Precedence
) -> None:
    """Evidence from `earliest_at` to `latest_at`, plus carried clicks, is enough."""
    known = facts_of(rule)
    spans = [
        (earliest_at(v.occurred_at, policy_for(known.policies, v.occurred_at)), v.occurred_at)
        for v in evidence.versions
    ]
    carried = {v.click_touch_id for v in evidence.versions}
    carried_keys = {key for v in evidence.versions for key in v.keys}
    near = tuple(
        t
        for t in evidence.touches
        if t.touch_id in carried
        or t.click_key is not None  # containment is evidence of identity, not of the journey
        or t.anon_key in carried_keys
        or any(start <= t.occurred_at <= latest_at(end) for start, end in spans)
    )
    assert decide_scope(replace(evidence, touches=near), known) == decide_scope(evidence, known)


def reachable(evidence: Scope, strong: bytes) -> set[bytes]:
    """Return the strong keys joined by chains of events; an independent definition."""
    groups: dict[str, set[bytes]] = {}
    # What a public key tells joins no customers.
    for edge in (e for e in evidence.edges if is_trusted_source(e.source_kind)):
        groups.setdefault(edge.event_id, set()).update((edge.key_a, edge.key_b))
    for version in filter(is_trusted, evidence.versions):
        groups.setdefault(version.event_id, set()).update(version.keys)
    found, before = {strong}, set[bytes]()
    while found != before:
        before = set(found)
        for group in groups.values():
            joined = {key for key in group - evidence.hubs if is_strong(key)}
            found |= joined if joined & found else set()
    return found


@given(scopes())
def test_two_orders_are_one_customer_s_only_by_strong_keys(evidence: Scope) -> None:
    """A shared device never merges two customers."""
    decisions = decide_scope(evidence, facts_of(Precedence.BOTH_SHARE))
    carried = {key: strong_keys(evidence, key) for key in decisions}
    for one, one_keys in carried.items():
        for two, two_keys in carried.items():
            if len(one_keys) == len(two_keys) == 1:
                joined = two_keys <= reachable(evidence, min(one_keys))
                assert (decisions[one].person_ref == decisions[two].person_ref) == joined


def strong_keys(evidence: Scope, key: ConversionKey) -> set[bytes]:
    """Return the strong keys that trusted versions of a conversion carry and that are no hubs."""
    versions = filter(is_trusted, evidence.versions)
    carried = {k for v in versions if v.key == key for k in v.keys}
    return {k for k in carried - evidence.hubs if is_strong(k)}


def kept_ids(decision: Decision) -> set[str]:
    """Return the touches with credit."""
    return {c.touch_id for c in decision.candidates if c.verdict == "kept"}


@given(st.permutations(["t", "1001", "1002", "1003", "link"]), st.booleans())
def test_a_device_shared_late_is_taken_from_orders_that_do_not_carry_it(
    arrival: list[str], shared: bool
) -> None:
    """Ann's order gets the phone's click until Ben uses the phone, in every order of arrival."""
    phone, ann, ben = visitor("phone"), customer("ann"), customer("ben")
    parts: dict[str, Evidence] = {
        "t": touch("t", by=phone, ago=days(1)),
        "link": seen_together("login", phone, ben if shared else ann),
        "1001": order("1001", ann, phone),
        "1002": order("1002", ann),
        "1003": order("1003", phone),
    }
    evidence = scope(*(parts[name] for name in arrival))
    decisions = decide_scope(evidence, facts_of(Precedence.CODE_WINS))
    with_touch = {key.natural_id for key, d in decisions.items() if kept_ids(d)}
    assert with_touch == ({"1001", "1003"} if shared else {"1001", "1002", "1003"})


@settings(max_examples=30)
@given(scopes())
def test_a_real_click_gives_what_the_rebuilt_one_gave(evidence: Scope) -> None:
    """Removing an order's carried clicks and flags changes nothing: the order rebuilds them."""
    carried = {v.click_touch_id for v in filter(is_trusted, evidence.versions)}
    without = tuple(
        t
        for t in evidence.touches
        if t.touch_id not in carried or t.quality or t.anon_key != t.click_key
    )
    known = facts_of(Precedence.CODE_WINS)
    rebuilt = decide_scope(replace(evidence, touches=without), known)
    assert rebuilt == decide_scope(evidence, known)


def test_ids_of_two_worlds_differ() -> None:
    assert not set(keys("w")) & set(keys("x"))
    assert ident("touch", "wk1") != ident("touch", "xk1")
