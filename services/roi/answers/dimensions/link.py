"""Dimension `link`: the link that was clicked. The label is its code.

Credit that no click earned has no link, and neither have costs. It is read from the entries.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow

LINK: Final = Dimension(id="link", label="Link", source=FromRow("link_id", names="link"))
