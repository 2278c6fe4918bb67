"""Dimension `hour`: the hour of the day on the workspace's clock, from 0 to 23.

Credit lies in the hour of its conversion or touch, as the question asks; clicks in that of the
click. Costs have a day and no hour. No rollup has hours, so they are read from the entries.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow

HOUR: Final = Dimension(
    id="hour",
    label="Hour",
    source=FromRow("local_hour"),
    order=int,
    words=tuple(map(str, range(24))),
)
