"""Dimension `part`: the headline figure that a sum belongs to.

Costs of creators and campaigns that no placement carries belong to `program`. So rows by part and
day add up to the headline figure `program`. Organic stands beside the rows, as in every answer, and
a filter may name it. Overhead has no part.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromHeadline, Headline

PARTS: Final = tuple(one.value for one in Headline if one is not Headline.OVERHEAD)
PART: Final = Dimension(
    id="part", label="Part", source=FromHeadline(), order=PARTS.index, words=PARTS
)
