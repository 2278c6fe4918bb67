"""The click template and the fast ways to ids and headers give the same as the general code."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.tracking.pipeline.record_clicks import MillisecondTexts, RandomBytes
from services.tracking.wire.click_json import NO_CONSENT, click, optional_fields, person
from shared.event_headers import event_headers, key_and_headers
from shared.events import (
    TEXT_LENGTH_MAX,
    Clicked,
    Person,
    Quality,
    Source,
    decode_event,
    encode_event,
)
from shared.ids import ClickSigner, click_event_id, natural_id, new_id, uuid_text

SIGNER = ClickSigner(b"k" * 32)
WORKSPACE = new_id()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

flags = st.lists(st.sampled_from(Quality), max_size=3).map(tuple)
# As a visit gives it: cut to the length that an event allows.
sub_sources = st.none() | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=TEXT_LENGTH_MAX
)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - made aware below
    lambda naive: naive.replace(tzinfo=UTC)
)


def expected(moment: datetime, link_id: bytes, **fields: Any) -> Clicked:
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return Clicked(
        workspace_id=WORKSPACE,
        occurred_at=cut,
        received_at=cut,
        source=Source("edge", "redirect"),
        link_id=uuid_text(link_id),
        **fields,
    )


@given(moments, st.binary(min_size=16, max_size=16), flags, sub_sources)
def test_the_template_gives_the_event_of_the_struct(
    moment: datetime,
    link_id: bytes,
    quality: tuple[Quality, ...],
    sub_source: str | None,
) -> None:
    click_id = SIGNER.make(link_id, 1_700_000_000_000, b"nonce!")
    milliseconds = (moment - EPOCH) // timedelta(milliseconds=1)
    text, more = MillisecondTexts().of(milliseconds), optional_fields(quality, sub_source)
    event_id = click_event_id(WORKSPACE, click_id)
    frame = click(event_id, WORKSPACE, link_id, text, person("v" * 22, click_id), more)
    assert decode_event(frame) == expected(
        moment,
        link_id,
        event_id=event_id,
        person=Person("v" * 22, click_id),
        quality=quality,
        sub_source=sub_source,
    )
    keyless = click(event_id, WORKSPACE, link_id, text, NO_CONSENT, more)
    assert decode_event(keyless) == expected(
        moment, link_id, event_id=event_id, consent=False, quality=quality, sub_source=sub_source
    )


@given(st.lists(moments, min_size=1, max_size=5))
def test_one_writer_of_times_gives_each_time_in_any_order(times: list[datetime]) -> None:
    texts = MillisecondTexts()
    for moment in times:
        text = texts.of((moment - EPOCH) // timedelta(milliseconds=1))
        assert text == f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_clicks_id_is_a_natural_id(workspace_id: str, click_id: str) -> None:
    natural = natural_id(workspace_id, "edge", "clicked", click_id)
    assert click_event_id(workspace_id, click_id) == natural


@given(moments)
def test_headers_are_read_from_the_first_fields_alone(moment: datetime) -> None:
    event = expected(moment, b"l" * 16, event_id=new_id())
    value = encode_event(event)
    assert key_and_headers(value) == (WORKSPACE.encode(), event_headers(event))
    assert key_and_headers(value[:1] + b" " + value[1:]) == (
        WORKSPACE.encode(),
        event_headers(event),
    )


def test_a_click_id_is_read_back() -> None:
    link_id = bytes(range(16))
    for milliseconds in (0, 1, 1_700_000_000_123, 2**48 - 1 >> 3):
        found = SIGNER.read(SIGNER.make(link_id, milliseconds, b"123456"))
        assert found is not None
        assert found.link_id == uuid_text(link_id)
        assert found.occurred_at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            milliseconds=milliseconds
        )
        text = SIGNER.make(link_id, milliseconds, b"123456")
        assert base64.urlsafe_b64decode(text + "==")[1:17] == link_id


def test_no_random_bytes_are_returned_twice() -> None:
    random_bytes = RandomBytes()
    taken = [random_bytes.take(22) for _ in range(1_000)]
    assert len(set(taken)) == len(taken)
    assert {len(one) for one in taken} == {22}
