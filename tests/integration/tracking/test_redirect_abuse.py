"""Attacks on redirects: bad destinations that are put on the log, and requests with tricks.

Promise: a `Location` has the stored host, as every parser reads it, or there is no `Location`. No
header of an answer contains CR or LF.
"""

import asyncio
from urllib.parse import urlsplit

import pytest

from shared.ids import new_id
from tests.integration.tracking.world import Site, World
from tests.unit.roi.test_destinations import CANONICAL, REFUSED

# roi refuses these because they are second spellings or unusual. They are harmless in a header,
# because the host that is sent is the stored one.
SPELLINGS = frozenset(
    text for text in REFUSED if text.startswith("https://") and not set(text) & set('\\@ "<>\r\n\t')
)

TRICKS: dict[str, tuple[bytes, bytes]] = {
    "a url": (b"/mia?url=https://evil.example/", b""),
    "a next": (b"/mia?next=//evil.example", b""),
    "a line feed in the query": (b"/mia?s=%0d%0aSet-Cookie:%20a=b", b""),
    "a line feed in a click id": (b"/mia?lclid=%0aX", b""),
    "an at sign": (b"/mia?@evil.example", b""),
    "a second question mark": (b"/mia??x=//evil.example", b""),
    "a NUL": (b"/mia?s=a%00b", b""),
    "half of UTF-8": (b"/mia?s=%c3", b""),
    "an overlong slash": (b"/mia?s=%c0%af%c0%af", b""),
    "a forwarded host": (b"/mia", b"X-Forwarded-Host: evil.example\r\n"),
    "a forwarded host with a line feed": (b"/mia", b"X-Forwarded-Host: evil%0d%0aX: y\r\n"),
    "forwarded": (b"/mia", b"Forwarded: host=evil.example;proto=http\r\n"),
    "an original address": (b"/mia", b"X-Original-URL: //evil.example\r\n"),
    "a rewritten address": (b"/mia", b"X-Rewrite-URL: //evil.example\r\n"),
    "another method": (b"/mia", b"X-HTTP-Method-Override: DELETE\r\n"),
    "a referrer": (b"/mia", b"Referer: https://evil.example/\r\n"),
    "an origin": (b"/mia", b"Origin: https://evil.example\r\n"),
    "a cookie of another form": (b"/mia", b"Cookie: lvid=%0d%0aX:y; lvid=\xff\r\n"),
    "a cookie with a quote": (b"/mia", b'Cookie: lvid="aaaaaaaaaaaaaaaaaaaaaa"\r\n'),
    "an agent of bytes": (b"/mia", b"User-Agent: \xff\xfe%0d%0a\r\n"),
}
OTHER_PATHS: dict[str, bytes] = {
    "a line feed in the path": b"/mia%0d%0aLocation:%20https://evil.example",
    "a slash behind": b"/mia/",
    "two slashes before": b"//mia",
    "a host for a path": b"//evil.example/mia",
    "a backslash": b"/\\evil.example",
    "an encoded backslash": b"/%5cevil.example",
    "an encoded slash": b"/%2fevil.example",
    "dots": b"/%2e%2e/mia",
    "dots behind": b"/mia/..",
    "a semicolon": b"/mia;evil.example",
    "a NUL": b"/mia%00",
    "a scheme": b"/https:evil.example",
    "twice encoded": b"/%256dia",
    "a full-width letter": b"/%ef%bd%8dia",
    "a Cyrillic letter": b"/m%d1%96a",
    "a dotless i": b"/m%c4%b1a",
}


async def exchange(site: Site, target: bytes, host: bytes = b"x", more: bytes = b"") -> list[bytes]:
    """Return the lines of an answer's head."""
    url = site.client.base_url
    assert url.port is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(
            b"GET %b HTTP/1.1\r\nHost: %b\r\n%bConnection: close\r\n\r\n" % (target, host, more)
        )
        async with asyncio.timeout(90):
            answer = await reader.read()
    finally:
        writer.close()
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = {line.partition(b":")[0].lower() for line in lines[1:]}
    assert names <= ALLOWED, names
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    return lines


# All headers that an answer of this service can have. A smuggled header would be another one.
ALLOWED = frozenset(
    b"date location cache-control content-length referrer-policy set-cookie content-type "
    b"connection x-request-id x-content-type-options x-frame-options "
    b"content-security-policy".split()
)


def location(lines: list[bytes]) -> str | None:
    found = [line[10:] for line in lines if line.lower().startswith(b"location: ")]
    assert len(found) <= 1
    return found[0].decode("ascii") if found else None


@pytest.mark.parametrize("name", TRICKS)
async def test_no_request_changes_the_target_of_a_link(site: Site, name: str) -> None:
    target, more = TRICKS[name]
    lines = await exchange(site, target, more=more)
    led = location(lines)
    if lines[0].startswith(b"HTTP/1.1 302"):
        assert led is not None
        assert urlsplit(led)[:3] == ("https", "shop.example", "/p")
        assert urlsplit(led).query.startswith("x=1&lclid=")
        assert urlsplit(led).fragment == "top"
    else:
        assert lines[0].startswith(b"HTTP/1.1 4")
        assert led is None


@pytest.mark.parametrize("name", OTHER_PATHS)
async def test_no_other_path_is_a_link(site: Site, name: str) -> None:
    lines = await exchange(site, OTHER_PATHS[name])
    assert lines[0].startswith(b"HTTP/1.1 4"), lines
    assert location(lines) is None


@pytest.mark.parametrize("host", [b"evil.example", b"evil.example:99999", b"[::1]", b"x" * 253])
async def test_no_host_changes_the_target_of_a_link(site: Site, host: bytes) -> None:
    led = location(await exchange(site, b"/mia", host))
    assert led is not None
    assert urlsplit(led).netloc == "shop.example"


async def test_every_stored_destination_leads_to_its_own_host_or_is_refused(world: World) -> None:
    texts = [*REFUSED, *(canonical for _, canonical in CANONICAL)]
    storable = [text for text in texts if text.isprintable() or text.isascii()]
    await world.publish(
        *(
            world.brand.link(f"try-{number}", id=new_id(), destination=text)
            for number, text in enumerate(storable)
        )
    )
    led: dict[str, str | None] = {}
    async with world.serving() as site:
        await site.ready()
        for number, text in enumerate(storable):
            led[text] = location(await exchange(site, b"/try-%d" % number))
    for _, canonical in CANONICAL:
        there = led[canonical]
        assert there is not None, canonical
        assert urlsplit(there)[:3] == urlsplit(canonical)[:3]
    for text in set(storable) & set(REFUSED):
        there = led[text]
        if there is not None:
            assert text in SPELLINGS, (text, there)
            assert urlsplit(there).netloc == urlsplit(text).netloc
            assert urlsplit(there).username is None
