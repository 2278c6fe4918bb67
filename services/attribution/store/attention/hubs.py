"""Attention kind `hubs`: keys that occur together with too many others to be one person's."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind
from services.attribution.tables import CUT_AS_HUB, HUB_NEIGHBOURS

HUBS: Final = AttentionKind(
    id="hubs",
    sentence=(
        f"Ids occur together with more than {HUB_NEIGHBOURS} others, as an account of all guests"
        " does. They connect no devices and no orders."
    ),
    what_to_do=(
        "Look at the event that is named. If its id stands for many people, stop sending it; if it"
        " is one person's, nothing needs to be done."
    ),
    found=f"""
SELECT NULL::bytea AS filed_under, NULL::text AS order_id, event_id, cut_at AS occurred_at,
       CASE chr(get_byte(key, 0)) WHEN 'c' THEN 'a customer id' WHEN 'e' THEN 'an e-mail address'
       WHEN 'v' THEN 'a visitor id' ELSE 'a click id' END || ' of many people' AS detail
FROM attribution.cut_keys WHERE reason = '{CUT_AS_HUB}'
""",
)
