"""The decision: how one conversion is credited, and how all conversions of a scope are.

Promise: the decisions depend only on the set of evidence, the catalog facts and the policies, not
on their order or on duplicates. For every additive model the credits, with `organic`, sum to the
net exactly. An order of a returning customer that no touch of its own earns is credited as the
customer's first order was, if touches of its own earned that one. A past order (history) is judged
by nothing and counts for nobody; it makes its customer a returning one.
What can go wrong: a policy with an unknown model or stage raises; the API of roi refuses both.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, structs

from services.attribution.domain import journey, precedence, surveys
from services.attribution.domain.crediting import Earned, credits_and_memos
from services.attribution.domain.identity import Identities, Person, alone, identify
from services.attribution.domain.model import (
    Adjustment,
    Candidate,
    CatalogFacts,
    ConversionKey,
    ConversionVersion,
    Decision,
    Note,
    Scope,
    Status,
    SurveyAnswer,
    Touch,
    is_trusted_source,
)
from services.attribution.domain.netting import Net, codes_on, counted, is_trusted, net_of
from services.attribution.domain.notes import notes_of
from services.attribution.domain.policies import policy_for
from services.attribution.domain.stages import conversion_stage
from services.attribution.domain.steps import journey_of
from services.attribution.domain.ties import ties_of
from shared.catalog import Policy
from shared.credits import ACQUIRED, UNITS_PER_CONVERSION
from shared.events import CONVERSIONS
from shared.ids import MAIN_STORE
from shared.ids import conversion_id as published_conversion_id

_REFERENCE_BYTES: Final = 16
_BUYING: Final = frozenset(kind for kind, facts in CONVERSIONS.items() if facts.is_order)

# Time, store, natural id and kind of a conversion.
_Moment = tuple[datetime, str, str, str]


class Case(Struct, frozen=True, gc=False):
    """One conversion without its journey: the version that counts, its net and its person.

    `versions` are the trusted ones. `near` are the anonymous keys that an untrusted tie reaches.
    """

    workspace_id: str
    versions: tuple[ConversionVersion, ...]
    counted: ConversionVersion
    net: Net
    person: Person
    near: frozenset[bytes] = frozenset()
    answer: SurveyAnswer | None = None
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
        """Whether it is in any sum: confirmed, no trial of the shop, and not from before Laurel."""
        return self.confirmed and not self.counted.test and not self.is_past

    @property
    def is_past(self) -> bool:
        """Whether it is known as a past order only."""
        return self.counted.history

    @property
    def is_bought(self) -> bool:
        """Whether it is a trusted order that was not cancelled; goods that come back count.

        A past order is one, too.
        """
        is_order = self.counted.key.kind in _BUYING and not self.counted.test
        return self.confirmed and is_order and not self.net.cancelled

    @property
    def moment(self) -> _Moment:
        """The sort key of the conversions of one person."""
        key = self.counted.key
        return (self.counted.occurred_at, key.store, key.kind, key.natural_id)


def decide_scope(scope: Scope, facts: CatalogFacts) -> dict[ConversionKey, Decision]:
    """Decide every conversion with a version in the scope, in the order of the keys."""
    trusted = [version for version in scope.versions if is_trusted(version)]
    touches = journey.with_derived_clicks(scope.touches, trusted)
    scope = structs.replace(scope, touches=touches)
    index = _TouchIndex.of(touches)
    cases = _with_history(_cases(scope, identify(scope)))
    rooms = _rooms(cases)
    decisions = {}
    for case, room in zip(cases, rooms, strict=True):
        policy = policy_for(facts.policies, case.counted.occurred_at)
        judged = () if case.is_past else _judged(case, index, policy, facts, room)
        decisions[case.counted.key] = decide(case, judged, policy)
    first_orders = _first_orders(cases)
    for case in cases:
        first = _first_order(case, first_orders)
        if first is not None:
            key = case.counted.key
            decisions[key] = _acquired(case, decisions[key], decisions[first.counted.key], facts)
    return decisions


def _judged(
    case: Case, index: "_TouchIndex", policy: Policy, facts: CatalogFacts, room: int
) -> Sequence[Candidate]:
    evidence = _evidence(case, index)
    own = index.of_case(case, evidence, room + journey.TOO_LONG_LISTED_MAX)
    return journey.candidates(evidence, own, policy, facts, room)


def _rooms(cases: Sequence[Case]) -> list[int]:
    """Return how many touches decide each conversion.

    In a dissolved component there are many conversions, and the others are not looked at. Past
    orders are decided by no touch, so they take no room from the others.
    """
    sharing = [case for case in cases if not case.is_alone and not case.is_past]
    together = Counter(key for case in sharing for key in case.person.keys)
    return [
        journey.TOUCHES_LEAST
        if case.is_alone
        else journey.room_for(max([1, *(together[key] for key in case.person.keys)]))
        for case in cases
    ]


def decide(case: Case, judged: Sequence[Candidate], policy: Policy) -> Decision:
    """Credit one conversion from its judged candidates (oldest first, codes last)."""
    candidates = tuple(surveys.apply(precedence.apply(judged, policy.precedence), policy.survey))
    kept = [candidate for candidate in candidates if candidate.verdict == "kept"]
    # A claim counts nothing in any sum until a trusted source confirms it, and so does history.
    # A test never does.
    net = case.net if case.counts else Net(case.counted.currency, 0, cancelled=True)
    new_customer = _new_customer(case)
    is_returning = new_customer is False
    key = case.counted.key
    occurred_at = case.counted.occurred_at
    earned = Earned(journey_of(kept), occurred_at, policy) if kept else None
    credits, memos = credits_and_memos(earned, net, policy) if case.counts else ((), ())
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


def _first_orders(cases: Iterable[Case]) -> dict[bytes, Case]:
    """Return the earliest standing trusted order of each customer."""
    found: dict[bytes, Case] = {}
    for case in cases:
        if case.is_bought and not case.is_alone:
            for customer in case.person.customers:
                found[customer] = min(found.get(customer, case), case, key=lambda c: c.moment)
    return found


def _first_order(case: Case, first_orders: Mapping[bytes, Case]) -> Case | None:
    """Return the first order of the customer of a later order or renewal."""
    if case.is_alone or case.counted.key.kind not in _BUYING:
        return None
    found = [first_orders[name] for name in case.person.customers if name in first_orders]
    first = min(found, key=lambda order: order.moment, default=None)
    return first if first is not None and first.moment < case.moment else None


def _acquired(case: Case, decision: Decision, won: Decision, facts: CatalogFacts) -> Decision:
    """Credit an organic order within `retention_days` as the first order `won` was credited.

    The first order must have touches of its own: credit is never acquired twice.
    """
    policy = policy_for(facts.policies, decision.occurred_at)
    since = decision.occurred_at - won.occurred_at
    if (
        decision.status is not Status.ORGANIC
        or won.status is not Status.CREDITED
        or won.acquired_from is not None
        or not policy.retention_days
        or since > timedelta(days=policy.retention_days)
    ):
        return decision
    kept = [candidate for candidate in won.candidates if candidate.verdict == "kept"]
    rules = policy_for(facts.policies, won.occurred_at)
    earned = Earned(journey_of(kept), won.occurred_at, rules, ACQUIRED)
    credits, memos = credits_and_memos(earned, case.net, policy)
    return structs.replace(
        decision, status=Status.CREDITED, credits=credits, memos=memos, acquired_from=won.key
    )


def conversion_id(workspace_id: str, key: ConversionKey) -> str:
    """Return the published id of a conversion, which is the same on every machine."""
    return published_conversion_id(workspace_id, key.kind, key.natural_id, store=key.store)


def _status(case: Case, kept: Sequence[Candidate]) -> Status:
    if not case.confirmed:
        return Status.UNCONFIRMED
    if case.counted.test:
        return Status.TEST
    if case.is_past:
        return Status.HISTORY
    return Status.CREDITED if kept else Status.ORGANIC


def _cases(scope: Scope, identities: Identities) -> list[Case]:
    versions: defaultdict[ConversionKey, set[ConversionVersion]] = defaultdict(set)
    for version in scope.versions:
        versions[version.key].add(version)
    adjustments: defaultdict[ConversionKey, set[Adjustment]] = defaultdict(set)
    for adjustment in scope.adjustments:
        adjustments[adjustment.key].add(adjustment)
    answers: defaultdict[ConversionKey, set[SurveyAnswer]] = defaultdict(set)
    for told in scope.answers:
        answers[told.key].add(told)
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
        answer = surveys.answer_of(best, answers[key]) if known else None
        notes = notes_of(best, known, adjustments[key], net)
        cases.append(
            Case(scope.workspace_id, known, best, net, person, near, answer, is_alone, notes=notes)
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
        structs.replace(
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
    return journey.Evidence(at, codes_on(case.versions), frozenset(carried), case.answer)


class _TouchIndex(Struct, frozen=True, gc=False):
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

    def of_case(self, case: Case, evidence: journey.Evidence, most: int) -> list[Touch]:
        """Return the newest touches of a conversion in canonical order, with the carried clicks."""
        until = bisect_right(
            self.touches, journey.latest_at(evidence.occurred_at), key=lambda t: t.occurred_at
        )
        told = {p for key in case.person.keys | case.near for p in self._newest(key, until, most)}
        # A near click is the click of the redirect, not all that was told about its id.
        clicks = {p for key in case.near for p in self.by_click.get(key, ())}
        told.update(p for p in clicks if p < until and self.touches[p].source_kind == "edge")
        carried = {self.by_id[touch_id] for touch_id in evidence.carried if touch_id in self.by_id}
        return [self.touches[p] for p in sorted({*sorted(told)[-most:], *carried})]

    def _newest(self, key: bytes, until: int, most: int) -> list[int]:
        """Return the last `most` positions of a key before `until`."""
        positions = self.by_anon.get(key, [])
        end = bisect_left(positions, until)
        return positions[max(end - most, 0) : end]

    def of_clicks(self, person: Person) -> set[int]:
        """Return the positions of the clicks that the conversion carries."""
        return {p for key in person.clicks for p in self.by_click.get(key, ())}
