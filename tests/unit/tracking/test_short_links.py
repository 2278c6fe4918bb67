"""Short links: codes, destinations that are safe in a header, and the packed table."""

import tracemalloc
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from services.tracking.domain.short_links import (
    around_click,
    canonical_destination,
    link_key,
)
from services.tracking.store.link_table import LinkTable
from shared.catalog import RESERVED_WORDS, Link
from shared.ids import new_id

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORKSPACE = new_id()
CLICK = "A" * 50


@pytest.mark.parametrize("word", sorted(RESERVED_WORDS))
def test_reserved_words_are_no_codes(word: str) -> None:
    assert link_key(word) is None
    assert link_key(word.upper()) is None


@pytest.mark.parametrize("code", ["", "a/b", "a.b", "ä", "a b", "x" * 65, "a\n", "%6d", "\u0661"])
def test_other_texts_are_no_codes(code: str) -> None:
    assert link_key(code) is None


def test_codes_match_without_case() -> None:
    assert link_key("Mia_-9") == link_key("MIA_-9") == "mia_-9"


UNSAFE = [
    "",
    "shop.example",
    "//evil.example",
    "https:evil.example",
    "https:///path",
    "https://",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "ftp://shop.example/",
    "file:///etc/passwd",
    "https://good.example\\@evil.example/",
    "https://good.example\\.evil.example/",
    "https://user@shop.example/",
    "https://user:pass@shop.example/",
    "https://shop.example\r\nSet-Cookie: a=b",
    "https://shop.example/\r\nX: y",
    "https://shop.example/\tx",
    "https://shop.example/ x",
    "https://shop.example/\x00",
    "https://shop.example/\x7f",
    "https://shop.example/\x85x",
    " https://shop.example/",
    "https://shop.example:99999/",
    "https://shop.example:0/",
    "https://shop.example:x/",
    "https://sh%6fp.example/",
    "https://shöp.example/",
    "https://shop!example/",
    "https://[::1",
    "https://[zz]/",
    "https://shop.example/\ud800",
    "https://shop.example/" + "x" * 2_100,
]


@pytest.mark.parametrize("text", UNSAFE)
def test_a_destination_that_is_not_canonical_leads_nowhere(text: str) -> None:
    assert canonical_destination(text) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://shop.example/p?x=1#top", "https://shop.example/p?x=1#top"),
        ("http://shop.example", "http://shop.example"),
        ("https://my_shop.example/100%?a[]=1", "https://my_shop.example/100%?a[]=1"),
        ("https://shop.example:8443/a%20b", "https://shop.example:8443/a%20b"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ("https://shop.example/käse", "https://shop.example/k%C3%A4se"),
    ],
)
def test_a_canonical_destination_is_kept(text: str, kept: str) -> None:
    assert canonical_destination(text) == kept


@pytest.mark.parametrize(
    ("destination", "location"),
    [
        ("https://a.example", "https://a.example?lclid=K"),
        ("https://a.example/", "https://a.example/?lclid=K"),
        ("https://a.example/?x=1", "https://a.example/?x=1&lclid=K"),
        ("https://a.example/?", "https://a.example/?lclid=K"),
        ("https://a.example/?x&", "https://a.example/?x&lclid=K"),
        ("https://a.example/#?x", "https://a.example/?lclid=K#?x"),
        ("https://a.example/?a=b#c#d", "https://a.example/?a=b&lclid=K#c#d"),
    ],
)
def test_the_click_id_comes_last_before_the_fragment(destination: str, location: str) -> None:
    before, after = around_click(destination.encode())
    assert before + b"K" + after == location.encode()


@for_any(st.text(max_size=60))
def test_no_tail_changes_the_host_or_ends_the_header(tail: str) -> None:
    destination = canonical_destination("https://shop.example/" + tail)
    if destination is not None:
        before, after = around_click(destination.encode())
        location = f"{before.decode()}{CLICK}{after.decode()}"
        assert location.isascii()
        assert not any(ord(letter) < 0x21 for letter in location)
        assert urlsplit(location).netloc == "shop.example"
        assert urlsplit(location).fragment == urlsplit(destination).fragment
        assert f"lclid={CLICK}" in urlsplit(location).query


@for_any(
    st.sampled_from(["https://", "http://", "HTTPS://", "https://u@", "https:", "//", ""]),
    st.text("ab1.-@:[]\\é", max_size=12),
    st.sampled_from(["", "/", "/p?x=1", "/@b.example"]) | st.text(max_size=30),
)
def test_anything_that_passes_as_destination_has_a_plain_host(
    scheme: str, host: str, rest: str
) -> None:
    destination = canonical_destination(scheme + host + rest)
    if destination is not None:
        assert urlsplit(destination).scheme in ("http", "https")
        assert urlsplit(destination).hostname
        assert "@" not in urlsplit(destination).netloc


def link(code: str, revision: int = 1, **fields: Any) -> Link:
    given: dict[str, Any] = {"id": new_id(), "destination": "https://a.example/", "periods": ()}
    common: dict[str, Any] = {"revision": revision, "workspace_id": WORKSPACE, "recorded_at": NOW}
    return Link(code=code, **common, **(given | fields))


def destination_of(links: LinkTable, key: str) -> str | None:
    found = links.find(key.encode())
    return None if found is None else found.destination.decode()


def test_the_greatest_revision_counts_in_any_order() -> None:
    link_id = new_id()
    first = link("a", 1, id=link_id)
    second = link("a", 2, id=link_id, destination="https://b.example/")
    for order in ((first, second), (second, first), (first, second, first)):
        links = LinkTable()
        for record in order:
            links.put(record)
        assert destination_of(links, "a") == "https://b.example/"
        assert len(links) == 1


def test_a_renamed_link_leaves_its_old_code() -> None:
    links = LinkTable()
    link_id = new_id()
    links.put(link("old", 1, id=link_id))
    links.put(link("new", 2, id=link_id))
    assert destination_of(links, "old") is None
    assert destination_of(links, "new") == "https://a.example/"


def test_another_link_can_take_the_code_of_a_deleted_link_and_keeps_it() -> None:
    old, young = link("a", 1), link("a", 1, destination="https://b.example/")
    gone = link("a", 2, id=old.id, deleted_at=NOW)
    for order in ((old, gone, young), (old, young, gone), (young, gone)):
        links = LinkTable()
        for record in order:
            links.put(record)
        assert destination_of(links, "a") == "https://b.example/"


def test_disabled_deleted_and_broken_links_lead_nowhere() -> None:
    links = LinkTable()
    links.put(link("off", enabled=False))
    links.put(link("gone", deleted_at=NOW))
    links.put(link("broken", destination="javascript:1"))
    links.put(link("health"))
    assert [destination_of(links, key) for key in ("off", "gone", "broken")] == ["", "", ""]
    assert links.find(b"health") is None


def test_the_workspace_of_a_link() -> None:
    links = LinkTable()
    record = link("a")
    links.put(record)
    assert links.workspace_of(UUID(record.id).bytes) == WORKSPACE
    assert links.workspace_of(b"x" * 16) is None


def test_a_link_takes_less_than_400_bytes() -> None:
    count = 50_000
    destination = "https://shop.example/products/summer-dress?variant=12345678"
    tracemalloc.start()
    try:
        links = LinkTable()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(count):
            links.put(link(f"c{number:07d}", destination=destination))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(links) == count
    assert taken / count <= 400
