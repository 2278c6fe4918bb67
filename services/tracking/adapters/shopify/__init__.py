"""Shopify: orders, cancellations, refunds, disputes, and notices of all else.

The header `X-Shopify-Hmac-Sha256` is the base64 HMAC-SHA256 of the raw body under the
connection's secret. It contains no time, so a third party can repeat an old delivery. The repeated
delivery gives the same event ids and changes nothing.
"""

from services.tracking.adapters.shopify.bodies import read
from services.tracking.adapters.shopify.signature import verify

__all__ = ["read", "verify"]
