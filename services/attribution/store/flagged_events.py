"""The statement that finds stored events with a quality flag, for the attention list.

Promise: partial indexes of the flags `clamped` and `foreign_click_id` find the rows. An event is
read once: touches keep their flags in a column, other events in their body.
"""

from shared.events import Quality


def flagged(flag: Quality, told: str) -> str:
    """Return the statement of an attention kind for the events that have a flag.

    `told` says what happened to the event, after the name of its kind.
    """
    return f"""
SELECT e.own_key AS filed_under, convert_from(e.body, 'UTF8')::jsonb ->> 'natural_id' AS order_id,
       e.event_id, e.occurred_at,
       'the event ' || e.kind || ' {told}' AS detail
FROM attribution.evidence AS e
WHERE position('"{flag.value}"'::bytea IN e.body) > 0
  AND convert_from(e.body, 'UTF8')::jsonb -> 'quality' ? '{flag.value}'
UNION ALL
SELECT NULL::bytea, NULL::text, t.event_id, t.occurred_at, 'the event ' || t.kind || ' {told}'
FROM attribution.touches AS t WHERE t.quality @> ARRAY['{flag.value}'::text]
"""
