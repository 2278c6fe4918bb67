"""The tree of error types: what may be retried, what may not, and what is a bug.

There are three kinds. A *rejection* of input is a value with a reason, never an exception of this
file. An *operational failure* is one of the classes below. A *bug* is an assertion or any other
exception; it stops the process with a traceback.

    LaurelError
    ├── Transient          try the whole batch or request again later; nothing was written
    │   ├── OffsetMoved    another consumer already moved this offset: seek to the stored one
    │   └── TimedOut       the work itself took too long, without waiting for another writer
    └── Permanent          trying again changes nothing
        ├── OffsetGone     a reader asked for an offset below the low mark of its partition
        └── ConfigurationError   the settings cannot work; the message says what to do
"""


class LaurelError(Exception):
    """The base of all operational failures."""


class Transient(LaurelError):
    """The log, the database or the disk is unavailable; the same call may succeed later."""


class OffsetMoved(Transient):
    """The stored offset has another value: another consumer has handled the partition."""


class TimedOut(Transient):
    """The database ended the work because a statement or transaction took too long.

    The wait for the locks of the workspaces is over by then, so it was the work that was too long,
    or the database that was too slow.
    """


class Permanent(LaurelError):
    """The same call always fails."""


class OffsetGone(Permanent):
    """The offset is below the low mark: retention has removed the record."""

    def __init__(self, topic: str, partition: int, offset: int, low: int) -> None:
        super().__init__(
            f"offset {offset} of {topic}/{partition} is gone, the oldest kept is {low}"
        )
        self.topic, self.partition, self.offset, self.low = topic, partition, offset, low


class ConfigurationError(Permanent):
    """The settings cannot work; the message says what to change."""
