"""The decision: how one conversion is credited, and how all conversions of a scope are.

Promise: the decisions depend only on the set of evidence, the catalog facts and the policies, not
on their order or on duplicates. For every additive model the credits, with `organic`, sum to the
net exactly.
What can go wrong: a policy with an unknown model or stage raises; the API of roi refuses both.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Final

from services.attribution.domain import journey, precedence
from services.attribution.domain.identity import Identities, Person, alone, identify
from services.attribution.domain.model import (
    Adjustment,
    Candidate,
    CatalogFacts,
    ConversionKey,
    ConversionVersion,
    Credit,
    Decision,
    Note,
    Scope,
    Status,
    Touch,
    is_trusted_source,
)
from services.attribution.domain.models import FUNCTIONS
from services.attribution.domain.netting import Net, codes_on, counted, is_trusted, net_of
from services.attribution.domain.notes import notes_of
from services.attribution.domain.policies import policy_for
from services.attribution.domain.stages import conversion_stage, touch_stage
from services.attribution.domain.steps import Journey, ModelInput, journey_of
from services.attribution.domain.ties import ties_of
from shared.catalog import Policy
from shared.credits import ORGANIC, UNITS_PER_CONVERSION
from shared.events import CONVERSIONS
from shared.ids import MAIN_STORE
from shared.ids import conversion_id as published_conversion_id
from shared.models import ChosenModel, chosen_model
from shared.money import split

_REFERENCE_BYTES: Final = 16
_BUYING: Final = frozenset(kind for kind, facts in CONVERSIONS.items() if facts.is_order)

# Time, store, natural id and kind of a conversion.
_Moment = tuple[datetime, str, str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One conversion without its journey: the version that counts, its net and its person.

    `versions` are the trusted ones. `near` are the anonymous keys that an untrusted tie reaches.
    """

    workspace_id: str
    versions: tuple[ConversionVersion, ...]
    counted: ConversionVersion
    net: Net
    person: Person
    near: frozenset[bytes] = frozenset()
    is_alone: bool = False
    first_bought_at: datetime | None = None
    bought_before: bool = False
    notes: tuple[Note, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Whether the version that counts comes from a trusted source."""
        return is_trusted(self.counted)

    @property
    def counts(self) -> bool:
        """Whether it is in any sum: confirmed, and no trial of the shop."""
        return self.confirmed and not self.counted.test

    @property
    def is_bought(self) -> bool:
        """Whether it is a trusted order that was not cancelled; goods that come back count."""
        return self.counts and not self.net.cancelled and self.counted.key.kind in _BUYING

    @property
    def moment(self) -> _Moment:
        """The sort key of the conversions of one person."""
        key = self.counted.key
        return (self.counted.occurred_at, key.store, key.natural_id, key.kind)


def decide_scope(scope: Scope, facts: CatalogFacts) -> dict[ConversionKey, Decision]:
    """Decide every conversion with a version in the scope, in the order of the keys."""
    trusted = [version for version in scope.versions if is_trusted(version)]
    touches = journey.with_derived_clicks(scope.touches, trusted)
    scope = replace(scope, touches=touches)
    index = _TouchIndex.of(touches)
    cases = _with_history(_cases(scope, identify(scope)))
    decisions = {}
    for case in cases:
        policy = policy_for(facts.policies, case.counted.occurred_at)
        evidence = _evidence(case, index)
        own = index.of_case(case, evidence.carried)
        judged = journey.candidates(evidence, own, policy, facts)
        decisions[case.counted.key] = decide(case, judged, policy)
    return decisions


def decide(case: Case, judged: Sequence[Candidate], policy: Policy) -> Decision:
    """Credit one conversion from its judged candidates (oldest first, codes last)."""
    candidates = precedence.apply(judged, policy.precedence)
    kept = [candidate for candidate in candidates if candidate.verdict == "kept"]
    # A claim counts nothing in any sum until a trusted source confirms it; a test never does.
    net = case.net if case.counts else Net(case.counted.currency, 0, cancelled=True)
    new_customer = _new_customer(case)
    is_returning = new_customer is False
    key = case.counted.key
    occurred_at = case.counted.occurred_at
    credits, memos = _credits(kept, net, occurred_at, policy) if case.counts else ((), ())
    return Decision(
        key=key,
        conversion_id=conversion_id(case.workspace_id, key),
        status=_status(case, kept),
        occurred_at=occurred_at,
        currency=net.currency,
        net_minor=net.net_minor,
        units=UNITS_PER_CONVERSION if net.is_conversion(policy.zero_value_orders) else 0,
        stage=conversion_stage(key.kind, policy.stages, bought_before=is_returning),
        person_ref=_person_ref(case),
        new_customer=new_customer,
        policy_id=policy.id or None,
        candidates=candidates,
        credits=credits,
        memos=memos,
        mismatched=net.mismatched,
        notes=case.notes if case.counts else (),
        bought_at=None if is_returning and not case.bought_before else case.first_bought_at,
    )


def conversion_id(workspace_id: str, key: ConversionKey) -> str:
    """Return the published id of a conversion, which is the same on every machine."""
    return published_conversion_id(workspace_id, key.kind, key.natural_id, store=key.store)


def _status(case: Case, kept: Sequence[Candidate]) -> Status:
    if not case.confirmed:
        return Status.UNCONFIRMED
    if case.counted.test:
        return Status.TEST
    return Status.CREDITED if kept else Status.ORGANIC


def _credits(
    kept: Sequence[Candidate], net: Net, occurred_at: datetime, policy: Policy
) -> tuple[tuple[Credit, ...], tuple[Credit, ...]]:
    """Return the credits of the additive models and the memos of the other models."""
    credits: list[Credit] = []
    memos: list[Credit] = []
    journey = journey_of(kept) if kept else None
    for choice in _choices(policy):
        found = credits if choice.model.is_additive else memos
        if journey is None:
            found.append(_organic(choice.name, net, policy))
            continue
        given = ModelInput(journey.steps, occurred_at, choice.parameters)
        shares = FUNCTIONS[choice.name](given)
        members = _shares_of_members(journey, shares, choice)
        found += _credited(choice, members, net, policy)
    return tuple(credits), tuple(memos)


def _choices(policy: Policy) -> Iterable[ChosenModel]:
    """Return the models of a policy, each once. Raises `ModelRejected` for an unknown model."""
    by_name: dict[str, ChosenModel] = {}
    for ref in policy.models:
        choice = chosen_model(ref)
        by_name.setdefault(choice.name, choice)
    return by_name.values()


def _organic(model: str, net: Net, policy: Policy) -> Credit:
    return Credit(
        model,
        ORGANIC,
        None,
        Fraction(1),
        net.net_minor,
        UNITS_PER_CONVERSION if net.is_conversion(policy.zero_value_orders) else 0,
        None,
        None,
        placed_units=UNITS_PER_CONVERSION,
    )


_Member = tuple[Candidate, Fraction]


def _shares_of_members(
    journey: Journey, shares: Sequence[Fraction], choice: ChosenModel
) -> list[_Member]:
    """Return the candidates that earn, with their shares.

    In an additive model the members of a step split its share equally. In another model each
    account gets the largest share of its steps once; of equal steps the newest counts.
    """
    steps = zip(journey.members, shares, strict=True)
    if choice.model.is_additive:
        return [
            (member, share if len(members) == 1 else share / len(members))
            for members, share in steps
            if share
            for member in members
        ]
    best: dict[str | None, _Member] = {}
    for members, share in steps:
        for member in members:
            before = best.get(member.placement_id)
            if share and (before is None or before[1] <= share):
                best[member.placement_id] = (member, share)
    return list(best.values())


def _credited(
    choice: ChosenModel, members: Sequence[_Member], net: Net, policy: Policy
) -> Iterable[Credit]:
    shares = [share for _, share in members]
    if len(shares) == 1 and shares[0] == 1:
        amounts, placed = [net.net_minor], [UNITS_PER_CONVERSION]
    elif choice.model.is_additive:
        amounts, placed = split(net.net_minor, shares), split(UNITS_PER_CONVERSION, shares)
    else:
        amounts = [round(net.net_minor * share) for share in shares]
        placed = [round(UNITS_PER_CONVERSION * share) for share in shares]
    is_conversion = net.is_conversion(policy.zero_value_orders)
    for (touch, share), amount, part in zip(members, amounts, placed, strict=True):
        assert touch.placement_id is not None, "a kept candidate has an account"
        yield Credit(
            model=choice.name,
            account=touch.placement_id,
            touch_id=touch.touch_id,
            share=share,
            amount_minor=amount,
            units=part if is_conversion else 0,
            touch_stage=touch_stage(touch.kind, policy.stages),
            touched_at=touch.occurred_at,
            touch_kind=touch.kind,
            evidence_class=touch.kind,
            link_id=touch.link_id,
            code=touch.code,
            placed_units=part,
        )


def _cases(scope: Scope, identities: Identities) -> list[Case]:
    versions: defaultdict[ConversionKey, set[ConversionVersion]] = defaultdict(set)
    for version in scope.versions:
        versions[version.key].add(version)
    adjustments: defaultdict[ConversionKey, set[Adjustment]] = defaultdict(set)
    for adjustment in scope.adjustments:
        adjustments[adjustment.key].add(adjustment)
    ties = ties_of(scope.edges)
    cases = []
    for key in sorted(versions):
        best = counted(versions[key])
        # A claim is no part of an order, unless it proves that it belongs to it.
        known = tuple(sorted(filter(is_trusted, versions[key]), key=lambda v: v.event_id))
        carried = {person_key for version in known for person_key in version.keys}
        if known:
            carried |= ties.claimed(best.token)
        is_alone = key in scope.alone
        person = alone(carried, scope.hubs) if is_alone else identities.person(carried)
        near = ties.near(person.clicks - scope.hubs) - scope.hubs
        net = net_of(best, adjustments[key])
        notes = notes_of(best, known, adjustments[key], net)
        cases.append(
            Case(scope.workspace_id, known, best, net, person, near, is_alone, notes=notes)
        )
    return cases


def _with_history(cases: Sequence[Case]) -> list[Case]:
    """Set the first order of the person that was not cancelled, and whether it came before."""
    first_bought: dict[bytes, _Moment] = {}
    for case in cases:
        if case.is_bought:
            for token in case.person.tokens:
                first_bought[token] = min(first_bought.get(token, case.moment), case.moment)
    return [
        replace(
            case,
            first_bought_at=_first_bought_at(case, first_bought),
            bought_before=any(
                first_bought.get(token, case.moment) < case.moment for token in case.person.tokens
            ),
        )
        for case in cases
    ]


def _first_bought_at(case: Case, first_bought: Mapping[bytes, _Moment]) -> datetime | None:
    """Return the time of the first order up to this conversion, itself included.

    None in a dissolved component, whose earlier orders are not looked at.
    """
    if case.is_alone:
        return None
    orders = [first_bought[token] for token in case.person.tokens if token in first_bought]
    orders += [case.moment] if case.is_bought else []
    return min((order[0] for order in orders if order <= case.moment), default=None)


def _new_customer(case: Case) -> bool | None:
    """Return the value of the counted version, else derive it; None without a customer.

    An earlier order in our history makes a customer a returning one, and so does the shop's count
    of the customer's orders. It grows with each order, so the smallest one seen for this order is
    the one of its time. The history is not looked at in a dissolved component.
    """
    if case.counted.new_customer is not None:
        return case.counted.new_customer
    if case.bought_before and not case.is_alone:
        return False
    counts = [v.customer_orders for v in case.versions if v.customer_orders is not None]
    if counts:
        return min(counts) <= 1
    return True if case.person.customers and not case.is_alone else None


def _person_ref(case: Case) -> str:
    """Return a pseudonym of the person in the workspace; without keys, of the conversion."""
    person = case.person
    names = person.customers or sorted(person.tokens) or sorted(person.keys)
    key = case.counted.key
    name = names[0] if names else _name(key)
    scoped = f"{len(case.workspace_id)}:{case.workspace_id}".encode() + name
    return hashlib.blake2b(
        scoped, digest_size=_REFERENCE_BYTES, person=b"laurel-person"
    ).hexdigest()


def _name(key: ConversionKey) -> bytes:
    store = "" if key.store == MAIN_STORE else f"{key.store}:"
    return f"conversion:{store}{key.kind}:{key.natural_id}".encode()


def _evidence(case: Case, index: "_TouchIndex") -> journey.Evidence:
    carried = {v.click_touch_id for v in case.versions if v.click_touch_id is not None}
    carried |= {index.touches[p].touch_id for p in index.of_clicks(case.person)}
    at = case.counted.occurred_at
    return journey.Evidence(at, codes_on(case.versions), frozenset(carried))


@dataclass(frozen=True, slots=True)
class _TouchIndex:
    """The touches of a scope, indexed by touch id, by anonymous key and by click key."""

    touches: tuple[Touch, ...]
    by_id: Mapping[str, int]
    by_anon: Mapping[bytes, list[int]]
    by_click: Mapping[bytes, list[int]]  # trusted touches only

    @classmethod
    def of(cls, touches: tuple[Touch, ...]) -> "_TouchIndex":
        by_anon: defaultdict[bytes, list[int]] = defaultdict(list)
        by_click: defaultdict[bytes, list[int]] = defaultdict(list)
        for position, touch in enumerate(touches):
            if touch.anon_key is not None:
                by_anon[touch.anon_key].append(position)
            if touch.click_key is not None and is_trusted_source(touch.source_kind):
                by_click[touch.click_key].append(position)
        by_id = {touch.touch_id: position for position, touch in enumerate(touches)}
        return cls(touches, by_id, by_anon, by_click)

    def of_case(self, case: Case, carried: Iterable[str]) -> list[Touch]:
        """Return the touches of a conversion, with the carried clicks, in canonical order."""
        positions = {self.by_id[touch_id] for touch_id in carried if touch_id in self.by_id}
        keys = case.person.keys | case.near
        positions.update(p for key in keys for p in self.by_anon.get(key, ()))
        # A near click is the click of the redirect, not all that was told about its id.
        clicks = {p for key in case.near for p in self.by_click.get(key, ())}
        positions.update(p for p in clicks if self.touches[p].source_kind == "edge")
        return [self.touches[position] for position in sorted(positions)]

    def of_clicks(self, person: Person) -> set[int]:
        """Return the positions of the clicks that the conversion carries."""
        return {p for key in person.clicks for p in self.by_click.get(key, ())}
