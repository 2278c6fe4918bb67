"""Any sequence of facts: parts add up to totals in every breakdown, and `as_of` reproduces.

Promise: Hypothesis draws costs, conversions, reversals, corrections of dates, clicks, counts and
corrections of the catalog. They are told to the real fold and catalog on Postgres. Dimensions and
metrics come from the registries, so a new one is covered without an edit here. Costs, revenue,
conversions and clicks are compared with sums over the facts themselves.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.roi.answers.cost_views import CostView
from services.roi.answers.dictionary import DIMENSIONS, METRICS
from services.roi.answers.question import BASES
from shared.db.engine import Database
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.drawn_facts import DAYS, FACTS, Fact, Facts
from tests.integration.roi.roi_workspace import RoiWorkspace
from tests.integration.roi.test_answers_hold import GROUPS, by_currency, check_sums

SINGLE: Final = list(DIMENSIONS)
ZONES: Final = ("UTC", "Asia/Kathmandu", "America/St_Johns")
# Rollups answer at first and the history later: the figures are equal, the tables are not.
SOURCE: Final = re.compile(rb'"source":"(months|days|entries)",')
SHORT: Final = settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # The search for a smaller example takes minutes on Postgres; the long form does it.
    phases=[Phase.explicit, Phase.generate],
)
LONG: Final = settings(SHORT, max_examples=400, phases=list(Phase))

# The questions of one example: two dimensions, the time base, and the day of a cost.
QUESTIONS: Final = st.lists(
    st.tuples(st.sampled_from(GROUPS), st.sampled_from(BASES), st.sampled_from(list(CostView))),
    min_size=3,
    max_size=5,
)
SEQUENCES: Final = st.lists(FACTS, min_size=4, max_size=16)
Question = tuple[str, str, CostView]


async def asked(
    roi: RoiWorkspace, question: Question, as_of: datetime | None = None
) -> tuple[bytes, dict[str, Any]]:
    """Return the body without its source tables, and the answer."""
    group_by, by, view = question
    body = await roi.ask_bytes(group_by, days=DAYS, by=by, as_of=as_of, cost_view=view)
    return SOURCE.sub(b"", body), json.loads(body)


def whole_figures(answer: dict[str, Any], name: str) -> list[Counter[str]]:
    """Return a total by currency, for each model."""
    totals = answer["totals"] if isinstance(answer["totals"], list) else [answer["totals"]]
    found = [Counter(by_currency(each[name], METRICS[name].unit)) for each in totals]
    return [Counter({key: number for key, number in one.items() if number}) for one in found]


def check_facts(answer: dict[str, Any], facts: Facts, view: CostView) -> None:
    """The totals are those of the facts, in each model."""
    entered = facts.entered(paid=view is CostView.CASH)
    earned, stands = facts.earned()
    expected = {
        "cost": entered,
        "net_revenue": earned,
        "conversions": Counter({"": stands * 1_000_000}),
        "clicks": Counter({"": facts.clicks * 1_000_000}),
    }
    for name, figure in expected.items():
        without_zeros = Counter({key: number for key, number in figure.items() if number})
        for found in whole_figures(answer, name):
            assert found == without_zeros, name


async def check_example(
    database: Database, zone: str, told: Sequence[Fact], cut: int, questions: Sequence[Question]
) -> None:
    """Tell the facts up to a cut, ask, tell the others, and ask again: then, and as it was."""
    facts = Facts(await RoiWorkspace.open(database, time_zone=zone))
    await facts.start()
    for fact in told[:cut]:
        await facts.tell(fact)
    before = []
    for question in questions:
        body, answer = await asked(facts.roi, question, facts.roi.now)
        check_sums(answer)
        check_facts(answer, facts, question[2])
        before.append((question, datetime.fromisoformat(answer["meta"]["as_of"]), body))
    for fact in told[cut:]:
        await facts.tell(fact)
    for question, moment, body in before:
        assert (await asked(facts.roi, question, moment))[0] == body, question
        _, answer = await asked(facts.roi, question)
        check_sums(answer)
        check_facts(answer, facts, question[2])


@given(st.sampled_from(ZONES), SEQUENCES, st.integers(0, 16), QUESTIONS)
@SHORT
async def test_any_facts_add_up_and_are_reproduced(
    database_for: DatabaseFactory,
    zone: str,
    told: list[Fact],
    cut: int,
    questions: list[Question],
) -> None:
    await check_example(await database_for("roi"), zone, told, cut, questions)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@given(st.sampled_from(ZONES), SEQUENCES, st.integers(0, 16), QUESTIONS)
@LONG
async def test_any_facts_add_up_and_are_reproduced_for_long(
    database_for: DatabaseFactory,
    zone: str,
    told: list[Fact],
    cut: int,
    questions: list[Question],
) -> None:
    await check_example(await database_for("roi"), zone, told, cut, questions)


@given(SEQUENCES)
@settings(SHORT, max_examples=2)
async def test_any_facts_add_up_in_every_dimension(
    database_for: DatabaseFactory, told: list[Fact]
) -> None:
    """Each example asks every dimension alone, in both time bases."""
    facts = Facts(await RoiWorkspace.open(await database_for("roi")))
    await facts.start()
    for fact in told:
        await facts.tell(fact)
    for name in SINGLE:
        for by in BASES:
            answer = await facts.roi.ask(name, days=DAYS, by=by)
            check_sums(answer)
            check_facts(answer, facts, CostView.INCURRED)
