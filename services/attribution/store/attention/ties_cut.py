"""Attention kind `ties_cut`: browsers that public keys tied to too many others."""

from typing import Final

from services.attribution.domain.ties import TIES_MAX
from services.attribution.store.attention_kind import AttentionKind
from services.attribution.tables import CUT_TIES

TIES_CUT: Final = AttentionKind(
    id="ties_cut",
    sentence=(
        f"Reports by public keys tie a browser or a click to more than {TIES_MAX} others, so none"
        " of these ties counts."
    ),
    what_to_do=(
        "Look at the event that is named. A page that sends one visitor id for all visitors has to"
        " send the visitor's own; else it was a robot or an attack, and nothing needs to be done."
    ),
    found=f"""
SELECT NULL::bytea AS filed_under, NULL::text AS order_id, event_id, cut_at AS occurred_at,
       CASE chr(get_byte(key, 0)) WHEN 'v' THEN 'a visitor id' ELSE 'a click id' END
       || ' with too many ties' AS detail
FROM attribution.cut_keys WHERE reason = '{CUT_TIES}'
""",
)
