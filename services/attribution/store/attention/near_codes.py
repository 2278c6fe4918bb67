"""Attention kind `near_codes`: codes of orders that nearly match a code of the catalog.

Promise: each detail names the code of the order and the code that it may mean, or the first and the
last of several. Both have the form in which codes are compared, because the log has no other.
The codes are counted before they are compared. With more than `CODES_MAX` codes of the
catalog, or different codes of orders, of `CODE_LENGTH` characters on average, nothing is compared,
and one item says so.
"""

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
# The codes of a catalog, and the different codes of its orders, that are compared.
CODES_MAX: Final = 10_000
# What one code has on average; longer ones count as several, because each character is a form.
CODE_LENGTH: Final = 10

# The codes that orders came with: of all of them, or as the last decision of one order has them.
# The first goes from one code of the visible workspace to the next in the index, and stops one
# beyond the bound.
ALL_TOLD: Final = """
    WITH RECURSIVE steps AS (
        (SELECT s.workspace_id, s.subject FROM attribution.decision_subjects AS s
         WHERE s.subject >= 'code:' AND s.subject < 'code;' ORDER BY s.subject LIMIT 1)
        UNION ALL
        SELECT next.workspace_id, next.subject FROM steps CROSS JOIN LATERAL (
            SELECT s.workspace_id, s.subject FROM attribution.decision_subjects AS s
            WHERE s.subject > steps.subject AND s.subject < 'code;' ORDER BY s.subject LIMIT 1
        ) AS next
    )
    SELECT workspace_id, subject, substr(subject, 6) AS code FROM steps LIMIT {codes_max} + 1
"""
TOLD_BY_ORDER: Final = """
    SELECT DISTINCT c.workspace_id, 'code:' || (told.item ->> 'code') AS subject,
           told.item ->> 'code' AS code
    FROM attribution.conversions AS c
    JOIN attribution.decisions AS d
      ON d.own_key = c.own_key AND d.revision = c.revision AND d.workspace_id = c.workspace_id
    CROSS JOIN LATERAL jsonb_path_query(
        convert_from(d.body, 'UTF8')::jsonb, '$.candidates[*]'
    ) AS told (item)
    WHERE c.own_key = ANY ($1::bytea[]) AND told.item ->> 'kind' = 'code'
"""
# The forms of each side are made once and joined by their text: pairs of codes are never tried.
_FOUND: Final = """
WITH owned AS MATERIALIZED (
    SELECT DISTINCT c.workspace_id, convert_from(c.record, 'UTF8')::jsonb ->> 'code' AS code
    FROM (
        SELECT workspace_id, record FROM attribution.catalog WHERE entity = 'code'
        LIMIT {codes_max} + 1
    ) AS c
), told AS MATERIALIZED (
    {told}
), counted AS MATERIALIZED (
    SELECT max(found.codes) AS codes FROM (
        SELECT greatest(count(*), sum(length(code)) / {code_length}.0) AS codes FROM owned
        UNION ALL SELECT greatest(count(*), sum(length(code)) / {code_length}.0) FROM told
    ) AS found
), told_forms AS MATERIALIZED (
    SELECT t.workspace_id, t.subject, t.code, f.form
    FROM told AS t CROSS JOIN LATERAL ({told_forms}) AS f
    WHERE (SELECT codes FROM counted) <= {codes_max} AND NOT EXISTS (
        SELECT FROM owned AS same
        WHERE same.workspace_id = t.workspace_id AND same.code = t.code
    )
), owned_forms AS MATERIALIZED (
    SELECT o.workspace_id, o.code, f.form
    FROM owned AS o CROSS JOIN LATERAL ({owned_forms}) AS f
    WHERE EXISTS (SELECT FROM told_forms)
), near AS MATERIALIZED (
    SELECT t.workspace_id, t.subject, min(t.code) AS code,
           min(o.code) AS first_code, max(o.code) AS last_code
    FROM told_forms AS t JOIN owned_forms AS o USING (workspace_id, form)
    WHERE length(form) >= {characters_min}
    GROUP BY t.workspace_id, t.subject
)
SELECT c.own_key AS filed_under, c.natural_id AS order_id, NULL::uuid AS event_id, c.occurred_at,
       concat('the code "', n.code, '" may mean ',
              CASE WHEN n.last_code <> n.first_code
                   THEN concat('one of several, from "', n.first_code, '" to "', n.last_code, '"')
                   ELSE concat('"', n.first_code, '"') END) AS detail
FROM near AS n
JOIN attribution.decision_subjects AS s
  ON s.subject = n.subject AND s.workspace_id = n.workspace_id
JOIN attribution.conversions AS c ON c.own_key = s.own_key AND c.workspace_id = s.workspace_id
UNION ALL
SELECT NULL, NULL, NULL, now(),
       'not looked for: the catalog or the orders have more than {codes_max} codes of {code_length}'
       ' characters'
FROM counted WHERE codes > {codes_max}
"""


def found_near(told: str, codes_max: int = CODES_MAX) -> str:
    """Return the statement over the codes of `ALL_TOLD` or `TOLD_BY_ORDER`."""
    return _FOUND.format(
        told=told.format(codes_max=codes_max),
        codes_max=codes_max,
        code_length=CODE_LENGTH,
        told_forms=_FORMS.format(text="t.code", more=_PARTS.format(text="t.code")),
        owned_forms=_FORMS.format(text="o.code", more=""),
        characters_min=_CHARACTERS_MIN,
    )


NEAR_CODES: Final = AttentionKind(
    id="near_codes",
    sentence="Orders came with codes that nobody owns and that nearly match a code of the catalog.",
    what_to_do=(
        "If the shop takes the code, register it for its creator; its orders are then decided"
        " again. Else correct how the shop or the page sends its codes."
    ),
    found=found_near(ALL_TOLD),
    found_of_order=found_near(TOLD_BY_ORDER),
)
