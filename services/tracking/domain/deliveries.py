"""One webhook delivery as an adapter sees it, and what an adapter is.

Promise: an adapter is pure. It gets the request's headers and raw body, the secrets and the time
of arrival as values, and it has no clock, no chance and no I/O. What can go wrong is a value:
`verify` answers False, `read` answers `Rejected` with the fields it cannot use.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.tracking.domain.claims import AdjustmentClaim, ConversionClaim, Rejected


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of a vendor. `headers` are pairs as ASGI gives them: names in lower case.

    `received_at` (UTC) is for signatures that carry a time. It never enters a claim.
    """

    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    received_at: datetime

    def values(self, name: bytes) -> list[bytes]:
        """Every value of one header, in the order in which they came."""
        return [value for given, value in self.headers if given == name]

    def text(self, name: bytes) -> str:
        """The first value of one header; the empty text when it is missing."""
        return next((value.decode("latin-1") for value in self.values(name)), "")


@dataclass(frozen=True, slots=True)
class Account:
    """What a connection says of its vendor's account: the secrets (newest first, at most two valid
    at once) and, where the workspace named it, the shop's domain in lower case."""

    secrets: tuple[bytes, ...]
    shop_domain: str | None = None


Claims = tuple[ConversionClaim | AdjustmentClaim, ...]

Verify = Callable[[Delivery, Account], bool]
# The second argument is the workspace's own currency, where it is known.
Read = Callable[[Delivery, str | None], Claims | Rejected]


@dataclass(frozen=True, slots=True)
class Adapter:
    """One vendor. `name` is the name of its folder: the word in the address, in metrics and log
    lines, and the source class inside event ids. It never changes, because ids never expire."""

    name: str
    verify: Verify
    read: Read
