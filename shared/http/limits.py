"""What one connection may ask of a process: sizes, counts and deadlines, each with its arithmetic.

Promise: the defaults are the product's; tests lower them. What can go wrong: nothing here; `protocol.py` enforces them.
"""

from dataclasses import dataclass
from typing import Final

# A head is one packet for most and three for long cookies over a bad radio link; 10 s is as long as a body may take.
HEAD_SECONDS: Final = 10.0
# Twice the cookies that browsers send to one host; as much as Node.js takes.
HEAD_BYTES_MAX: Final = 16_384
# Browsers send about 20, a chain of proxies adds 10.
HEADERS_MAX: Final = 100
# RFC 9112, 3: recipients should take 8,000 at least. Our longest honest address is a list with a cursor: 300.
TARGET_BYTES_MAX: Final = 8_192
# Requests sent ahead of their answers on one connection; browsers send none, and each costs memory while it waits.
PIPELINED_MAX: Final = 16
# Idle ones count as well: below the usual limit of open files of a container. `shared.http.gate` is what sheds load.
CONNECTIONS_MAX: Final = 10_000
# How long an answer may wait for a caller that does not read it: 64 KiB in 10 s is slower than any phone.
WRITE_SECONDS: Final = 10.0
# How long we listen on after a last answer: closing over unread bytes resets the connection, and the answer is lost.
PARTING_SECONDS: Final = 1.0

# Longer than the pause between two webhooks of a busy shop, short enough to free idle sockets.
IDLE_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection may ask of a process; the defaults are the product's, tests lower them."""

    head_seconds: float = HEAD_SECONDS
    head_bytes_max: int = HEAD_BYTES_MAX
    headers_max: int = HEADERS_MAX
    target_bytes_max: int = TARGET_BYTES_MAX
    pipelined_max: int = PIPELINED_MAX
    connections_max: int = CONNECTIONS_MAX
    write_seconds: float = WRITE_SECONDS
    parting_seconds: float = PARTING_SECONDS
    idle_seconds: int = IDLE_SECONDS


LIMITS: Final = ConnectionLimits()
