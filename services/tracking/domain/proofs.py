"""Proofs of customers: a page with a public key names its logged-in customer.

Promise: a proof is the HMAC-SHA256 of the customer id under the identity secret of the workspace,
which only the shop's server knows. A proof that is sent is checked, whatever the key.
What can go wrong: a wrong proof is a flaw of the field `person.proof`.
"""

from typing import Final

from services.tracking.domain.claims import (
    AdjustmentClaim,
    Caller,
    Flaw,
    Lookups,
    Rejected,
    StoreReport,
)

_FIELD: Final = "person.proof"


def check_proof(claim: StoreReport, caller: Caller, lookups: Lookups) -> Rejected | None:
    """Return what is wrong with the proof of a claim; None when it is right or not sent."""
    if isinstance(claim, AdjustmentClaim):
        return None
    person = claim.person
    if person.proof is None:
        return None
    if person.customer_id is None:
        return Rejected((Flaw(_FIELD, "proves a customer_id, and none is given"),))
    if not lookups.proves(caller.workspace_id, person.customer_id, person.proof):
        wrong = "is not the proof of this customer_id under the identity secret"
        return Rejected((Flaw(_FIELD, wrong),))
    return None
