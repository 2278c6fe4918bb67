"""Survey answers at the edge: names and handles, sealed words, and ids that a retry repeats."""

from datetime import timedelta
from typing import Any

import pytest

from services.tracking.domain.claims import Rejected, TouchClaim
from services.tracking.domain.survey_answers import spoken_name
from services.tracking.domain.touches import touch
from services.tracking.store.catalog_memory import Catalog
from shared.catalog import Creator
from shared.events import Surveyed, decode_event, encode_event
from shared.ids import automatic_placement_id
from shared.sealing import SealBroken, Sealer
from tests.factories import NOON, WORKSPACE, ident, placement_id
from tests.unit.tracking.test_claimed_events import NOW, Known, caller
from tests.unit.tracking.test_claimed_events import WORKSPACE as CALLED

SECRET = "a secret of the test that is long enough"


def surveyed(kind: Any = "secret", **fields: Any) -> Surveyed:
    claim = TouchClaim(**{"type": "surveyed", "occurred_at": NOW, **fields})
    event = touch(claim, caller(kind), Known())
    assert isinstance(event, Surveyed)
    assert not isinstance(event, Rejected)
    return event


@pytest.mark.parametrize("text", ["mia", "Mia", " @MIA ", "\uff2d\uff29\uff21"])
def test_words_that_are_the_name_of_a_creator_name_the_creator(text: str) -> None:
    event = surveyed(answer=text)
    assert (event.placement_id, event.sealed_answer) == (placement_id("mia"), None)


def test_other_words_are_sealed_and_never_in_clear() -> None:
    event = surveyed(answer="Frau Schmidt told me", order_id="1001")
    assert (event.placement_id, event.sealed_answer) == (None, "sealed 20")
    assert b"Schmidt" not in encode_event(event)
    assert decode_event(encode_event(event)) == event


def test_a_creator_is_named_by_the_automatic_placement() -> None:
    creator = ident("creator", "leo")
    event = surveyed(creator_id=creator, answer="mia")
    assert event.placement_id == automatic_placement_id(CALLED, creator)


def test_a_platform_names_no_placement() -> None:
    event = surveyed(platform="podcast")
    assert (event.platform, event.placement_id) == ("podcast", None)
    hashed = surveyed("public", platform="Frau Schmidt").platform
    assert hashed is not None
    assert hashed.startswith("text:")


@pytest.mark.parametrize("kind", ["secret", "public"])
def test_the_same_answer_about_an_order_has_the_same_id(kind: str) -> None:
    first = surveyed(kind, order_id="1001", answer="who knows")
    again = surveyed(kind, order_id="1001", answer="who knows")
    assert first.event_id == again.event_id
    others = [
        surveyed(kind, order_id="1001", answer="nobody"),
        surveyed(kind, order_id="1002", answer="who knows"),
        surveyed(kind, order_id="1001", answer="who knows", occurred_at=NOW + timedelta(seconds=1)),
        surveyed(kind, order_id="1001", creator_id=ident("creator", "leo")),
    ]
    assert len({event.event_id for event in (first, *others)}) == 5


def test_an_answer_without_an_order_is_a_new_one_each_time() -> None:
    assert surveyed(answer="x").event_id != surveyed(answer="x").event_id


def test_a_claim_token_is_hashed() -> None:
    event = surveyed("public", order_id="1001", answer="mia", claim_token="t" * 20)
    assert event.claim_token_hash == "keyed hash of 20"


def creator(
    name: str, *handles: str, of: str = "mia", revision: int = 1, gone: bool = False
) -> Creator:
    return Creator(
        workspace_id=WORKSPACE,
        id=ident("creator", of),
        revision=revision,
        recorded_at=NOON,
        deleted_at=NOON if gone else None,
        name=name,
        automatic_placement_id=placement_id(of),
        handles=handles,
    )


def test_the_catalog_finds_a_creator_by_name_and_by_handle() -> None:
    catalog = Catalog(Sealer(SECRET))
    catalog.put(creator("Mia Lindqvist", "@mia.brews"))

    def found(words: str) -> str | None:
        return catalog.named_placement(WORKSPACE, spoken_name(words))

    assert found("mia  LINDQVIST") == found("Mia.Brews") == placement_id("mia")
    assert found("mia") is None
    assert catalog.named_placement(ident("workspace", "x"), "mia.brews") is None
    catalog.put(creator("Mia L.", "@mia.brews", of="other"))
    assert found("mia.brews") is None, "two creators have this handle"
    catalog.put(creator("Mia L.", "@other", of="other", revision=2))
    assert found("mia.brews") == placement_id("mia")
    catalog.put(creator("Mia Lindqvist", "@mia.brews", revision=2, gone=True))
    assert found("mia.brews") is None


def test_a_sealed_text_opens_in_its_workspace_only() -> None:
    texts = Sealer(SECRET).text_sealer()
    sealed = texts.seal(WORKSPACE, "Frau Schmidt")
    assert sealed != texts.seal(WORKSPACE, "Frau Schmidt")
    ring = Sealer(Sealer(SECRET).ring_of("attribution"))
    assert ring.text_sealer().open(WORKSPACE, sealed) == "Frau Schmidt"
    for workspace_id, text in ((ident("workspace", "x"), sealed), (WORKSPACE, "nonsense")):
        with pytest.raises(SealBroken):
            texts.open(workspace_id, text)
