"""The text of a discount or referral code in the form in which codes are compared.

Promise: `code_text` is the only function that makes a `CodeText`, and a `CodeText` is no `str`. So
mypy refuses a text that was not normalised, and one that would be normalised twice. Two texts are
equal if a person's eye takes them for equal:
- composed and decomposed accents, and the compatibility forms of Unicode (NFKC): full-width letters
  of Asian keyboards, letters of the fonts that people paste into a profile;
- any case of any alphabet: `ß` is `ẞ` and `SS`; `i`, `I`, `ı` and `İ` are one letter, because a
  Turkish keyboard changes a code that way when it changes the case;
- characters that nobody sees: control and format characters, form selectors, soft hyphens;
- blanks around the text, and the kind of a blank inside of it.
The number of inner blanks counts, and so do letters of other alphabets that look alike.
What can go wrong: nothing; a text without a visible character gives the empty text.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), which Python has not.
_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Marks of annotated text, and control characters but the blanks among them.
_CONTROLS: Final = "\ufff9-\ufffb\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
_UNSEEN: Final = re.compile(f"[{_IGNORABLE}{_CONTROLS}]")
# The empty Braille pattern looks like a blank, and profiles use it as one.
_BLANK: Final = re.compile("[\\s\u2800]")
_DOTTED_CAPITAL_I: Final = "i\u0307"


@dataclass(frozen=True, slots=True, order=True)
class CodeText:
    """The comparable text of a code; only `code_text` makes one. `text` is what is stored."""

    text: str


def code_text(text: str) -> CodeText:
    """Return the comparable form: " tenoff " and "TENOFF" are the same code."""
    seen = _BLANK.sub(" ", _UNSEEN.sub("", text))
    return CodeText(unicodedata.normalize("NFKC", _folded(_folded(seen)).upper()).strip())


def _folded(text: str) -> str:
    """Return one round of the folding of Unicode's compatibility caseless match (D146)."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")
    return unicodedata.normalize("NFKD", plain).replace(_DOTTED_CAPITAL_I, "i")
