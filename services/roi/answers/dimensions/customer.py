"""Dimension `customer`: whether the conversion is the first of its customer.

`unknown` is a conversion of which nothing tells it. The newest entry of the conversion in the span
tells it for all. Clicks and costs have no customer. It is read from the entries.
"""

from typing import Final

from services.roi.answers.kinds import Dimension, FromRow

CUSTOMERS: Final = ("new", "returning", "unknown")


def read_customer(is_new: str | None) -> str:
    """Return the word for the stored flag."""
    return {"True": "new", "False": "returning"}.get(is_new or "", "unknown")


CUSTOMER: Final = Dimension(
    id="customer",
    label="Customer",
    source=FromRow("new_customer", read=read_customer),
    order=CUSTOMERS.index,
    words=CUSTOMERS,
)
