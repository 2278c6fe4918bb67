"""Attention kind `near_codes`: codes of orders that nearly match a code of the catalog."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

# A text, and the texts without one of its characters: two texts that differ by one character that
# is missing, added, changed or moved have one of them in common. Then the text without blanks, and
# its parts, for a code that was pasted with its address or query.
_FORMS: Final = """
    SELECT {text} AS form
    UNION SELECT replace({text}, ' ', '')
    UNION SELECT left({text}, place - 1) || substr({text}, place + 1)
          FROM generate_series(1, length({text})) AS place
    {more}
"""
_PARTS: Final = "UNION SELECT unnest(regexp_split_to_array({text}, '[?&=/#:[:space:]]+'))"
# A shorter text is near to too much.
_CHARACTERS_MIN: Final = 3

NEAR_CODES: Final = AttentionKind(
    id="near_codes",
    sentence="Orders came with codes that nobody owns and that nearly match a code of the catalog.",
    what_to_do=(
        "If the shop takes the code, register it for its creator; its orders are then decided"
        " again. Else correct how the shop or the page sends its codes."
    ),
    found=f"""
WITH owned AS MATERIALIZED (
    SELECT DISTINCT c.workspace_id, convert_from(c.record, 'UTF8')::jsonb ->> 'code' AS code
    FROM attribution.catalog AS c WHERE c.entity = 'code'
), told AS MATERIALIZED (
    SELECT DISTINCT s.workspace_id, s.subject, substr(s.subject, 6) AS code
    FROM attribution.decision_subjects AS s
    WHERE s.subject >= 'code:' AND s.subject < 'code;'
), near AS MATERIALIZED (
    SELECT t.workspace_id, t.subject, min(t.code) AS code, min(o.code) AS owned_code
    FROM told AS t CROSS JOIN LATERAL ({
        _FORMS.format(text="t.code", more=_PARTS).format(text="t.code")
    }) AS f
    JOIN (
        SELECT o.workspace_id, o.code, f.form
        FROM owned AS o CROSS JOIN LATERAL ({_FORMS.format(text="o.code", more="")}) AS f
    ) AS o ON o.workspace_id = t.workspace_id AND o.form = f.form
    WHERE length(f.form) >= {_CHARACTERS_MIN} AND NOT EXISTS (
        SELECT FROM owned AS same
        WHERE same.workspace_id = t.workspace_id AND same.code = t.code
    )
    GROUP BY t.workspace_id, t.subject
)
SELECT c.natural_id AS order_id, NULL::uuid AS event_id, c.occurred_at,
       concat('the code ', n.code, ' is nearly ', n.owned_code) AS detail
FROM near AS n
JOIN attribution.decision_subjects AS s
  ON s.subject = n.subject AND s.workspace_id = n.workspace_id
JOIN attribution.conversions AS c ON c.own_key = s.own_key AND c.workspace_id = s.workspace_id
""",
)
