"""Whether Shopify signed a delivery, and for the shop that the connection names.

Promise: the domain is compared where the connection has one. What can go wrong: a wrong, missing
or doubled signature, or another shop's domain, is False, never an error.
"""

from typing import Final

from services.tracking.adapters.body_signatures import is_signed_base64
from services.tracking.domain.deliveries import Account, Delivery

SIGNATURE_HEADER: Final = b"x-shopify-hmac-sha256"
DOMAIN_HEADER: Final = b"x-shopify-shop-domain"


def verify(delivery: Delivery, account: Account) -> bool:
    """Whether the body is signed by one of the secrets and comes from the shop's domain."""
    domain = delivery.text(DOMAIN_HEADER).lower()
    is_from_shop = account.shop_domain is None or domain == account.shop_domain
    signatures = delivery.values(SIGNATURE_HEADER)
    return is_signed_base64(delivery.body, signatures, account.secrets) and is_from_shop
