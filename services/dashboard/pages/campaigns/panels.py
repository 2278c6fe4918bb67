"""The table of campaigns: figures of the period, goals, budget and what is spent of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.dashboard.layout.frame import Frame
from services.dashboard.layout.goal_table import STATUS_WORDS
from services.dashboard.layout.trend import ADDITIVE, HEADLINE
from services.dashboard.pages.campaigns.spend import share_text, spent_of
from services.dashboard.tables.answers import FootPart, Shown, answer_table
from services.dashboard.tables.table import Cell, Column, Table
from services.dashboard.tables.texts import MISSING, figure_cell, money_text

FACTS: Final = (
    Column("goals", "Goals"),
    Column("budget", "Budget", "number"),
    Column("spent", "Spent so far", "number", "Of the whole campaign, not of the period."),
)
FOOT: Final[Sequence[FootPart]] = (
    ("organic", "Organic: no creator", "organic"),
    ("totals", "All together", "total"),
)
# One quotient is enough beside the budget.
METRICS: Final = tuple(metric for metric in HEADLINE if metric != "bcr")
NO_GOAL: Final = "no goal yet"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the figures: campaigns, all goals, the cost so far; None: unknown."""

    campaigns: Sequence[Json]
    goals: Sequence[Json] | None
    spent: Json | None


def campaigns_table(frame: Frame, answer: Json, known: Known) -> Table:
    """Return all campaigns; those without a figure in the period follow."""
    by_id = {one["id"]: one for one in known.campaigns}
    shown = Shown(
        METRICS,
        frame.metrics.name,
        link=lambda group: campaign_page(frame, group["campaign"]),
        why=lambda metric, group: frame.why(metric, **group),
        interval_of="roi",
        bar_of="net_revenue",
        additive=ADDITIVE,
        facts=FACTS,
        facts_of=lambda group: _facts(by_id.get(group["campaign"]), known),
        foot=FOOT,
    )
    seen = {row["group"]["campaign"] for row in answer["rows"]}
    rest = [
        (one["name"], {"campaign": one["id"]}) for one in known.campaigns if one["id"] not in seen
    ]
    kept = () if frame.view.filters else rest
    return answer_table("campaigns", "Campaigns", "Campaign", answer, shown, kept)


def campaign_page(frame: Frame, campaign: str | None) -> str | None:
    """Return the address of the page of a campaign."""
    return None if campaign is None else frame.view.carried(f"/app/campaigns/{campaign}")


def _facts(campaign: Json | None, known: Known) -> Sequence[Cell]:
    if campaign is None:
        return [Cell(MISSING) for _ in FACTS]
    budget = campaign["budget"]
    spent = None if known.spent is None else spent_of(known.spent, campaign["id"])
    return (
        _goals_cell(campaign["id"], known.goals),
        Cell(MISSING) if budget is None else figure_cell("cost", budget),
        figure_cell("cost", spent, note=_spent_note(spent, budget)),
    )


def _goals_cell(campaign: str, goals: Sequence[Json] | None) -> Cell:
    if goals is None:
        return Cell(MISSING)
    words = [STATUS_WORDS[one["status"]] for one in goals if one["campaign_id"] == campaign]
    text = ", ".join(words) or NO_GOAL
    return Cell(text, text)


def _spent_note(spent: Json | None, budget: Json | None) -> str | None:
    if spent is None or budget is None:
        return None
    share = share_text(spent, budget)
    return f"budget is {money_text(budget)}" if share is None else f"{share} of the budget"
