"""The people of stages: each counted once, and the time to the next stage."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from statistics import median
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.building import Gathered
from services.roi.answers.cells import Cell
from services.roi.answers.funnel.people import People, StagePeople, people_of
from services.roi.answers.funnel.stages import STAGES
from services.roi.answers.kinds import Headline
from services.roi.answers.people import Conversion
from services.roi.answers.plan import Plan
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from shared.events import Stage
from tests.unit.roi.test_answer import DAY, FACTS, POST, REEL, layout_of
from tests.unit.roi.test_metrics import exact

START = datetime(2026, 3, 10, tzinfo=UTC)


def happened(stage: Stage, person: str, day: float, account: UUID = REEL) -> Conversion:
    cell = Cell(DAY, (1_000_000,), account=account, model="last")
    return Conversion(cell, stage, person, START + timedelta(days=day))


def people(*conversions: Conversion) -> People:
    gathered = Gathered(Plan([DAY], [], [], ()), FACTS, [], conversions=conversions)
    found = people_of(layout_of(["placement"]), gathered)
    assert found is not None
    return found


def test_a_worked_example() -> None:
    """Ann and Bob were leads; Ann bought after 2 days and Bob after 5, then Ann again on day 9."""
    found = people(
        happened("consideration", "ann", 0),
        happened("consideration", "ann", 1),
        happened("consideration", "bob", 0),
        happened("consideration", "cem", 0),
        happened("purchase", "ann", 2),
        happened("purchase", "bob", 5),
        happened("purchase", "dan", 5, ORGANIC_ACCOUNT),
        happened("retention", "ann", 9),
        happened("purchase", "ann", 3, POST),
    )
    by_stage = dict(zip(STAGES, found.of_headline(Headline.PROGRAM), strict=True))
    assert (by_stage["awareness"].count, by_stage["advocacy"].count) == (None, None)
    assert [by_stage[name].count for name in ("consideration", "purchase", "retention")] == [
        *(3, 2, 1)
    ]
    assert (exact(by_stage["consideration"].median_days), by_stage["consideration"].sample) == (
        Fraction(7, 2),
        2,
    )
    assert exact(by_stage["purchase"].median_days) == 7
    assert by_stage["purchase"].sample == 1
    assert by_stage["retention"].sample is None
    # A person is of several headline figures, and counts once in the whole.
    assert found.of_headline(Headline.BRAND)[STAGES.index("purchase")].count == 1
    assert found.of_headline(Headline.ORGANIC)[STAGES.index("purchase")].count == 1
    assert found.totals[STAGES.index("purchase")].count == 3
    assert found.of_headline(Headline.OVERHEAD)[STAGES.index("purchase")].count == 0


def test_who_bought_before_the_lead_took_no_time_to_buy() -> None:
    found = people(
        happened("purchase", "ann", 0),
        happened("consideration", "ann", 1),
        happened("purchase", "ann", 4),
    )
    considered = found.totals[STAGES.index("consideration")]
    assert exact(considered.median_days) == 3
    assert considered.sample == 1


def test_people_that_were_not_read_are_not_known() -> None:
    assert people_of(layout_of(["placement"]), Gathered(Plan([DAY], [], [], ()), FACTS, [])) is None


conversions = st.lists(
    st.builds(
        happened,
        st.sampled_from(["consideration", "purchase", "retention"]),
        st.sampled_from("abcdef"),
        st.integers(0, 40),
        st.sampled_from([REEL, POST, ORGANIC_ACCOUNT]),
    )
)


@given(conversions)
def test_people_are_distinct_and_waits_are_those_of_their_row(given: list[Conversion]) -> None:
    found = people(*given)
    for headline, account in (
        (Headline.PROGRAM, REEL),
        (Headline.BRAND, POST),
        (Headline.ORGANIC, ORGANIC_ACCOUNT),
    ):
        mine = [one for one in given if one.cell.account == account]
        check(dict(zip(STAGES, found.of_headline(headline), strict=True)), mine)
    check(dict(zip(STAGES, found.totals, strict=True)), given)


def check(shown: dict[Stage, StagePeople], given: list[Conversion]) -> None:
    pairs: list[tuple[Stage, Stage]] = [
        ("consideration", "purchase"),
        ("purchase", "retention"),
    ]
    for stage, after in pairs:
        moments = {
            person: sorted(one.at for one in given if (one.stage, one.person) == (stage, person))
            for person in {one.person for one in given if one.stage == stage}
        }
        waits = []
        for person, (first, *_) in moments.items():
            later = [
                one.at
                for one in given
                if (one.stage, one.person) == (after, person) and one.at >= first
            ]
            waits += [(min(later) - first).days] if later else []
        told = shown[stage]
        assert told.count == len(moments)
        assert told.sample == (len(waits) or None)
        assert (told.median_days is None) == (not waits)
        if waits:
            assert exact(told.median_days) == Fraction(median(waits))
