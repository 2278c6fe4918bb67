"""The type of an attention kind, and the discovery of the entries in `attention/`.

Attention is what was accepted and changes no figure, or a doubtful one.
Promise: to add a kind is to add a file to `attention/`; no list is edited.
What can go wrong: `KindsDiffer` when two entries have one id or a file has no entry. It is raised
at import, so the service does not start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from services.attribution.domain.model import Doubt
from shared.extensions import module_names

# The states of a conversion that a trusted source told, and that is no trial of the shop.
KNOWN: Final = "('credited', 'organic', 'history')"


class KindsDiffer(Exception):
    """The files of the registry contradict each other."""


@dataclass(frozen=True, slots=True)
class AttentionKind:
    """One kind of attention.

    `sentence` says what was found, `what_to_do` what a person can do about it. `found` is the
    statement that finds it in the visible workspaces, with the columns `filed_under` (bytea),
    `order_id` (text), `event_id` (uuid), `occurred_at` (timestamptz, not null) and `detail` (text).
    `filed_under` is the own key or the claims key of the conversion that it concerns; it and the
    ids may be null. `found_of_order` finds a part of the same, which has at least what concerns the
    conversions with the keys $1; None: `found` can be restricted to them without reading the rest.
    `is_sealed`: the detail is a text that a person wrote, sealed; the answer shows it opened.
    """

    id: str
    sentence: str
    what_to_do: str
    found: str
    is_sealed: bool = False
    found_of_order: str | None = None


def noted(doubt: Doubt, condition: str = "true") -> str:
    """Return the statement that finds the notes of one doubt; `n` is the note, `c` its order."""
    return f"""
SELECT c.own_key AS filed_under, c.natural_id AS order_id,
       (n.note ->> 'event_id')::uuid AS event_id,
       (n.note ->> 'occurred_at')::timestamptz AS occurred_at, n.note ->> 'detail' AS detail
FROM attribution.conversions AS c CROSS JOIN LATERAL jsonb_array_elements(c.notes) AS n (note)
WHERE c.notes IS NOT NULL AND n.note ->> 'doubt' = '{doubt}' AND {condition}
"""


def discover(package: str) -> Mapping[str, AttentionKind]:
    """Return every entry in the modules of a package by id, sorted by id."""
    found: dict[str, AttentionKind] = {}
    for name in module_names(package):
        values = vars(import_module(f"{package}.{name}")).values()
        entries = [value for value in values if isinstance(value, AttentionKind)]
        if not entries:
            raise KindsDiffer(f"{package}.{name} has no AttentionKind")
        for entry in entries:
            if found.setdefault(entry.id, entry) is not entry:
                raise KindsDiffer(f"two kinds have the id {entry.id!r}")
    return dict(sorted(found.items()))
