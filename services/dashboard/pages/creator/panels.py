"""The panels of the page of a creator: facts, costs, links and codes. Pure.

Promise: a cost is here when it names the creator or content of the creator. A share of the costs of
a campaign is in the figures and not in this table.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.layout.frame import Frame
from services.dashboard.pages.creators.panels import accounts_text
from services.dashboard.tables.answers import FootPart, Shown, answer_table
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import MISSING, day_text, figure_cell, moment_text

# With one creator alone the program is what that creator brought.
FOOT: Final[Sequence[FootPart]] = (("program", "Together", "total"),)
Json = Mapping[str, Any]


def facts_of(frame: Frame, creator: Json) -> Sequence[tuple[str, str]]:
    """Return what is known of a creator."""
    return (
        ("Handle", creator["handle"] or MISSING),
        ("Accounts", accounts_text(creator["platform_accounts"]) or MISSING),
        ("Country", creator["country"] or MISSING),
        ("Topics", ", ".join(creator["topics"]) or MISSING),
        ("Here since", moment_text(creator["created_at"], frame.workspace.time_zone)),
    )


def own_placements(creator: Json, placements: Sequence[Json]) -> Mapping[str, Json]:
    """Return the placements of a creator by id."""
    return {one["id"]: one for one in placements if one["creator_id"] == creator["id"]}


# --- costs ---------------------------------------------------------------------------------------


def costs_table(
    frame: Frame, costs: Sequence[Json], creator: Json, own: Mapping[str, Json]
) -> Table:
    """Return the costs that name a creator or content of that creator, with a sum a currency."""
    columns = (
        Column("kind", "Kind"),
        Column("for", "For"),
        Column("incurred_on", "Spent on", "date"),
        Column("from", "Serves from", "date"),
        Column("to", "To", "date"),
        Column("note", "Note"),
        Column("amount", "Amount", "number"),
        Column("currency", "Currency"),
    )
    named = [
        one
        for one in costs
        if one["creator_id"] == creator["id"]
        or one["placement_id"] in own
        or one["boosts_placement_id"] in own
    ]
    rows = [_cost_row(frame, one, own) for one in named]
    return Table("costs", f"Costs of {creator['name']}", columns, rows, _sums(named))


def _cost_row(frame: Frame, cost: Json, own: Mapping[str, Json]) -> Row:
    placement = own.get(cost["placement_id"] or cost["boosts_placement_id"] or "")
    served = "all content"
    if placement is not None:
        kinds = (placement["platform"], placement["content_type"])
        served = " · ".join(part for part in kinds if part)
    return Row(
        (
            Cell(frame.metrics.name(f"cost_of_{cost['kind']}"), cost["kind"]),
            Cell(served, served),
            *(Cell(day_text(cost[name]), cost[name]) for name in ("incurred_on", "from", "to")),
            Cell(cost["note"] or MISSING, cost["note"]),
            figure_cell("cost", cost["amount"]),
            Cell(cost["currency"], cost["currency"]),
        )
    )


def _sums(costs: Sequence[Json]) -> Sequence[Row]:
    found: dict[str, int] = {}
    for one in costs:
        amount = one["amount"]
        found[amount["currency"]] = found.get(amount["currency"], 0) + amount["amount_minor"]
    return [
        Row(
            (
                Cell("Together"),
                *(Cell("") for _ in range(5)),
                figure_cell("cost", {"amount_minor": minor, "currency": currency}),
                Cell(currency, currency),
            ),
            "total",
        )
        for currency, minor in sorted(found.items())
    ]


# --- links and codes -----------------------------------------------------------------------------


def links_table(
    frame: Frame, answer: Json, links: Sequence[Json], creator: Json, own: Mapping[str, Json]
) -> Table:
    """Return the links of a creator with their clicks; those without a click follow."""
    by_id = {one["id"]: one for one in links}
    seen = {row["group"]["link"] for row in answer["rows"]}
    rest = [
        (one["code"], {"link": one["id"]})
        for one in links
        if one["id"] not in seen
        and (one["creator_id"] == creator["id"] or one["placement_id"] in own)
    ]
    shown = _shown(
        frame,
        creator,
        ("clicks", "conversions", "net_revenue"),
        (Column("short_url", "Address"), Column("destination", "Leads to")),
        lambda group: _link_facts(by_id.get(group["link"])),
    )
    kept = () if frame.view.filters else rest
    return answer_table("links", "Links with their clicks", "Link", answer, shown, kept)


def codes_table(frame: Frame, answer: Json, codes: Sequence[Json], creator: Json) -> Table:
    """Return the codes of a creator with what they brought; those without an order follow."""
    own = [one for one in codes if one["creator_id"] == creator["id"]]
    by_label = {one["code"].casefold(): one for one in own}
    seen = {row["label"].casefold() for row in answer["rows"]}
    rest = [
        (one["code"], {"code": one["code"]}) for one in own if one["code"].casefold() not in seen
    ]
    shown = _shown(
        frame,
        creator,
        ("conversions", "net_revenue"),
        (Column("valid", "Valid"),),
        lambda group: (_valid_cell(frame, by_label.get(group["code"].casefold())),),
    )
    kept = () if frame.view.filters else rest
    return answer_table("codes", "Codes with their orders", "Code", answer, shown, kept)


def _shown(
    frame: Frame,
    creator: Json,
    metrics: Sequence[str],
    facts: Sequence[Column],
    facts_of_group: Any,
) -> Shown:
    return Shown(
        metrics,
        frame.metrics.name,
        link=lambda _: None,
        why=lambda metric, group: frame.why(metric, **{"creator": creator["id"], **group}),
        facts=facts,
        facts_of=facts_of_group,
        foot=FOOT,
    )


def _link_facts(link: Json | None) -> Sequence[Cell]:
    if link is None:
        return (Cell(MISSING), Cell(MISSING))
    note = None if link["enabled"] else "switched off"
    return (
        Cell(link["short_url"], link["short_url"], note=note),
        Cell(link["destination"], link["destination"]),
    )


def _valid_cell(frame: Frame, code: Json | None) -> Cell:
    if code is None:
        return Cell(MISSING)
    zone = frame.workspace.time_zone
    ends = [
        f"{word} {moment_text(code[name], zone)}"
        for word, name in (("from", "valid_from"), ("until", "valid_to"))
        if code[name]
    ]
    text = " ".join(ends) or "always"
    return Cell(text, text)
