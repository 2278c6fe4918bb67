"""What a past order must have: an order of a known customer, before now, told by a trusted key.

Promise: a claim that is no past order has no flaw here. What can go wrong: a past order that could
tell nothing about a customer is refused with the field that it lacks, because it would be stored
and change nothing.
"""

from collections.abc import Iterable

from services.tracking.domain.claims import AnyClaim, Caller, ConversionClaim, Flaw, Rejected
from shared.events import CONVERSIONS
from shared.ids import customer_key


def check_past_order(claim: AnyClaim, caller: Caller) -> Rejected | None:
    """Return what is wrong with a past order; None for one that is right, and for other claims."""
    if not isinstance(claim, ConversionClaim) or not claim.history:
        return None
    flaws = tuple(_flaws(claim, caller))
    return Rejected(flaws) if flaws else None


def _flaws(claim: ConversionClaim, caller: Caller) -> Iterable[Flaw]:
    if caller.is_public:
        yield Flaw("history", "needs a secret key with scope track: a page knows no past orders")
    if not CONVERSIONS[claim.kind].is_order:
        yield Flaw("history", f"only a purchase or a renewal can be history, not a {claim.kind}")
    if claim.occurred_at > caller.now:
        yield Flaw("occurred_at", "a past order lies in the past")
    is_guest = customer_key(claim.person.customer_id, caller.store) is None
    if is_guest and claim.person.email is None:
        yield Flaw("person", "a past order names its customer: give customer_id or email")
