"""Attention kind `unknown_placements`: social counts of placements that the catalog does not have.

A placement that comes later takes its reports off this list.
"""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

UNKNOWN_PLACEMENTS: Final = AttentionKind(
    id="unknown_placements",
    sentence="Social counts came in for placements that this brand does not have.",
    what_to_do=(
        "Check the placement ids of the reports; `GET /v1/placements` lists them. The counts are in"
        " no figure."
    ),
    found="""
SELECT NULL::bytea AS filed_under, NULL::text AS order_id, told.event_id, told.occurred_at,
       concat(told.body ->> 'source_name', ' reported placement ',
              told.body ->> 'placement_id') AS detail
FROM (
    SELECT event_id, workspace_id, occurred_at, convert_from(body, 'UTF8')::jsonb AS body
    FROM attribution.evidence WHERE kind = 'social_reported'
) AS told
WHERE NOT EXISTS (
    SELECT FROM attribution.catalog AS c
    WHERE c.entity_id = (told.body ->> 'placement_id')::uuid
      AND c.workspace_id = told.workspace_id AND c.entity = 'placement'
)
""",
)
