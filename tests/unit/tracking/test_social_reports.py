"""Reports of social counts at the edge: ids, missing counts, and what is refused."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from services.tracking.domain.claims import Rejected, SocialClaim
from services.tracking.domain.social_reports import social_report
from services.tracking.wire.event_batch import SOCIAL, read_item, read_social
from services.tracking.wire.social_bodies import SocialIn
from shared.credits import COUNT_NAMES
from shared.events import COUNT_MAX, SocialReported, decode_event, encode_event
from shared.http.problems import Problem
from tests.factories import placement_id
from tests.unit.tracking.test_claimed_events import NOW, Known, caller

REPORT: dict[str, Any] = {
    "placement_id": placement_id("mia"),
    "as_of": "2026-03-01T12:00:00Z",
    "source": "Instagram",
    "quality": "observed",
}


def reported(**changes: Any) -> SocialReported:
    claim = SocialClaim(placement_id("mia"), NOW, "Instagram", "observed", {"likes": 4})
    changed = {name: getattr(claim, name) for name in SocialClaim.__struct_fields__} | changes
    event = social_report(SocialClaim(**changed), caller("secret"), Known())
    assert isinstance(event, SocialReported)
    return event


def test_the_same_report_has_the_same_id_and_a_corrected_one_another() -> None:
    first = reported()
    claim = SocialClaim(placement_id("mia"), NOW, "Instagram", "observed", {"likes": 4})
    later = social_report(claim, caller("secret", now=NOW + timedelta(days=3)), Known())
    assert isinstance(later, SocialReported)
    assert later.event_id == first.event_id
    others = [
        reported(counts={"likes": 5}),
        reported(counts={"likes": 4, "views": 0}),
        reported(quality="manual"),
        reported(source="Agency"),
        reported(as_of=NOW - timedelta(seconds=1)),
        reported(placement_id=placement_id("leo")),
        reported(import_id=placement_id("one import")),
        reported(import_id=placement_id("another import")),
    ]
    assert len({event.event_id for event in (first, *others)}) == 9


def test_a_count_that_is_left_out_is_missing_and_one_of_zero_is_zero() -> None:
    event = decode_event(encode_event(reported(counts={"likes": 0})))
    assert isinstance(event, SocialReported)
    assert event.likes == 0
    assert [name for name in COUNT_NAMES if getattr(event, name) is not None] == ["likes"]


def test_an_event_of_an_early_release_is_read_as_a_guess_of_somebody() -> None:
    old = encode_event(reported()).replace(b',"source_name":"Instagram"', b"")
    event = decode_event(old.replace(b',"count_quality":"observed"', b""))
    assert isinstance(event, SocialReported)
    assert (event.source_name, event.count_quality, event.likes) == ("unknown", "estimated", 4)


def test_a_report_of_an_import_names_it_and_one_without_is_encoded_as_before() -> None:
    body = REPORT | {"likes": 1}
    import_id = placement_id("import")
    _, claim = read_social(msgspec.json.encode(body | {"import_id": import_id}))
    assert isinstance(claim, SocialClaim)
    event = social_report(claim, caller("secret"), Known())
    assert isinstance(event, SocialReported)
    assert decode_event(encode_event(event)) == event
    assert event.import_id == import_id
    assert b"import_id" not in encode_event(reported())


def test_counts_of_the_future_are_refused() -> None:
    claim = SocialClaim(
        placement_id("mia"), NOW + timedelta(minutes=6), "Instagram", "observed", {"likes": 4}
    )
    rejected = social_report(claim, caller("secret"), Known())
    assert isinstance(rejected, Rejected)
    assert [flaw.field for flaw in rejected.flaws] == ["as_of"]


def test_a_source_that_may_name_a_person_is_not_stored_in_clear() -> None:
    event = reported(source="ana@shop.example")
    assert event.source_name.startswith("text:")


@pytest.mark.parametrize("count", [-1, COUNT_MAX + 1, 1.5, "7", True, 10**30])
def test_a_count_is_a_whole_number_within_its_bounds(count: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        SocialIn(**REPORT, views=count)
    assert [error["loc"] for error in raised.value.errors()] == [("views",)]
    assert SocialIn(**REPORT, views=COUNT_MAX).claim().counts == {"views": COUNT_MAX}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "views"),
        ({"likes": None}, "views"),
        ({"likes": 1, "quality": "guessed"}, "quality"),
        ({"likes": 1, "quality": None}, "quality"),
        ({"likes": 1, "source": " "}, "source"),
        ({"likes": 1, "placement_id": "reel"}, "placement_id"),
        ({"likes": 1, "import_id": "mine"}, "import_id"),
        ({"likes": 1, "as_of": "2026-03-01"}, "as_of"),
        ({"likes": 1, "dislikes": 1}, "dislikes"),
    ],
)
def test_a_report_that_says_nothing_or_too_much_is_named(
    change: dict[str, Any], field: str
) -> None:
    for read, typed in ((read_social, {}), (read_item, {"type": SOCIAL})):
        with pytest.raises(Problem) as raised:
            read(msgspec.json.encode(typed | REPORT | change))
        assert [error.field for error in raised.value.errors] == [field]


def test_an_event_and_a_report_are_the_same_claim() -> None:
    body = REPORT | {"likes": 1}
    named = msgspec.json.encode({"type": SOCIAL} | body)
    assert read_item(named) == read_social(msgspec.json.encode(body))


def test_a_withdrawn_report_has_no_counts() -> None:
    claim = SocialIn.model_validate({**REPORT, "withdrawn": True}).claim()
    assert claim.counts == {}
    event = decode_event(encode_event(reported(counts=claim.counts)))
    assert isinstance(event, SocialReported)
    assert [name for name in COUNT_NAMES if getattr(event, name) is not None] == []
    assert event.event_id not in {reported().event_id, reported(counts={"likes": 0}).event_id}
    with pytest.raises(Problem) as refused:
        SocialIn.model_validate({**REPORT, "withdrawn": True, "likes": 0}).claim()
    assert [error.field for error in refused.value.errors] == ["likes"]
