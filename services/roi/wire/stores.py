"""Bodies and answers of stores."""

from services.roi.wire.fields import Name, Named, Stored


class StoreBody(Named):
    """A store as sent."""

    name: Name
    """The name of the shop or till. A call may name the store by it, if no other store has it."""


class StoreAnswer(Stored):
    """A store as answered."""

    name: str
    """The name of the shop or till."""
    is_main: bool
    """Whether it is the first store, which a call means that names no store."""
