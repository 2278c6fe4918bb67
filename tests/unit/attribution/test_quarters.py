"""A quarter of an hour lies in one local hour of every time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attribution.domain.quarters import quarter_of

ZONES = sorted(available_timezones())
START = datetime(1973, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=25_000)).map(START.__add__)


@given(MOMENTS, st.sampled_from(ZONES))
def test_a_moment_and_its_quarter_have_the_same_local_hour(moment: datetime, zone: str) -> None:
    quarter = quarter_of(moment)
    assert timedelta(0) <= moment - quarter < timedelta(minutes=15)
    here, there = (at.astimezone(ZoneInfo(zone)) for at in (moment, quarter))
    assert (here.date(), here.hour) == (there.date(), there.hour)


@pytest.mark.parametrize(("minute", "expected"), [(0, 0), (14, 0), (15, 15), (59, 45)])
def test_quarters_begin_on_the_hour(minute: int, expected: int) -> None:
    at = datetime(2026, 3, 1, 10, minute, 59, tzinfo=UTC)
    assert quarter_of(at) == datetime(2026, 3, 1, 10, expected, tzinfo=UTC)
