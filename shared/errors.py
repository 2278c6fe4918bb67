"""The tree of errors: what may be tried again, what may not, and what is a bug.

Three kinds only. A *rejection* of input is a value with a reason and never an exception of this file. An
*operational failure* is one of the classes below. A *bug* is an assertion or any other exception: it
stops the process loudly.

    LaurelError
    ├── Transient          try the whole batch or request again later; nothing was written
    │   └── OffsetMoved    another consumer already moved this offset: seek to the stored one
    └── Permanent          trying again changes nothing
        ├── OffsetGone     a reader asked for an offset below the low mark of its partition
        └── ConfigurationError   the settings cannot work; the message says what to do
"""


class LaurelError(Exception):
    """Any failure that Laurel expects and names."""


class Transient(LaurelError):
    """The world is in the way (log, database, disk); the same call may succeed later."""


class OffsetMoved(Transient):
    """The compare-and-set of a stored offset found another value: this consumer is a zombie or was overtaken."""


class Permanent(LaurelError):
    """The same call will fail for ever."""


class OffsetGone(Permanent):
    """The offset asked for lies below the low mark: retention has removed it."""

    def __init__(self, topic: str, partition: int, offset: int, low: int) -> None:
        super().__init__(
            f"offset {offset} of {topic}/{partition} is gone, the oldest kept is {low}"
        )
        self.topic, self.partition, self.offset, self.low = topic, partition, offset, low


class ConfigurationError(Permanent):
    """The settings cannot work; the message says what to change."""
