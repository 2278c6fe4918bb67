"""Property I13: what strangers can send changes no order, whatever trusted sources have told."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import Scope, Status
from shared.catalog import Precedence
from shared.ids import is_strong
from tests.factories import WORKSPACE, claim_token, claimed, order, seen_together
from tests.unit.attribution.test_properties import (
    ORDER_NAMES,
    RULES,
    adjustments,
    answers,
    facts_of,
    keys,
    scopes,
    touches,
)


@st.composite
def told_by_strangers(draw: st.DrawFn, world: str) -> Scope:
    """Draw what anybody can send who knows the customers and orders of a world, not its browsers.

    Even with a browser's key a tie of it to customers adds nothing.
    """
    strong = [key for key in keys(world) if is_strong(key)]
    strange = [*strong, *keys("x")]
    groups = draw(st.lists(st.lists(st.sampled_from(strange), max_size=4), max_size=6))
    devices = st.lists(st.sampled_from(keys(world)), max_size=1)
    groups += [draw(devices) + strong for _ in range(draw(st.integers(0, 2)))]
    edges = [
        edge
        for n, group in enumerate(groups)
        for edge in seen_together(f"s{n}", *group, source="public")
    ]
    tokens = st.sampled_from([claim_token("x"), claim_token("guess")])
    for n, name in enumerate(draw(st.lists(st.sampled_from(ORDER_NAMES), max_size=3))):
        edges += claimed(f"c{n}{name}", draw(tokens), *draw(st.lists(st.sampled_from(keys("x")))))
    versions = [
        order(
            f"{world}{name}",
            *draw(st.lists(st.sampled_from([*keys(world), *keys("x")]), max_size=3)),
            net_minor=draw(st.integers(0, 99)),
            codes=("LEO10", "DUO"),
            source="public",
            version=number,
            ago=timedelta(hours=draw(st.integers(0, 200))),
            token=draw(tokens),
        )
        for number, name in enumerate(draw(st.lists(st.sampled_from(ORDER_NAMES), max_size=4)))
    ]
    found = [structs.replace(t, source_kind="public") for t in draw(touches("x"))]
    adjusted = [replace(a, source_kind="public") for a in draw(adjustments(world))]
    answered_by = [
        replace(answer, source_kind="public", token=draw(st.one_of(st.none(), tokens)))
        for answer in draw(answers(world))
    ]
    return Scope(
        WORKSPACE,
        tuple(found),
        tuple(edges),
        tuple(versions),
        tuple(adjusted),
        frozenset(),
        answers=tuple(answered_by),
    )


@given(scopes(), told_by_strangers("w"), RULES)
def test_what_strangers_tell_changes_no_order(
    evidence: Scope, strange: Scope, rule: Precedence
) -> None:
    both = Scope(
        WORKSPACE,
        evidence.touches + strange.touches,
        evidence.edges + strange.edges,
        evidence.versions + strange.versions,
        evidence.adjustments + strange.adjustments,
        evidence.hubs,
        answers=evidence.answers + strange.answers,
    )
    known = facts_of(rule)
    alone, after = decide_scope(evidence, known), decide_scope(both, known)
    for key, decision in alone.items():
        if decision.status is not Status.UNCONFIRMED:
            assert after[key] == decision
