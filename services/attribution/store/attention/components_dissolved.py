"""Attention kind `components_dissolved`: conversions of people with too many keys or orders."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind
from services.attribution.store.identity_rows import DISSOLVED

COMPONENTS_DISSOLVED: Final = AttentionKind(
    id="components_dissolved",
    sentence=(
        "Conversions belong to people with more keys or conversions than one person has. Each is"
        " decided from the keys that it carries itself."
    ),
    what_to_do=(
        "Look for an id that many customers share, such as a guest account or a test user, and stop"
        " sending it."
    ),
    found=f"""
SELECT c.own_key AS filed_under, c.natural_id AS order_id, NULL::uuid AS event_id, c.occurred_at,
       'the ' || c.kind || ' is decided alone' AS detail
FROM attribution.aliases AS a
JOIN attribution.conversions AS c ON c.own_key = a.key AND c.workspace_id = a.workspace_id
WHERE a.component_id = '{DISSOLVED.decode()}'
""",
)
