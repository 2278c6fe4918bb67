"""JSON bodies, money, moments and cursors over HTTP: what is accepted and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.shapes import MoneyIn, decode_cursor, encode_cursor, parse_moment
from shared.http.body import INTEGER_MAX, parse_json
from shared.http.problems import Problem
from shared.moments import in_calendar
from shared.money import AMOUNT_MINOR_MAX, format_minor

STORABLE = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | st.text(STORABLE),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(STORABLE), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON_VALUES, st.booleans())
def test_valid_json_is_parsed_unchanged(value: object, is_ascii: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=is_ascii).encode()) == value


def status_of(body: bytes) -> int:
    """Return 200 for a body that parses, else the status of its problem."""
    try:
        parse_json(body)
    except Problem as problem:
        return problem.status
    return 200


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_problem(body: bytes) -> None:
    assert status_of(body) in (200, 400, 422)


@given(st.text(alphabet='{}[]",:\\u0dD8 n1e-.NaI', max_size=60))
def test_almost_json_is_json_or_a_problem(text: str) -> None:
    assert status_of(text.encode()) in (200, 400, 422)


@given(st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_all_forms_of_an_amount_agree(amount_minor: int, currency: str) -> None:
    text = format_minor(amount_minor, currency)
    spellings = [text, {"amount": text}, {"amount_minor": amount_minor}]
    amounts = {MoneyIn.parse(spelling).minor("net", currency) for spelling in spellings}
    assert amounts == {(amount_minor, currency)}


@given(st.lists(st.integers(-(2**63), 2**63) | st.text(st.characters(categories=["L", "N"]))))
def test_cursors_decode_to_their_values(values: list[int | str]) -> None:
    assert decode_cursor(encode_cursor(*values), [type(value) for value in values]) == tuple(values)


@given(st.text(max_size=80))
def test_a_foreign_cursor_is_a_422(text: str) -> None:
    with pytest.raises(Problem, match="cursor"):
        decode_cursor(text, [str, int, str])


@given(st.timedeltas(timedelta(), timedelta(days=2_500_000)))
def test_moments_keep_their_time_in_any_offset(age: timedelta) -> None:
    moment = datetime(1971, 1, 1, tzinfo=UTC) + age
    for text in (moment.isoformat(), moment.isoformat().replace("+00:00", "z")):
        assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00",
        "2026-01-01T00:00:00",
        "20260101T000000Z",
        "2026-W01-1T00:00:00Z",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00+99:00",
        "2026-01-01T24:00:01Z",
        "2026-13-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+14:00",
        "1970-01-01T23:59:59.999999Z",
        "1970-01-02T00:00:00+00:01",
        "8999-12-31T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "٢٠٢٦-01-01T00:00:00Z",
        " 2026-01-01T00:00:00Z",
        "",
    ],
)
def test_times_without_meaning_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"send a time|does not exist|the year"):
        parse_moment(text)


def test_a_time_from_a_caller_in_the_same_process_is_checked_too() -> None:
    with pytest.raises(ValueError, match="the year"):
        parse_moment(datetime(1969, 12, 31, tzinfo=UTC))


@given(st.datetimes(timezones=st.timezones()), st.timezones())
def test_the_day_of_an_accepted_time_exists_in_every_zone(moment: datetime, zone: ZoneInfo) -> None:
    try:
        found = in_calendar(moment)
    except ValueError:
        return
    assert found == moment.astimezone(UTC)
    assert 1970 <= found.astimezone(zone).year < 9000


def test_moments_are_converted_to_utc() -> None:
    moment = parse_moment("2026-03-01T01:30:00.250+02:00")
    assert moment.isoformat() == "2026-02-28T23:30:00.250000+00:00"
    assert parse_json(b'\xef\xbb\xbf{"a": 1.5}') == {"a": 1.5}
