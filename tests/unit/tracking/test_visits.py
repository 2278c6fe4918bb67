"""What a browser's request says of a visit, and the flags of user agents."""

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.domain.visits import AGENT_CHARACTERS_MAX, read_visit
from services.tracking.store.user_agents import Agents
from shared.events import Quality

PEOPLE = [
    "",
    "curl/8.5.0",
    "python-httpx/0.28.1",
    "python-requests/2.32",
    "okhttp/4.12.0",
    "Go-http-client/2.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 "
    "Safari/537.36 Edg/126.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/91.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 Version/4.0 "
    "Chrome/122.0 Mobile Safari/537.36 "
    "GSA/15.1 Google/google",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
    "Mobile/15E148 Instagram 320.0.0.34",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 "
    "[FBAN/FBIOS;FBAV/454.0;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.4]",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10 Pro; wv) AppleWebKit/537.36 Chrome/140.0 "
    "Mobile MetaIAB Facebook",
    "Mozilla/5.0 (Linux; Android 13; SM-S911B; wv) AppleWebKit/537.36 Chrome/120 Mobile "
    "Safari/537.36 trill_330 "
    "BytedanceWebview/d8a21c6 musical_ly_2023 TikTok",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 "
    "Mobile/15E148 Snapchat/12.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 "
    "Mobile/15E148 [Pinterest/iOS]",
    "Mozilla/5.0 (Linux; Android 12; Pixel 6) AppleWebKit/537.36 Chrome/100 Mobile "
    "Safari/537.36 Twitter for Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 "
    "Mobile/15E148 LinkedInApp",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 "
    "MicroMessenger/8.0 Line/13.0",
]


@pytest.fixture(scope="module")
def agents() -> Agents:
    return Agents()


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_people_and_libraries_are_not_flagged(agents: Agents, user_agent: str) -> None:
    assert agents.flags(user_agent) == ()


def test_self_declared_crawlers_are_flagged(agents: Agents) -> None:
    examples = [
        (instance, entry["tags"])
        for entry in CRAWLER_USER_AGENTS_DATA
        for instance in entry["instances"]
        if "http-library" not in entry.get("tags", ())
    ]
    missed = [text for text, _ in examples if not agents.flags(text[:AGENT_CHARACTERS_MAX])]
    assert len(examples) > 1_500
    assert len(missed) <= len(examples) // 100


def test_previewers_and_crawlers_have_different_flags(agents: Agents) -> None:
    assert agents.flags("facebookexternalhit/1.1") == (Quality.PREVIEW,)
    assert agents.flags("Slackbot-LinkExpanding 1.0") == (Quality.PREVIEW,)
    assert agents.flags("Mozilla/5.0 (compatible; Googlebot/2.1)") == (Quality.BOT,)


def test_consent_is_refused_by_any_of_three() -> None:
    assert read_visit([], b"").consent is True
    assert read_visit([(b"dnt", b"0"), (b"sec-gpc", b"0")], b"consent=1").consent is True
    assert read_visit([(b"dnt", b"1"), (b"dnt", b"0")], b"").consent is False
    assert read_visit([(b"sec-gpc", b" 1 ")], b"").consent is False
    assert read_visit([], b"a=1&consent=0&consent=1").consent is False


@pytest.mark.parametrize(
    ("cookie", "visitor_id"),
    [
        (b"lvid=" + b"a" * 21 + b"w", "a" * 21 + "w"),
        (b"x=1;lvid=" + b"a" * 21 + b"w; y=2", "a" * 21 + "w"),
        (b"xlvid=" + b"a" * 21 + b"w", None),
        (b"lvid=" + b"a" * 20 + b"w", None),
        (b"lvid=" + b"a" * 22 + b"w", None),
        (b"lvid=" + b"\xff" * 21 + b"w", None),
        (b"lvid=" + b"a" * 22, None),
    ],
)
def test_only_visitor_ids_of_the_right_form_are_read(cookie: bytes, visitor_id: str | None) -> None:
    assert read_visit([(b"cookie", cookie)], b"").visitor_id == visitor_id


@pytest.mark.parametrize(
    ("query", "sub_source"),
    [
        (b"s=video+2", "video 2"),
        (b"s=%C3%A4", "ä"),
        (b"s=", None),
        (b"s=%00", None),
        (b"s=a%0d%0aX", None),
        (b"s=%ED%A0%80", "���"),
        (b"s=" + b"x" * 1_000, "x" * 128),
        (b"x=1&s=a&s=b", "a"),
        (b"&" * 1_000 + b"s=a", "a"),
    ],
)
def test_sub_sources(query: bytes, sub_source: str | None) -> None:
    assert read_visit([], query).sub_source == sub_source


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"cookie", b"dnt", b"user-agent", b"purpose"]), st.binary(max_size=40)
        )
    ),
    st.binary(max_size=60),
)
def test_no_request_raises(headers: list[tuple[bytes, bytes]], query: bytes) -> None:
    visit = read_visit(headers, query)
    assert visit.sub_source is None or visit.sub_source.isprintable()
    assert len(visit.user_agent) <= AGENT_CHARACTERS_MAX
