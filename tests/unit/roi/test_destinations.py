"""The check of stored destinations against a corpus of redirect tricks (security test 12).

Promise: an accepted destination has one spelling that every parser reads alike. An ambiguous
destination is refused.
"""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.wire.destinations import canonical_origin, canonical_url

REFUSED = (
    "",
    " ",
    "shop.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://",
    "https://?x",
    "https://#x",
    "https://:443/",
    "http//evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox",
    "file:///etc/passwd",
    "ftp://shop.example/",
    "ws://shop.example/",
    "blob:https://shop.example/1",
    "https://good.example\\@evil.example",
    "https://good.example\\.evil.example",
    "https:\\\\evil.example",
    "https://good.example@evil.example",
    "https://user:password@evil.example/",
    "https://@evil.example/",
    "https://good.example%40evil.example/",
    "https://%65vil.example/",
    "https://evil%2eexample/",
    "https://good.example\r\nSet-Cookie: a=b",
    "https://good.example/\r\nLocation: https://evil.example",
    "https://good.example/\x00",
    "https://good.example/\x7f",
    "https://good.example/\u0085",
    "https://good.example /",
    "https://good .example/",
    "https://shop!.example/",
    "https://shop#.example@evil.example\\/",
    "https://👩\u200d💻.ws/",
    "https://good.example:99999/",
    "https://good.example:0/",
    "https://good.example:65536/",
    "https://good.example:-1/",
    "https://good.example:80a/",
    "https://good.example:٤٤٣/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1.5/",
    "https://256.1.1.1/",
    "https://1.2.3/",
    "https://shop.example.0x7f/",
    "https://[::1",
    "https://[::1]evil.example/",
    "https://[fe80::1%25eth0]/",
    "https://[1.2.3.4]/",
    "https://shop..example/",
    "https://.shop.example/",
    "https://shop\u2024example/\u00a0",
    f"https://{'a' * 64}.example/",
    f"https://{'a.' * 127}example/",
    "https://good.example/" + "a" * 2048,
    "https://good.example/" + "ä" * 1000,
)

CANONICAL = (
    ("https://shop.example", "https://shop.example/"),
    ("HTTPS://Shop.EXAMPLE/A?B=C#D", "https://shop.example/A?B=C#D"),
    ("https://shop.example:443/a", "https://shop.example/a"),
    ("http://shop.example:80", "http://shop.example/"),
    ("http://shop.example:443/", "http://shop.example:443/"),
    ("https://shop.example:08443/", "https://shop.example:8443/"),
    ("https://shop.example?a=1&b=2", "https://shop.example/?a=1&b=2"),
    ("https://shop.example#top", "https://shop.example/#top"),
    ("https://shop.example/?", "https://shop.example/?"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
    ("https://faß.example/", "https://xn--fa-hia.example/"),
    ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    (
        "https://аpple.example/",
        "https://xn--pple-43d.example/",
    ),  # a Cyrillic a: seen for what it is
    ("https://ｅｖｉｌ.example/", "https://evil.example/"),
    ("https://shop。example/", "https://shop.example/"),
    ("https://r3---sn-a.example/", "https://r3---sn-a.example/"),
    ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x"),
    ("http://１２７.0.0.1/", "http://127.0.0.1/"),
    ("http://localhost:3000/", "http://localhost:3000/"),
    ("https://[2001:DB8:0:0::1]:8443/", "https://[2001:db8::1]:8443/"),
    ("https://shop.example/grün?q=süß#ä", "https://shop.example/gr%C3%BCn?q=s%C3%BC%C3%9F#%C3%A4"),
    ("https://shop.example/a%2fb%0d%0a", "https://shop.example/a%2fb%0d%0a"),
    ("https://shop.example/a|b<c>", "https://shop.example/a|b%3Cc%3E"),
    # What browsers open, in the form that browsers give it.
    (" https://good.example/ ", "https://good.example/"),
    ("https://good.example/a b?q=a b+c", "https://good.example/a%20b?q=a%20b+c"),
    ("https://good.example/%", "https://good.example/%"),
    ("https://good.example/100%?a=%2&b=%zz", "https://good.example/100%?a=%2&b=%zz"),
    ("https://shop.example/?a[]=1&b[x]={y}|z", "https://shop.example/?a[]=1&b[x]={y}|z"),
    ("https://shop.example/?a='b'\"", "https://shop.example/?a=%27b%27%22"),
    (
        "https://shop.example/👩\u200d💻/日本",
        "https://shop.example/%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB/%E6%97%A5%E6%9C%AC",
    ),
    ("https://good.example/\u202eelif", "https://good.example/%E2%80%AEelif"),
    ("https://shop.example/a/../b/./c", "https://shop.example/b/c"),
    ("https://shop.example/%2e%2e/b", "https://shop.example/b"),
    ("https://i❤.ws/", "https://xn--i-7iq.ws/"),
    ("https://💩.la", "https://xn--ls8h.la/"),
    ("https://☃.net/", "https://xn--n3h.net/"),
    ("https://日本語.jp/", "https://xn--wgv71a119e.jp/"),
    ("https://shop_x.example/", "https://shop_x.example/"),
    ("https://my_shop.my_brand.example:8080", "https://my_shop.my_brand.example:8080/"),
    ("https://-shop.example/", "https://-shop.example/"),
    ("https://shop-.example/", "https://shop-.example/"),
    ("https://shop.example./", "https://shop.example./"),
    ("https://good.example:/", "https://good.example/"),
    ("https://ex\u00adample.com/", "https://example.com/"),
    ("https://[::ffff:1.2.3.4]/", "https://[::ffff:102:304]/"),
    ("https://shop.example/a@b:c", "https://shop.example/a@b:c"),
    ("https://shop.example/?next=//evil.example", "https://shop.example/?next=//evil.example"),
)


@pytest.mark.parametrize("text", REFUSED)
def test_a_trick_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        canonical_url(text)


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_an_address_has_one_spelling(text: str, canonical: str) -> None:
    assert canonical_url(text) == canonical
    assert canonical_url(canonical) == canonical


@given(
    st.text(max_size=60),
    st.sampled_from(["", "https://", "http://a.example", "https://a.example/"]),
)
def test_what_passes_is_plain_ascii_and_reads_the_same_twice(tail: str, head: str) -> None:
    try:
        canonical = canonical_url(head + tail)
    except ValueError:
        return
    assert canonical.isascii()
    assert canonical.isprintable()
    assert not set(canonical) & set(' \\<>"')
    assert canonical_url(canonical) == canonical
    parts = urlsplit(canonical)
    assert parts.scheme in ("http", "https")
    assert parts.username is None
    assert parts.hostname is not None
    assert canonical.startswith(f"{parts.scheme}://{parts.netloc}/")


def test_an_origin_has_no_path() -> None:
    assert canonical_origin("https://Shop.example:443") == "https://shop.example"
    assert canonical_origin("http://localhost:8080") == "http://localhost:8080"
    for text in ("https://shop.example/a", "https://shop.example/?a", "shop.example", "*"):
        with pytest.raises(ValueError, match=r"\w"):
            canonical_origin(text)
