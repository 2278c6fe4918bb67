"""The check of a Shopify signature and of the shop's domain.

Promise: the domain is checked if the connection has one. A wrong, missing or repeated signature, or
the domain of another shop, gives False, no error.
"""

from typing import Final

from services.tracking.adapters.body_signatures import is_signed_base64
from services.tracking.domain.deliveries import Account, Delivery

SIGNATURE_HEADER: Final = b"x-shopify-hmac-sha256"
DOMAIN_HEADER: Final = b"x-shopify-shop-domain"


def verify(delivery: Delivery, account: Account) -> bool:
    """Whether the body is signed with one of the secrets and names the shop's domain."""
    domain = delivery.text(DOMAIN_HEADER).lower()
    is_from_shop = account.shop_domain is None or domain == account.shop_domain
    signatures = delivery.values(SIGNATURE_HEADER)
    return is_signed_base64(delivery.body, signatures, account.secrets) and is_from_shop
