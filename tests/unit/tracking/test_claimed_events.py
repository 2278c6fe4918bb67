"""Events of claims: ids, hashed keys, clamped times, evidence."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from services.tracking.domain.claimed_events import (
    adjustment,
    conversion,
    joined,
    microseconds,
)
from services.tracking.domain.claims import (
    AdjustmentClaim,
    Caller,
    ConversionClaim,
    Lookups,
    PersonClaim,
    Rejected,
    TouchClaim,
)
from services.tracking.domain.click_ids import click_ids_in
from services.tracking.domain.stored_fields import stored_codes
from services.tracking.domain.touches import bare_page, touch
from shared.code_texts import CodeText, code_text
from shared.events import (
    Clicked,
    Identified,
    Quality,
    Source,
    SourceKind,
    Visited,
    decode_event,
    encode_event,
    fingerprint,
)
from shared.ids import ClickIdContents, ClickSigner, new_id
from tests.factories import ident

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKSPACE, OTHER, LINK, LINK_OF_OTHER = new_id(), new_id(), new_id(), new_id()
OUTLET = new_id()
SIGNER = ClickSigner(b"k" * 32)


class Known(Lookups):
    """Lookups for two workspaces with one link each."""

    @override
    def email_hash(self, workspace_id: str, email: str) -> str:
        return f"hash of {len(email)}"

    @override
    def text_hash(self, workspace_id: str, text: str) -> str:
        return f"keyed hash of {text!r}".encode().hex()[:64]

    @override
    def is_code(self, workspace_id: str, code: CodeText) -> bool:
        return code == code_text("MIA10")

    @override
    def claim_token_hash(self, workspace_id: str, token: str) -> str:
        return f"keyed hash of {len(token)}"

    @override
    def proves(self, workspace_id: str, customer_id: str, proof: str) -> bool:
        return False

    @override
    def click(self, click_id: str) -> ClickIdContents | None:
        return SIGNER.read(click_id)

    @override
    def link_workspace(self, link_id: str) -> str | None:
        return {LINK: WORKSPACE, LINK_OF_OTHER: OTHER}.get(link_id)

    @override
    def link_id(self, workspace_id: str, code: str) -> str | None:
        return LINK if (workspace_id, code) == (WORKSPACE, "mia") else None

    @override
    def named_placement(self, workspace_id: str, words: str) -> str | None:
        return ident("placement", "mia") if words == "mia" else None

    @override
    def sealed(self, workspace_id: str, text: str) -> str:
        return f"sealed {len(text)}"

    @override
    def store(self, workspace_id: str, named: str) -> str | None:
        return {"main": "main", "Outlet": OUTLET}.get(named)

    @override
    def has_several_stores(self, workspace_id: str) -> bool:
        return workspace_id == WORKSPACE

    @override
    def agent_flags(self, user_agent: str) -> tuple[Quality, ...]:
        return (Quality.BOT,) if "bot" in user_agent else ()


def click_id(link_id: str) -> str:
    raw = bytes.fromhex(link_id.replace("-", ""))
    return SIGNER.make(raw, 1_770_000_000_000, b"nonce1")


def caller(
    kind: SourceKind = "secret", now: datetime = NOW, retry: str | None = None, store: str = "main"
) -> Caller:
    return Caller(WORKSPACE, Source(kind, new_id()), kind, now, new_id(), retry, store)


def order(**fields: object) -> ConversionClaim:
    given: dict[str, object] = {"kind": "purchase", "natural_id": "A", "occurred_at": NOW}
    return ConversionClaim(**(given | fields))  # type: ignore[arg-type] # tests give any fields


def test_only_what_happened_is_in_the_id() -> None:
    base = conversion(order(), caller(), Known()).event_id
    later = caller(now=NOW + timedelta(days=40), retry="key")
    assert conversion(order(net_minor=5, codes=("x",)), later, Known()).event_id == base
    others = {
        conversion(order(), caller("public"), Known()).event_id,
        conversion(order(), caller("webhook"), Known()).event_id,
        conversion(order(kind="renewal"), caller(), Known()).event_id,
        conversion(order(natural_id="B"), caller(), Known()).event_id,
    }
    assert len(others | {base}) == 5


def test_another_store_has_events_of_its_own() -> None:
    """The same order id in two stores of a brand means two orders."""
    first, second = caller(), caller(store="outlet")
    refund = AdjustmentClaim("purchase", "A", "1", "refund", NOW)
    own = TouchClaim("identified", NOW, PersonClaim(customer_id="7"), event_id="mine")
    retried = TouchClaim("identified", NOW, PersonClaim(customer_id="7"))
    again = [caller(retry="key", store=store) for store in ("main", "outlet")]
    pairs = [
        [conversion(order(), each, Known()).event_id for each in (first, second)],
        [adjustment(refund, each, Known()).event_id for each in (first, second)],
        [touched(own, each) for each in (first, second)],
        [touched(retried, each) for each in again],
    ]
    assert len({event_id for pair in pairs for event_id in pair}) == 8


def touched(claim: TouchClaim, sender: Caller) -> str:
    event = touch(claim, sender, Known())
    assert not isinstance(event, Rejected)
    return event.event_id


def test_a_clamped_time_does_not_change_the_id() -> None:
    future = conversion(order(occurred_at=NOW + timedelta(minutes=6)), caller(), Known())
    assert future.event_id == conversion(order(), caller(), Known()).event_id
    assert (future.occurred_at, future.quality) == (NOW, (Quality.CLAMPED,))
    assert future.version == microseconds(NOW + timedelta(minutes=6))
    near = conversion(order(occurred_at=NOW + timedelta(minutes=5)), caller(), Known())
    assert near.quality == ()


def test_the_id_of_an_adjustment_is_of_its_order_and_its_own_id() -> None:
    def event_id(conversion_kind: str = "purchase", order_id: str = "A", own: str = "1") -> str:
        claim = AdjustmentClaim(conversion_kind, order_id, own, "refund", NOW)
        return adjustment(claim, caller(), Known()).event_id

    assert event_id() == event_id()
    ids = {event_id(), event_id("renewal"), event_id(own="2"), event_id(order_id="A1", own="")}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("sent", "kept", "flags"),
    [
        (click_id(LINK), True, ()),
        (click_id(new_id()), True, ()),
        (click_id(LINK_OF_OTHER), False, (Quality.FOREIGN_CLICK_ID,)),
        ("undefined", False, (Quality.FOREIGN_CLICK_ID,)),
        (click_id(LINK)[:-1] + "!", False, (Quality.FOREIGN_CLICK_ID,)),
    ],
    ids=("ours", "of a link not known yet", "of another workspace", "a word", "damaged"),
)
def test_only_genuine_click_ids_of_this_workspace_are_keys(
    sent: str, kept: bool, flags: tuple[Quality, ...]
) -> None:
    event = conversion(order(person=PersonClaim(click_id=sent)), caller(), Known())
    assert (event.person.click_id == sent) is kept
    assert (event.click is not None) is kept
    assert event.quality == flags


@pytest.mark.parametrize(
    ("sent", "more", "found", "flags"),
    [
        ("undefined", (click_id(LINK),), True, ()),
        (click_id(LINK_OF_OTHER), ("null", click_id(LINK)), True, ()),
        (click_id(LINK)[:-1] + "!", (), False, (Quality.FOREIGN_CLICK_ID,)),
        (None, ("undefined", click_id(LINK_OF_OTHER)), False, (Quality.FOREIGN_CLICK_ID,)),
        (None, (), False, ()),
    ],
    ids=("after a word", "after others", "damaged", "no genuine one", "none"),
)
def test_the_first_genuine_click_id_counts(
    sent: str | None, more: tuple[str, ...], found: bool, flags: tuple[Quality, ...]
) -> None:
    person = PersonClaim(click_id=sent, click_ids=more)
    event = conversion(order(person=person), caller(), Known())
    assert (event.click is not None) is found
    assert event.quality == flags


def test_a_public_key_names_no_customer_and_dates_nothing() -> None:
    sent = PersonClaim("v-1", click_id(LINK), "c-1", "e@x.de")
    long_ago = NOW - timedelta(days=5)
    event = conversion(order(person=sent, occurred_at=long_ago), caller("public"), Known())
    assert (event.person.visitor_id, event.person.click_id) == ("v-1", click_id(LINK))
    assert (event.person.customer_id, event.person.email_hash) == (None, None)
    assert (event.occurred_at, event.quality) == (NOW, (Quality.CLAMPED,))
    near = order(person=sent, occurred_at=NOW - timedelta(minutes=5))
    assert conversion(near, caller("public"), Known()).quality == ()
    trusted = conversion(order(person=sent, occurred_at=long_ago), caller(), Known())
    assert (trusted.occurred_at, trusted.quality) == (long_ago, ())
    assert trusted.person.customer_id == "c-1"


@given(st.data())
def test_two_contents_of_a_public_key_never_have_one_id(data: st.DataObject) -> None:
    def drawn() -> ConversionClaim:
        return order(
            net_minor=data.draw(st.integers(0, 2)),
            person=PersonClaim(data.draw(st.sampled_from([None, "v-1", "v-2"]))),
            codes=data.draw(st.sampled_from([(), ("A",), ("B",)])),
            claim_token=data.draw(st.sampled_from([None, "t" * 16, "u" * 17])),
        )

    first, second = drawn(), drawn()
    later = NOW + timedelta(days=data.draw(st.integers(0, 2)))
    one = conversion(first, caller("public"), Known())
    other = conversion(second, caller("public", later), Known())
    assert (one.event_id == other.event_id) is (first == second)
    assert (fingerprint(one) == fingerprint(other)) is (one.event_id == other.event_id)
    assert one.event_id != conversion(first, caller(), Known()).event_id


def test_every_value_like_an_email_is_hashed() -> None:
    person = PersonClaim("v@x.de", None, "c@x.de", "e@x.de")
    event = conversion(order(person=person), caller(), Known())
    assert b"@" not in encode_event(event)
    assert event.person.email_hash == "hash of 6"
    assert event.person.customer_id == event.person.visitor_id == "email:hash of 6"


@given(st.lists(st.text(max_size=140), max_size=30))
def test_codes_are_normalised(codes: list[str]) -> None:
    def clean(texts: Iterable[str]) -> tuple[str, ...]:
        return stored_codes(texts, caller(), Known())

    cleaned = clean(codes)
    assert len(cleaned) <= 20
    assert len(set(cleaned)) == len(cleaned)
    assert not [code for code in cleaned if "@" in code]
    plain = [code for code in codes if code.isascii()]
    assert clean([code.lower() for code in plain]) == clean(plain)


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_joined_keys_never_collide(left: list[str], right: list[str]) -> None:
    assert (joined(*left) == joined(*right)) is (left == right)


def test_the_id_of_a_touch_is_of_the_given_identity() -> None:
    claim = TouchClaim("referred", NOW, code=" f ")
    named = TouchClaim("referred", NOW, code="f", event_id="mine")
    fresh = {_id(claim, caller()) for _ in range(2)}
    keyed = {_id(claim, caller(retry="k")) for _ in range(2)}
    mine = {_id(named, caller(retry=key)) for key in ("k", "z")}
    assert (len(fresh), len(keyed), len(mine)) == (2, 1, 1)


def _id(claim: TouchClaim, who: Caller) -> str:
    event = touch(claim, who, Known())
    assert not isinstance(event, Rejected)
    return event.event_id


def test_a_reported_click_needs_a_link_of_the_workspace() -> None:
    good = touch(TouchClaim("clicked", NOW, link="mia", user_agent="a bot"), caller(), Known())
    assert isinstance(good, Clicked)
    assert (good.link_id, good.quality) == (LINK, (Quality.BOT,))
    bad = touch(TouchClaim("clicked", NOW, link="else"), caller(), Known())
    assert isinstance(bad, Rejected)
    assert bad.flaws[0].field == "link"


def test_an_identity_needs_a_key() -> None:
    assert isinstance(touch(TouchClaim("identified", NOW), caller(), Known()), Rejected)
    person = PersonClaim(customer_id="c")
    assert isinstance(touch(TouchClaim("identified", NOW, person), caller(), Known()), Identified)


def test_a_visit_reads_the_click_id_from_its_page_and_keeps_the_page_bare() -> None:
    page = f"https://user:x@shop.example/p?mail=a@b.de&lclid={click_id(LINK)}#a"
    event = touch(TouchClaim("visited", NOW, page=page), caller(), Known())
    assert isinstance(event, Visited)
    assert event.page == "https://shop.example/p"
    assert event.click is not None
    assert event.person.click_id == click_id(LINK)
    assert decode_event(encode_event(event)) == event


@given(
    st.sampled_from(["", "https://a.de", "https://a.de/", "https://u:p@a.de/", "https://[::1]/"]),
    st.text(max_size=60) | st.text("?#&=/@lcid%", max_size=30),
)
def test_no_address_raises(head: str, tail: str) -> None:
    page = bare_page(head + tail)
    assert page is None or not set(page) & set("?#")
    assert page is None or "@" not in urlsplit(page).netloc
    assert not click_ids_in(head + tail) or "lclid" in tail
