"""Dimension `length`: how long the content runs, in classes of seconds.

The bounds are `LENGTHS`. Content without a length, such as a picture, has none.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, Entity, FromCatalog

# Class and the least number of seconds, the shortest class first. 15 and 30 seconds are the usual
# lengths of video ads (IAB, Digital Video In-Stream Ad Format Guidelines), 60 seconds were the most
# of the first YouTube Shorts. 4 and 20 minutes are the bounds of `videoDuration` in the YouTube
# Data API: short is less than 4 minutes, medium is up to 20 minutes included, long is more.
LENGTHS: Final = (
    ("under_15_s", 0),
    ("from_15_s", 15),
    ("from_30_s", 30),
    ("from_1_min", 60),
    ("from_4_min", 240),
    ("over_20_min", 1_201),
)
_ORDER: Final = {name: place for place, (name, _) in enumerate(LENGTHS)}


def length_of(seconds: int) -> str:
    """Return the class of a number of seconds."""
    return max((least, name) for name, least in LENGTHS if least <= seconds)[1]


def read_length(stored: str | None) -> str | None:
    """Return the class of a stored number of seconds; None when it is not known."""
    return None if stored is None else length_of(int(stored))


LENGTH: Final = Dimension(
    id="length",
    label="Length",
    source=FromCatalog(Entity.PLACEMENT, "length_seconds", read_length),
    empty="no length",
    order=_ORDER.__getitem__,
    words=tuple(_ORDER),
)
