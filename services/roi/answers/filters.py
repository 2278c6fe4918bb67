"""Filters of a question: which values of a dimension its figures are about. Pure.

A filter is text such as `a,b` (one of them) or `-a,-b` (none of them). An empty word is what has no
value. A backslash makes the next character a plain one: a comma, a leading minus, a backslash.

Promise: a filter and its opposite divide all figures: what passes one does not pass the other.
What can go wrong: `WrongFilter` says what to send.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from services.roi.answers.kinds import Dimension, FromCatalog, FromRow

# Words of one filter: a page of a list of creators.
FILTER_WORDS_MAX: Final = 200
_WORD: Final = re.compile(r"(?P<no>-?)(?P<word>(?:[^,\\]|\\.)*)(?P<end>,|\Z)", re.DOTALL)
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
# A message names at most as many words; a longer list is not read anyway.
_NAMED_MAX: Final = 30


class WrongFilter(ValueError):
    """The text is not a filter, or names a value that does not exist."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The values of a dimension that figures are about; None is no value.

    `negated`: all values but these. `text` is the filter as it was sent.
    """

    dimension: Dimension
    words: frozenset[str | None]
    negated: bool
    text: str

    @property
    def field(self) -> str:
        """Return the name of the parameter."""
        return f"filter.{self.dimension.id}"

    def passes(self, values: Collection[str | None]) -> bool:
        """Return whether a sum with these values of the dimension is meant."""
        return any(value in self.words for value in values) is not self.negated

    def named(self) -> list[str]:
        """Return the words that it names, sorted."""
        return sorted(word for word in self.words if word is not None)


def read_filter(dimension: Dimension, text: str) -> Filter:
    """Return the filter that a text says; raise `WrongFilter`."""
    words: set[str | None] = set()
    signs: set[bool] = set()
    place = 0
    while True:
        found = _WORD.match(text, place)
        if found is None:
            raise WrongFilter(
                "ends with a backslash, which stands before the character it makes plain"
            )
        word = re.sub(r"\\(.)", r"\1", found["word"], flags=re.DOTALL)
        if not word.isprintable():
            raise WrongFilter("holds characters that cannot be shown")
        words.add(word or None)
        signs.add(found["no"] == "-")
        place = found.end()
        if not found["end"]:
            break
    if len(signs) > 1:
        raise WrongFilter("send a,b for one of them, or -a,-b for none of them, and not both")
    if len(words) > FILTER_WORDS_MAX:
        raise WrongFilter(f"names more than {FILTER_WORDS_MAX} values")
    asked = Filter(dimension, frozenset(words), signs.pop(), text)
    _check_form(asked)
    return asked


def _check_form(asked: Filter) -> None:
    """Check the words of a closed list, and those that have a form."""
    dimension = asked.dimension
    is_open = isinstance(dimension.source, FromCatalog) and not dimension.words
    has_ids = isinstance(dimension.source, FromRow) and dimension.source.names is not None
    if dimension.pattern is not None:
        wrong = [word for word in asked.named() if not re.fullmatch(dimension.pattern, word, re.A)]
        if wrong:
            raise WrongFilter(f"a value looks like {dimension.pattern}, in every character")
    elif dimension.words and not is_open and not has_ids:
        check_known(asked, dimension.words)


def check_known(asked: Filter, known: Collection[str]) -> None:
    """Raise `WrongFilter` when it names a value that is not known."""
    unknown = [word for word in asked.named() if word not in known]
    if unknown:
        listed = ", ".join(sorted(known)[:_NAMED_MAX])
        hint = f": send one of {listed}" if 0 < len(known) <= _NAMED_MAX else ""
        label = asked.dimension.label.lower()
        raise WrongFilter(f"names a value that is no {label} of this workspace{hint}")


def is_of_ids(dimension: Dimension) -> str | None:
    """Return the kind of catalog object whose ids are the values; None where they are words."""
    source = dimension.source
    if isinstance(source, FromCatalog):
        return source.entity.value if source.fact is None else None
    return source.names if isinstance(source, FromRow) else None


def is_canonical_id(word: str) -> bool:
    """Return whether a word is an id as answers show it."""
    return _ID.fullmatch(word) is not None
