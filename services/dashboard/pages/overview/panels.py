"""The panels of the overview that no other page has: the first creators, and attention. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.layout.creator_table import creators_shown
from services.dashboard.layout.frame import Frame
from services.dashboard.tables.answers import answer_table
from services.dashboard.tables.table import Table

CREATORS_SHOWN: Final = 10
Json = Mapping[str, Any]


def creators_table(frame: Frame, answer: Json) -> Table:
    """Return the creators that brought most, the others as one row, and the headline figures."""
    shown = creators_shown(frame, rows_max=CREATORS_SHOWN)
    return answer_table("creators", "Creators by net revenue", "Creator", answer, shown)


def attention_of(answer: Json) -> Sequence[Json]:
    """Return what needs attention: kind, sentence, count, what to do."""
    return list(answer["items"])
