"""Each dimension's own rule: followers to tiers, days to weeks and quarters, facts to labels."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.catalog_facts import CatalogFacts, Owner, Part, words_of_fact
from services.roi.answers.dictionary import DIMENSIONS
from services.roi.answers.dimensions.customer import CUSTOMERS, read_customer
from services.roi.answers.dimensions.length import LENGTHS, length_of, read_length
from services.roi.answers.dimensions.month_of_year import MONTHS
from services.roi.answers.dimensions.tier import TIERS, read_tier, tier_of
from services.roi.answers.dimensions.weekday import WEEKDAYS
from services.roi.answers.kinds import Dimension, FromCatalog, FromTime

MIA, SPRING, REEL, OWN = (UUID(int=number) for number in (1, 5, 11, 12))


@pytest.mark.parametrize(
    ("followers", "tier"),
    [
        (0, "nano"),
        (9_999, "nano"),
        (10_000, "micro"),
        (49_999, "micro"),
        (50_000, "mid"),
        (499_999, "mid"),
        (500_000, "macro"),
        (999_999, "macro"),
        (1_000_000, "mega"),
        (10_000_000_000, "mega"),
    ],
)
def test_followers_have_a_tier(followers: int, tier: str) -> None:
    assert tier_of(followers) == tier


def test_a_creators_tier_is_that_of_the_largest_account() -> None:
    two = '[{"platform": "x", "followers": 900}, {"platform": "y", "followers": 60000}]'
    assert read_tier(two) == "mid"
    assert read_tier('[{"platform": "x", "followers": null}]') is None
    assert read_tier('[{"platform": "x"}]') is None
    assert read_tier("[]") is None
    assert read_tier(None) is None


def test_tiers_are_sorted_from_the_smallest_audience() -> None:
    order = DIMENSIONS["tier"].order
    assert order is not None
    names = [name for name, _ in TIERS]
    assert sorted(sorted(names), key=order) == names == ["nano", "micro", "mid", "macro", "mega"]


@pytest.mark.parametrize(
    ("seconds", "length"),
    [
        (1, "under_15_s"),
        (14, "under_15_s"),
        (15, "from_15_s"),
        (29, "from_15_s"),
        (30, "from_30_s"),
        (59, "from_30_s"),
        (60, "from_1_min"),
        (239, "from_1_min"),
        (240, "from_4_min"),
        (1_200, "from_4_min"),
        (1_201, "over_20_min"),
        (604_800, "over_20_min"),
    ],
)
def test_seconds_have_a_class_of_length(seconds: int, length: str) -> None:
    assert length_of(seconds) == read_length(str(seconds)) == length


def test_content_without_a_length_has_no_class() -> None:
    assert read_length(None) is None


def test_lengths_are_sorted_from_the_shortest() -> None:
    order = DIMENSIONS["length"].order
    assert order is not None
    names = [name for name, _ in LENGTHS]
    assert sorted(sorted(names), key=order) == names
    assert [least for _, least in LENGTHS] == sorted({least for _, least in LENGTHS})


@pytest.mark.parametrize(
    ("name", "day", "first", "word"),
    [
        ("day", "2026-03-10", "2026-03-10", "2026-03-10"),
        ("week", "2026-03-10", "2026-03-09", "2026-W11"),
        ("week", "2026-03-15", "2026-03-09", "2026-W11"),
        ("week", "2027-01-03", "2026-12-28", "2026-W53"),
        ("week", "2024-12-30", "2024-12-30", "2025-W01"),
        ("month", "2026-03-31", "2026-03-01", "2026-03"),
        ("month", "2024-02-29", "2024-02-01", "2024-02"),
        ("quarter", "2026-01-01", "2026-01-01", "2026-Q1"),
        ("quarter", "2026-03-31", "2026-01-01", "2026-Q1"),
        ("quarter", "2026-04-01", "2026-04-01", "2026-Q2"),
        ("quarter", "2026-12-31", "2026-10-01", "2026-Q4"),
    ],
)
def test_a_day_lies_in_a_stretch_with_a_word(name: str, day: str, first: str, word: str) -> None:
    source = DIMENSIONS[name].source
    assert isinstance(source, FromTime)
    assert source.first_day(date.fromisoformat(day)) == date.fromisoformat(first)
    assert source.word(date.fromisoformat(day)) == word


def time_dimensions() -> list[Dimension]:
    """Return the dimensions whose stretches are named once: weekdays come again."""
    times = [found for found in DIMENSIONS.values() if isinstance(found.source, FromTime)]
    return [
        found
        for found in times
        if isinstance(found.source, FromTime) and not found.source.recurring_days
    ]


@given(st.dates(date(1971, 1, 1), date(8999, 12, 30)), st.sampled_from(time_dimensions()))
def test_a_stretch_has_one_word_and_its_words_are_in_the_order_of_time(
    day: date, dimension: Dimension
) -> None:
    source = dimension.source
    assert isinstance(source, FromTime)
    assert dimension.order is not None
    first = source.first_day(day)
    assert first <= day
    assert source.first_day(first) == first
    assert source.word(first) == source.word(day)
    following = day + timedelta(days=1)
    is_same = source.first_day(following) == first
    assert (source.word(following) == source.word(day)) is is_same
    assert dimension.order(source.word(day)) <= dimension.order(source.word(following))


FACTS = CatalogFacts(
    {REEL: Owner(MIA, SPRING, None), OWN: Owner(None, None, None)},
    {
        "content_type": {REEL: ("reel",), OWN: ()},
        "format": {REEL: ("review",), OWN: ("tutorial",)},
        "platform": {REEL: ("tiktok",), OWN: ("youtube",)},
        "cta": {REEL: ("See the bag",), OWN: ()},
        "topic": {REEL: ("bags", "travel"), OWN: ()},
        "objective": {SPRING: ("sales",)},
        "country": {MIA: ("DE",)},
        "length": {REEL: ("from_30_s",), OWN: ()},
        "tier": {MIA: ("micro",)},
    },
    {MIA: "Mia", SPRING: "Spring"},
)


@pytest.mark.parametrize(
    ("name", "of_mia", "of_brand"),
    [
        ("creator", Part("Mia", str(MIA)), Part("brand", None)),
        ("campaign", Part("Spring", str(SPRING)), Part("no campaign", None)),
        ("placement", Part(str(REEL), str(REEL)), Part(str(OWN), str(OWN))),
        ("content_type", Part("reel", "reel"), Part("no content type", None)),
        ("format", Part("review", "review"), Part("tutorial", "tutorial")),
        ("platform", Part("tiktok", "tiktok"), Part("youtube", "youtube")),
        ("cta", Part("See the bag", "See the bag"), Part("no call to action", None)),
        ("objective", Part("sales", "sales"), Part("no objective", None)),
        ("country", Part("DE", "DE"), Part("no country", None)),
        ("length", Part("from_30_s", "from_30_s"), Part("no length", None)),
        ("tier", Part("micro", "micro"), Part("no tier", None)),
    ],
)
def test_a_placement_has_its_own_values_and_those_of_its_creator_and_campaign(
    name: str, of_mia: Part, of_brand: Part
) -> None:
    assert FACTS.parts_of_account(DIMENSIONS[name], REEL) == (of_mia,)
    assert FACTS.parts_of_account(DIMENSIONS[name], OWN) == (of_brand,)


def test_content_has_each_of_its_topics_and_overlaps() -> None:
    topic = DIMENSIONS["topic"]
    both = (Part("bags", "bags"), Part("travel", "travel"))
    assert FACTS.parts_of_account(topic, REEL) == both
    assert FACTS.parts_of_account(topic, OWN) == (Part("no topic", None),)
    assert [one.id for one in DIMENSIONS.values() if one.overlapping] == ["topic"]
    assert isinstance(topic.source, FromCatalog)
    assert words_of_fact(topic.source, '["bags", "travel", "bags"]') == ("bags", "travel")
    assert words_of_fact(topic.source, "[]") == words_of_fact(topic.source, None) == ()


def test_a_weekday_comes_again_each_week() -> None:
    source = DIMENSIONS["weekday"].source
    assert isinstance(source, FromTime)
    days = [date(2026, 3, 9) + timedelta(days=shift) for shift in range(14)]
    words = [source.word(day) for day in days]
    assert words == [*WEEKDAYS, *WEEKDAYS]
    assert (words[0], words[6]) == ("monday", "sunday")
    assert [source.first_day(day) for day in days] == days
    assert source.recurring_days == 1


def test_a_month_of_the_year_comes_again_each_year() -> None:
    source = DIMENSIONS["month_of_year"].source
    assert isinstance(source, FromTime)
    days = [date(2024 + place // 12, place % 12 + 1, 28) for place in range(24)]
    assert [source.word(day) for day in days] == [*MONTHS, *MONTHS]
    assert {source.first_day(day).day for day in days} == {1}
    assert source.recurring_days == 28


def test_a_customer_is_new_returning_or_unknown() -> None:
    assert [read_customer(flag) for flag in ("True", "False", None)] == [*CUSTOMERS]


def test_every_dimension_of_the_catalog_has_an_example() -> None:
    of_catalog = {d.id for d in DIMENSIONS.values() if isinstance(d.source, FromCatalog)}
    assert of_catalog == {"creator", "campaign", "placement", *FACTS.values}
