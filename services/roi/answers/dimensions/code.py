"""Dimension `code`: the discount code that earned the credit.

Credit that no code earned has none, and neither have costs. It is read from the entries.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow

CODE: Final = Dimension(id="code", label="Discount code", source=FromRow("code"))
