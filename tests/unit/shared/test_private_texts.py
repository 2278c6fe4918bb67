"""Which texts stay clear, and in which spellings an e-mail address is found."""

import html
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.private_texts import (
    ACTION_WORDS,
    OPAQUE_PREFIX,
    PLACE_WORDS,
    has_id_form,
    is_made_of,
    plain_spelling,
    stored_forms,
    stored_text,
)

EMAIL = "zaphod@shop.example"


def hashed(text: str) -> str:
    return f"<{text}>"


def each_letter(form: str) -> str:
    return "".join(form.format(ord(letter)) for letter in EMAIL)


SPELLINGS = {
    "plain": EMAIL,
    "percent": "zaphod%40shop.example",
    "percent in lower case": "zaphod%40shop.example".lower(),
    "percent, each letter": each_letter("%{:02X}"),
    "percent twice": quote(quote(EMAIL)),
    "percent three times": quote(quote(quote(EMAIL))),
    "full width": "zaphod\uff20shop.example",
    "full width, each letter": "".join(chr(ord(letter) + 0xFEE0) for letter in EMAIL),
    "small": "zaphod\ufe6bshop.example",
    "full width in percent": "zaphod%EF%BC%A0shop.example",
    "HTML by number": "zaphod&#64;shop.example",
    "HTML in hexadecimal": "zaphod&#x40;shop.example",
    "HTML by name": "zaphod&commat;shop.example",
    "HTML, each letter": each_letter("&#{};"),
    "HTML in HTML": html.escape("zaphod&#64;shop.example"),
    "HTML in percent": quote("zaphod&#64;shop.example"),
    "escape": "zaphod\\u0040shop.example",
    "short escape": "zaphod\\x40shop.example",
    "with a character nobody sees": "zaphod\u200b@\u2060shop.example",
    "hidden in an escape": "zaphod%\u200b40shop.example",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_an_address_never_stays_clear_and_all_spellings_are_one(text: str) -> None:
    stored = stored_text(text, hashed, may_stay=True)
    assert stored == f"{OPAQUE_PREFIX}<{EMAIL}>"
    assert not has_id_form(text)


def test_a_spelling_that_does_not_end_is_hashed_as_it_is() -> None:
    deep = EMAIL
    for _ in range(12):
        deep = quote(deep)
    assert plain_spelling(deep) is None
    assert stored_text(deep, hashed, may_stay=True) == f"{OPAQUE_PREFIX}<{deep}>"


@given(st.text(max_size=60), st.booleans())
def test_no_stored_text_has_an_at_in_any_spelling(text: str, may_stay: bool) -> None:
    stored = stored_text(text, lambda plain: plain.encode().hex(), may_stay=may_stay)
    assert "@" not in (plain_spelling(stored) or "")
    assert stored == text or stored.startswith(OPAQUE_PREFIX)


@given(st.text("%&#@;x40\\ud8\uff20 a", max_size=24))
def test_every_spelling_of_a_few_marks_ends(text: str) -> None:
    stored = stored_text(text, lambda plain: plain.encode().hex(), may_stay=True)
    assert "@" not in (plain_spelling(stored) or "")


def test_both_forms_of_an_id_are_looked_up() -> None:
    assert stored_forms("1001", hashed) == ("1001", "text:<1001>")
    assert stored_forms("a%40b", hashed)[1] == stored_forms("a@b", hashed)[1]


@pytest.mark.parametrize(
    "text",
    [
        "1001",
        "#1001",
        "order-1001",
        "A-1",
        "WC-2024-000123",
        "01900000-0000-7000-8000-000000000001",
        "deadbeef-0000-7000-8000-00000000abcd",
        "cs_test_a1B2c3D4",
        "3MmlLrLkdIwHu7ix0snN0B15",
        "GA1.2.1234.5678",
        "visitor-12",
        "q8X_yzaBcdEfGhijKlmNog",
    ],
)
def test_ids_that_machines_make_stay_clear(text: str) -> None:
    assert has_id_form(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Zaphod",
        "Zaphod Quill",
        "zaphod.quill",
        "zaphod42",
        "42.zaphod.1984",
        "Zaphod-Quill-1984",
        "zaphod1quill2",
        "Øyvind1",
        "+49 170 1234567",
        "+491701234567",
        "1001 Zaphod",
        "zaphod-quillfeather-ii",
    ],
)
def test_what_may_be_a_name_has_no_form_of_an_id(text: str) -> None:
    assert not has_id_form(text)


def test_words_of_a_vocabulary_stay_clear() -> None:
    for text in ("add_to_cart", "product view", "video.play", "2"):
        assert is_made_of(text, ACTION_WORDS)
    for text in ("bio", "video-2", "Story_3"):
        assert is_made_of(text, PLACE_WORDS)
    for text in ("", "zaphod", "add_to_zaphod", "cart\n", "cart 49170123456", "vidéo", "bio@"):
        assert not is_made_of(text, ACTION_WORDS | PLACE_WORDS)
