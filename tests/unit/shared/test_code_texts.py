"""`code_text`: equal to the eye is equal, different to the eye stays different."""

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.code_texts import code_text

# Letters whose case or marks change their number, and characters that nobody sees between them.
ODD = "ßẞıİiIΐΰᾳŉﬁǰſςσΣ\u0307\u0308\u0301\u0323\u034f\ufe0f\u200d\u00ad\u3000１ＡａꭰᏰდᲓ"
# The mark under a Greek vowel becomes a letter in capitals, at the place where it stands. Case has
# a meaning for it only in the order of marks that Unicode prescribes.
IOTA_BELOW = "\u0345"
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters=IOTA_BELOW)
TEXTS = st.text(st.one_of(st.sampled_from(ODD), LETTERS))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (" tenoff ", "TENOFF"),
        ("Μαΐου", "ΜΑΪ́ΟΥ"),
        ("Μαΐου", "μαΐου"),
        ("café", "cafe\u0301"),
        ("straße", "STRASSE"),
        ("straße", "STRAẞE"),
        ("indirim", "İNDİRİM"),
        ("indirim", "INDIRIM"),
        ("ındırım", "INDIRIM"),
        ("ΟΔΟΣ10", "οδος10"),
        ("скидка", "СКИДКА"),
        ("ｔｅｎ１０", "TEN10"),
        ("𝗧𝗘𝗡𝟭𝟬", "TEN10"),
        ("LOVE❤️", "LOVE❤"),
        ("TEN\u200bOFF", "TENOFF"),
        ("\ufeffTENOFF", "TENOFF"),
        ("TEN\u00adOFF", "TENOFF"),
        ("TENOFF\u2060\u200e", "TENOFF"),
        ("TEN\u00a0OFF", "TEN OFF"),
        ("TEN\tOFF", "TEN OFF"),
        ("\u3000TENOFF\u2800", "TENOFF"),
        ("TEN\x00OFF", "TENOFF"),
    ],
)
def test_equal_to_the_eye_is_equal(one: str, other: str) -> None:
    assert code_text(one) == code_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TEN OFF", "TENOFF"),
        ("TEN  OFF", "TEN OFF"),
        ("TEN-OFF", "TENOFF"),
        ("TENOFF", "TEN0FF"),
        ("CAFE", "CAFÉ"),
        ("MUSTER", "MÜSTER"),
        ("MAY", "МАУ"),  # Cyrillic
        ("ΜΑΙΟΥ", "ΜΑΪΟΥ"),
    ],
)
def test_different_to_the_eye_stays_different(one: str, other: str) -> None:
    assert code_text(one) != code_text(other)


def _spellings(text: str) -> set[str]:
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    return forms | {text.upper(), text.lower(), text.title(), text.casefold(), f" {text}\ufe0f "}


@given(st.text(st.one_of(st.sampled_from(ODD + IOTA_BELOW), LETTERS)))
def test_a_comparable_text_stays_as_it_is(text: str) -> None:
    assert code_text(code_text(text).text) == code_text(text)


@given(TEXTS)
@example("i\u034f\u0307")
def test_the_spelling_of_a_text_makes_no_difference(text: str) -> None:
    assert {code_text(spelling) for spelling in _spellings(text)} == {code_text(text)}


@given(TEXTS)
def test_a_text_that_an_earlier_release_stored_still_matches(text: str) -> None:
    stored = unicodedata.normalize("NFKC", text).strip().upper()
    assert code_text(stored) == code_text(text)


def test_every_character_has_one_form() -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        if unicodedata.category(character) in ("Cs", "Cn", "Co"):
            continue
        found = code_text(character)
        cased = {character.upper(), character.lower(), found.text}
        assert {code_text(spelling) for spelling in cased} == {found}, hex(number)
