"""Attention kind `test_orders`: trial orders of a shop."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

TEST_ORDERS: Final = AttentionKind(
    id="test_orders",
    sentence="Test orders of the shop are in no figure.",
    what_to_do="Nothing, if they are tests. Else end the test mode of the shop's payment provider.",
    found="""
SELECT own_key AS filed_under, natural_id AS order_id, NULL::uuid AS event_id, occurred_at,
       'the ' || kind || ' is a test' AS detail
FROM attribution.conversions WHERE status = 'test'
""",
)
