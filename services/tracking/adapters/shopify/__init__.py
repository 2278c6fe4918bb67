"""Shopify: orders, cancellations and refunds.

The header `X-Shopify-Hmac-Sha256` is the base64 HMAC-SHA256 of the raw body under the
connection's secret. It has no time in it, so an old delivery can be sent again; it has the same
event id then and changes nothing.
"""

from services.tracking.adapters.shopify.orders import read
from services.tracking.adapters.shopify.signature import verify

__all__ = ["read", "verify"]
