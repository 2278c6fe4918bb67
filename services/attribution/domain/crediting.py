"""The credits of one conversion: the shares of its steps under each model of its policy, in money.

Promise: for every additive model the credits, with `organic`, sum to the net and to the units
exactly. Owners of a shared code get equal parts under every model, to the minor unit by largest
remainder.
What can go wrong: `ModelRejected` for a model that is not known; the API of roi refuses it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final

from msgspec import Struct

from services.attribution.domain.model import Candidate, Credit
from services.attribution.domain.models import FUNCTIONS
from services.attribution.domain.netting import Net
from services.attribution.domain.stages import touch_stage
from services.attribution.domain.steps import Journey, ModelInput, Shares, parts_of
from shared.catalog import Policy
from shared.credits import CODE_AND_CLICK, ORGANIC, UNITS_PER_CONVERSION, EvidenceClass
from shared.models import ChosenModel, chosen_model
from shared.money import split

NOTHING: Final = Fraction(0)
_Member = tuple[Candidate, Fraction]


class Earned(Struct, frozen=True, gc=False):
    """The journey that earns a conversion, and the time and the policy that judge the journey.

    `evidence_class` replaces the classes of the touches.
    """

    journey: Journey
    converted_at: datetime
    policy: Policy
    evidence_class: EvidenceClass | None = None


def credits_and_memos(
    earned: Earned | None, net: Net, policy: Policy
) -> tuple[tuple[Credit, ...], tuple[Credit, ...]]:
    """Return the credits of the additive models of a policy and the memos of its other models.

    Without a journey all is organic. A model that the policy of the journey has, too, keeps the
    parameters of that policy.
    """
    known = {choice.name: choice for choice in _choices(earned.policy)} if earned else {}
    units = UNITS_PER_CONVERSION if net.is_conversion(policy.zero_value_orders) else 0
    credits: list[Credit] = []
    memos: list[Credit] = []
    for choice in _choices(policy):
        found = credits if choice.model.is_additive else memos
        if earned is None:
            found.append(_organic(choice.name, net, units))
        else:
            used = known.get(choice.name, choice)
            found += _credited(used, _shares_of_members(earned, used), net, earned, units)
    return tuple(credits), tuple(memos)


def _choices(policy: Policy) -> Iterable[ChosenModel]:
    """Return the models of a policy, each once. Raises `ModelRejected` for an unknown model."""
    by_name: dict[str, ChosenModel] = {}
    for ref in policy.models:
        choice = chosen_model(ref)
        by_name.setdefault(choice.name, choice)
    return by_name.values()


def _organic(model: str, net: Net, units: int) -> Credit:
    return Credit(
        model,
        ORGANIC,
        None,
        Fraction(1),
        net.net_minor,
        units,
        None,
        None,
        placed_units=UNITS_PER_CONVERSION,
    )


def _shares_of_members(earned: Earned, choice: ChosenModel) -> Sequence[_Member]:
    """Return the candidates that earn, with their shares.

    In an additive model the members of a step split its share equally.
    """
    journey = earned.journey
    given = ModelInput(journey.steps, earned.converted_at, choice.parameters)
    shares = FUNCTIONS[choice.name](given)
    if not choice.model.is_additive:
        return _best_of_accounts(journey, shares)
    return [
        (member, share if len(members) == 1 else share / len(members))
        for members, share in zip(journey.members, shares, strict=True)
        if share
        for member in members
    ]


def _best_of_accounts(journey: Journey, shares: Shares) -> Sequence[_Member]:
    """Return each account once, with the largest share that one piece of evidence gives it.

    Of equal shares the newest counts. The owners of a shared code share it.
    """
    best: dict[str | None, _Member] = {}
    for members, share in zip(journey.members, shares, strict=True):
        parts: defaultdict[tuple[str | None, str | None, str], Fraction] = defaultdict(Fraction)
        for member, part in zip(members, parts_of(members), strict=True):
            evidence = (member.placement_id, member.code, "" if member.code else member.touch_id)
            parts[evidence] += part * share
            before = best.get(member.placement_id)
            if parts[evidence] and (before is None or before[1] <= parts[evidence]):
                best[member.placement_id] = (member, parts[evidence])
    return list(best.values())


def _credited(
    choice: ChosenModel, members: Sequence[_Member], net: Net, earned: Earned, units: int
) -> Iterable[Credit]:
    shares = [share for _, share in members]
    if len(shares) == 1 and shares[0] == 1:
        amounts, placed = [net.net_minor], [UNITS_PER_CONVERSION]
    elif choice.model.is_additive:
        amounts, placed = split(net.net_minor, shares), split(UNITS_PER_CONVERSION, shares)
    else:
        amounts = [round(net.net_minor * share) for share in shares]
        placed = [round(UNITS_PER_CONVERSION * share) for share in shares]
    stages = earned.policy.stages
    for (touch, share), amount, part in zip(members, amounts, placed, strict=True):
        assert touch.placement_id is not None, "a kept candidate has an account"
        yield Credit(
            model=choice.name,
            account=touch.placement_id,
            touch_id=touch.touch_id,
            share=share,
            amount_minor=amount,
            units=part if units else 0,
            touch_stage=touch_stage(touch.kind, stages),
            touched_at=touch.occurred_at,
            touch_kind=touch.kind,
            evidence_class=earned.evidence_class or _evidence_class(touch),
            link_id=touch.link_id,
            code=touch.code,
            placed_units=part,
        )


def _evidence_class(touch: Candidate) -> EvidenceClass:
    is_clicked_code = touch.kind == "code" and touch.link_id is not None
    return CODE_AND_CLICK if is_clicked_code else touch.kind
