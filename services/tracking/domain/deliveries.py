"""Webhook deliveries, and the two functions that make a vendor's adapter.

Promise: an adapter is pure: no clock, no randomness, no I/O. It gets the headers, the raw body, the
secrets and the time of arrival as values.
What can go wrong: `verify` returns False; `read` returns `Rejected`, which names the wrong fields.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.tracking.domain.claims import (
    AdjustmentClaim,
    ConversionClaim,
    NoticeClaim,
    Rejected,
)
from shared.events import AnyEvent


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of a vendor. `headers` are pairs as in ASGI: names in lower case.

    `received_at` (UTC) is for signatures that contain a time. No claim contains it.
    """

    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    received_at: datetime

    def values(self, name: bytes) -> list[bytes]:
        """Return all values of one header, in their order."""
        return [value for given, value in self.headers if given == name]

    def text(self, name: bytes) -> str:
        """Return the first value of one header; the empty text when it is missing."""
        return next((value.decode("latin-1") for value in self.values(name)), "")


@dataclass(frozen=True, slots=True)
class Account:
    """A brand's account at a vendor.

    `secrets` are the valid webhook secrets, newest first, at most two. `shop_domain` is the
    shop's domain in lower case, or None when the workspace gave none.
    """

    secrets: tuple[bytes, ...]
    shop_domain: str | None = None


Claims = tuple[ConversionClaim | AdjustmentClaim | NoticeClaim, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a delivery tells: its claims, and the event of each."""

    claims: Claims
    events: tuple[AnyEvent, ...]


Verify = Callable[[Delivery, Account], bool]
# The second argument is the currency of the workspace, None while it is unknown.
Read = Callable[[Delivery, str | None], Claims | Rejected]


@dataclass(frozen=True, slots=True)
class Adapter:
    """One vendor's functions.

    `name` is the name of its folder. It appears in the webhook's address, in metrics and in log
    lines, and it is the source class in event ids. It never changes, because ids never expire.
    """

    name: str
    verify: Verify
    read: Read
