"""Content, planned and published, with its figures, as a creator and a campaign show it.

Promise: each placement is one row. What has figures stands first, as the answer ranks it; what has
none follows by its planned day. Content that was to be published by now and was not is late. Pure.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.dashboard.layout.frame import Frame
from services.dashboard.tables.answers import FootPart, Shown, answer_table
from services.dashboard.tables.table import Cell, Column, Table
from services.dashboard.tables.texts import MISSING, day_text

METRICS: Final = ("net_revenue", "cost", "roi", "conversions", "clicks")
ASKED: Final = ",".join(METRICS)
FACTS: Final = (
    Column("state", "State"),
    Column("planned_at", "Planned", "date"),
    Column("published_at", "Published", "date"),
)
Json = Mapping[str, Any]


def content_table(
    frame: Frame,
    answer: Json,
    placements: Sequence[Json],
    owner: Mapping[str, str],
    foot: Sequence[FootPart],
    creators: Mapping[str, str],
    now: datetime,
) -> Table:
    """Return the content of an owner, which is `{"creator": id}` or `{"campaign": id}`.

    `answer` is by placement and of that owner alone; `creators` are names by id.
    """
    by_id = {one["id"]: one for one in placements}
    ((kind, id_),) = owner.items()
    seen = {row["group"]["placement"] for row in answer["rows"]}
    unseen = [
        one
        for one in placements
        if one[f"{kind}_id"] == id_ and one["id"] not in seen and not one["automatic"]
    ]
    shown = Shown(
        METRICS,
        frame.metrics.name,
        link=lambda _: None,
        why=lambda metric, group: frame.why(metric, **{**owner, **group}),
        interval_of="roi",
        facts=FACTS,
        facts_of=lambda group: _facts(frame, by_id.get(group["placement"]), now),
        foot=foot,
    )
    rest = [
        (content_label(one, creators), {"placement": one["id"]})
        for one in sorted(unseen, key=lambda one: one["planned_at"] or "")
    ]
    # A filter leaves out what has no figure.
    kept = () if frame.view.filters else rest
    return answer_table("content", "Content with its figures", "Content", answer, shown, kept)


def content_label(placement: Json, creators: Mapping[str, str]) -> str:
    """Return the name of a placement: who, where, what kind."""
    who = creators.get(placement["creator_id"] or "", "brand" if placement["is_brand"] else None)
    parts = (who, placement["platform"], placement["content_type"])
    return " · ".join(part for part in parts if part)


def state_of(placement: Json, now: datetime) -> tuple[str, str | None]:
    """Return where a placement stands, and a note: how late it is or was."""
    if placement["automatic"]:
        return "always on", None
    planned, published = (_moment(placement[f"{name}_at"]) for name in ("planned", "published"))
    if published is not None and published <= now:
        return "published", _late_text(planned, published)
    if planned is None:
        return ("not planned", None) if published is None else ("planned", None)
    return ("late", _late_text(planned, now)) if planned < now else ("planned", None)


def late_count(placements: Sequence[Json], campaign: str, now: datetime) -> int:
    """Return how many placements of a campaign are late."""
    return sum(
        one["campaign_id"] == campaign and state_of(one, now)[0] == "late" for one in placements
    )


def _late_text(planned: datetime | None, then: datetime) -> str | None:
    """Return by how many days a planned time was missed; hours are none."""
    days = 0 if planned is None else (then - planned).days
    return None if days < 1 else f"{days} day{'' if days == 1 else 's'} late"


def _facts(frame: Frame, placement: Json | None, now: datetime) -> Sequence[Cell]:
    if placement is None:
        return [Cell(MISSING) for _ in FACTS]
    state, note = state_of(placement, now)
    url = placement["url"] or ""
    return (
        Cell(state, state, note=note),
        _moment_cell(frame, placement["planned_at"]),
        _moment_cell(frame, placement["published_at"], url if url.startswith("http") else None),
    )


def _moment_cell(frame: Frame, moment: str | None, href: str | None = None) -> Cell:
    if moment is None:
        return Cell(MISSING)
    zone = ZoneInfo(frame.workspace.time_zone)
    local = datetime.fromisoformat(moment).astimezone(zone)
    return Cell(day_text(local.date()), moment, href=href)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
