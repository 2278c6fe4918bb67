"""One workspace for tests of folds and answers: its catalog, its numbered credits, its answers.

Promise: everything uses the product's code (the catalog's writer, the consumer's handler, the
answer's store and formulas). Only what comes from outside roi is built by hand: credit records and
the log records that carry them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final, cast

from msgspec import structs

from services.roi.answers.answer_shapes import RoiAnswer
from services.roi.answers.answering import build_answer, read_input
from services.roi.answers.building import Gathered, gathered
from services.roi.answers.context import AnswerContext, context_of
from services.roi.answers.dictionary import METRICS
from services.roi.answers.question import Question, RoiParameters
from services.roi.answers.reading import read_rows
from services.roi.answers.span import Asked, span_of
from services.roi.domain.entity import EntityKind, Version
from services.roi.pipeline.fold import CreditsFold
from services.roi.pipeline.rebuild import RollupRebuild
from services.roi.store.catalog import Writer
from services.roi.store.rebuild_rows import ask_rebuild, pending
from services.roi.store.rollups import Stop
from services.roi.store.workspaces import claim_name
from shared.clock import SystemClock
from shared.credits import (
    ORGANIC,
    AnyCredits,
    CountsReported,
    CreditEntry,
    DecisionCredited,
    Tally,
    TouchesTallied,
)
from shared.db.engine import Database
from shared.ids import automatic_placement_id, new_id
from shared.models import DEFAULT_MODELS
from shared.telemetry import Telemetry
from tests.integration.roi.catalog_facts import cost_facts, placement_facts
from tests.integration.roi.count_records import counts_record
from tests.integration.roi.handed_batches import fold

NOON: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
WHOLE: Final = Fraction(1)
Group = tuple[str, ...]


@dataclass(frozen=True)
class StandingOrder:
    """One conversion after a record: its time and its credits, without reversals."""

    conversion_id: str
    kind: str
    occurred_at: datetime
    entries: tuple[CreditEntry, ...]
    new_customer: bool | None = None


@dataclass
class RoiWorkspace:
    """One workspace. `now` is the `recorded_at` of the next record; each record adds a second."""

    database: Database
    workspace_id: str
    now: datetime = NOON
    sequence: int = 0
    stops: dict[str, Stop] = field(default_factory=dict)
    # By decision id: the expected state after that record, independent of the records.
    stands: dict[str, StandingOrder] = field(default_factory=dict)

    @classmethod
    async def open(
        cls, database: Database, *, time_zone: str = "UTC", currency: str = "EUR"
    ) -> "RoiWorkspace":
        """Create a workspace."""
        workspace_id = new_id()
        name = f"brand {workspace_id}"
        await claim_name(database, workspace_id, name, NOON - timedelta(days=400))
        roi_workspace = cls(database, workspace_id)
        facts = {"name": name, "time_zone": time_zone, "currency": currency}
        await roi_workspace.put(
            "workspace", facts, entity_id=workspace_id, at=NOON - timedelta(days=400)
        )
        return roi_workspace

    def tick(self) -> datetime:
        """Return the next moment."""
        self.now += timedelta(seconds=1)
        return self.now

    # -- catalog ---------------------------------------------------------------------------------

    async def put(
        self,
        kind: EntityKind,
        *versions: Version | dict[str, Any],
        entity_id: str | None = None,
        at: datetime | None = None,
        archived: bool = False,
    ) -> str:
        """Create an entity, or give an existing one these rows of facts."""
        rows = tuple(v if isinstance(v, Version) else Version(v) for v in versions)
        entity_id = entity_id or new_id()
        async with self.database.write([self.workspace_id]) as conn:
            writer = await Writer.begin(conn, self.workspace_id, at or self.tick())
            found = await writer.find(kind, entity_id)
            if found is None:
                await writer.create(kind, entity_id, rows)
            else:
                archived_at = writer.recorded_at if archived else found.archived_at
                await writer.change(found, versions=rows or found.versions, archived_at=archived_at)
        return entity_id

    async def creator(self, name: str, **more: Any) -> str:
        """A creator with the automatic placement."""
        creator_id = await self.put("creator", {"name": name, **more})
        facts = placement_facts(creator_id, automatic=True)
        automatic_id = automatic_placement_id(self.workspace_id, creator_id)
        await self.put("placement", facts, entity_id=automatic_id)
        return creator_id

    async def placement(
        self,
        creator_id: str | None,
        campaign_id: str | None = None,
        platform: str = "instagram",
        **dates: str,
    ) -> str:
        """A placement; without a creator the brand's own. `dates`: planned_at, published_at."""
        facts = placement_facts(creator_id, campaign_id, platform)
        return await self.put("placement", facts | dates)

    async def campaign(self, name: str, **more: Any) -> str:
        """A campaign."""
        return await self.put("campaign", {"name": name, **more})

    async def link(self, code: str, placement_id: str) -> str:
        """A link of a placement."""
        facts = {"code": code, "placement_id": placement_id, "enabled": True}
        return await self.put("link", facts | {"destination": "https://shop.example"})

    async def cost(
        self,
        amount_minor: int,
        incurred_on: str,
        currency: str = "EUR",
        *,
        serves_from: str | None = None,
        serves_to: str | None = None,
        spread: str | None = None,
        **owner: str,
    ) -> str:
        """A cost of one owner, `creator_id`, `campaign_id` or `placement_id`, or overhead."""
        facts = cost_facts(
            amount_minor,
            incurred_on,
            currency,
            serves_from=serves_from,
            serves_to=serves_to,
            **owner,
        )
        return await self.put("cost", facts | ({"spread": spread} if spread else {}))

    async def margin(self, millionths: int, valid_from: datetime | None = None) -> str:
        """A policy with this margin."""
        facts = {
            "margin_millionths": millionths,
            "windows_days": {},
            "precedence": "code_wins",
            "models": list(DEFAULT_MODELS),
        }
        return await self.put("policy", Version(facts, valid_from))

    # -- credits ---------------------------------------------------------------------------------

    def order(
        self,
        amount_minor: int,
        occurred_at: datetime,
        shares: Mapping[str, tuple[int, datetime | None]],
        **changes: Any,
    ) -> DecisionCredited:
        """Return a decision with one entry per account, split alike by every model.

        `shares` maps an account to (amount, touched at). `slot` has more fields of the entries
        that are not organic.
        """
        currency = changes.pop("currency", "EUR")
        models: Sequence[str] = changes.pop("models", DEFAULT_MODELS)
        stage, units_left = changes.pop("stage", "purchase"), changes.pop("units", 1_000_000)
        slot: Mapping[str, Any] = changes.pop("slot", {})
        placed_units = changes.pop("placed_units", None)
        entries = list[CreditEntry]()
        assert sum(amount for amount, _ in shares.values()) == amount_minor
        for model in models:
            for index, (account, (amount, touched_at)) in enumerate(shares.items()):
                whole, rest = divmod(units_left, len(shares))
                units = whole + rest if index == 0 else whole
                entries.append(
                    CreditEntry(
                        model=model,
                        revision=1,
                        account=account,
                        amount_minor=amount,
                        units=units,
                        placed_units=placed_units,
                        net_minor=amount_minor,
                        currency=currency,
                        stage=stage,
                        touched_at=touched_at,
                        **({} if account == ORGANIC else slot),
                    )
                )
        return self.decision(occurred_at, entries, currency=currency, **changes)

    def decision(
        self,
        occurred_at: datetime,
        entries: Iterable[CreditEntry],
        *,
        stands: Iterable[CreditEntry] | None = None,
        **changes: Any,
    ) -> DecisionCredited:
        """Return a decision with the next number; `stands` are the remaining credits."""
        self.sequence += 1
        entries = tuple(entries)
        facts: dict[str, Any] = {
            "workspace_id": self.workspace_id,
            "sequence": self.sequence,
            "recorded_at": self.tick(),
            "decision_id": new_id(),
            "revision": 1,
            "conversion_id": new_id(),
            "kind": "purchase",
            "natural_id": f"order {self.sequence}",
            "occurred_at": occurred_at,
            "currency": "EUR",
            "person_ref": "somebody",
            "entries": entries,
        }
        record = DecisionCredited(**facts | changes)
        left = entries if stands is None else tuple(stands)
        self.stands[record.decision_id] = StandingOrder(
            record.conversion_id, record.kind, occurred_at, left, record.new_customer
        )
        return record

    def corrected(
        self, record: DecisionCredited, occurred_at: datetime | None, *, part: Fraction = WHOLE
    ) -> DecisionCredited:
        """The next revision of an order: it happened at another time, or (None) not at all.

        `part` of each amount is left. The reversals carry the old time, as attribution's do where
        the time changes.
        """
        stood = self.stands[record.decision_id]
        is_moved = occurred_at is not None and occurred_at != stood.occurred_at
        undone = tuple(
            structs.replace(
                entry,
                revision=record.revision + 1,
                amount_minor=-entry.amount_minor,
                units=-entry.units,
                placed_units=None if entry.placed_units is None else -entry.placed_units,
                occurred_at=stood.occurred_at if is_moved else None,
            )
            for entry in stood.entries
        )
        kept = tuple(
            structs.replace(entry, amount_minor=int(entry.amount_minor * part))
            for entry in stood.entries
            if occurred_at is not None
        )
        return self.decision(
            occurred_at or stood.occurred_at,
            (*undone, *(structs.replace(entry, revision=record.revision + 1) for entry in kept)),
            stands=kept,
            conversion_id=record.conversion_id,
            revision=record.revision + 1,
            kind=record.kind,
            natural_id=record.natural_id,
            currency=record.currency,
            store=record.store,
            new_customer=record.new_customer,
        )

    def clicks(self, account: str, quarter_at: datetime, counted: int, **slot: Any) -> AnyCredits:
        """Return clicks on one account, with the next number."""
        self.sequence += 1
        facts = {"account": account, "kind": "click", "stage": "consideration", **slot}
        tally = Tally(quarter_at=quarter_at, counted=counted, flagged=1, **facts)
        return TouchesTallied(
            workspace_id=self.workspace_id,
            sequence=self.sequence,
            recorded_at=self.tick(),
            tallies=(tally,),
        )

    def counted(self, placement: str, counted_at: datetime, **told: Any) -> CountsReported:
        """Return one report of social counts, with the next number; see `counts_record`."""
        self.sequence += 1
        numbered = (self.workspace_id, self.sequence, self.tick())
        return counts_record(numbered, placement, counted_at, **told)

    def handler(self) -> CreditsFold:
        """Return a new consumer."""
        return CreditsFold(self.database, Telemetry("roi"), self.hear_stops)

    def hear_stops(self, stops: Mapping[str, Stop]) -> None:
        self.stops = dict(stops)

    @property
    def gaps(self) -> dict[str, int]:
        """The sequence at which each workspace stands still, after the last batch."""
        return {name: stop.sequence for name, stop in self.stops.items()}

    async def fold(self, *records: AnyCredits) -> None:
        """Handle records as one batch at the stored offset."""
        await fold(self.handler(), records)

    async def ask_zone(self, time_zone: str) -> None:
        """Request another reporting time zone, as HTTP does; the rollups are not made yet."""
        async with self.database.write([self.workspace_id]) as conn:
            writer = await Writer.begin(conn, self.workspace_id, self.tick())
            found = await writer.find("workspace", self.workspace_id)
            assert found is not None
            present_zone = found.latest.facts["time_zone"]
            await ask_rebuild(writer.pg, self.workspace_id, present_zone, time_zone)
            facts = {**found.latest.facts, "time_zone": time_zone}
            await writer.change(found, versions=(Version(facts),))

    async def change_zone(self, time_zone: str) -> None:
        """Change the reporting time zone and rebuild the rollups."""
        await self.ask_zone(time_zone)
        await self.finish_rebuild(RollupRebuild(self.database, SystemClock()))

    async def finish_rebuild(self, worker: RollupRebuild) -> int:
        """Run the worker until nothing is pending; return the number of runs."""
        turns = 0
        while self.workspace_id in await pending(self.database):
            await worker.step_all()
            turns += 1
        return turns

    # -- answers ---------------------------------------------------------------------------------

    async def ask(
        self,
        group_by: str = "creator",
        *,
        days: tuple[str, str] = ("2026-01-01", "2026-12-31"),
        model: str | None = None,
        by: str = "conversion_time",
        as_of: datetime | None = None,
        currency: str | None = None,
        filters: Mapping[str, str] | None = None,
        **more: str,
    ) -> dict[str, Any]:
        """Return the answer's JSON with all metrics, checked against the OpenAPI document.

        `filters`: by dimension. `more`: any other parameter.
        """
        body = await self.ask_bytes(
            group_by,
            days=days,
            model=model,
            by=by,
            as_of=as_of,
            currency=currency,
            filters=filters,
            **more,
        )
        return cast("dict[str, Any]", json.loads(body))

    async def ask_bytes(
        self,
        group_by: str,
        *,
        days: tuple[str, str],
        model: str | None = None,
        by: str = "conversion_time",
        as_of: datetime | None = None,
        currency: str | None = None,
        filters: Mapping[str, str] | None = None,
        **more: str,
    ) -> bytes:
        """Return the body of the same answer."""
        asked = {"group_by": group_by, "from": days[0], "to": days[1], "by": by}
        asked |= {"metrics": ",".join(METRICS)} | more
        asked |= {f"filter.{name}": text for name, text in (filters or {}).items()}
        asked |= {name: text for name, text in (("model", model), ("currency", currency)) if text}
        parameters = RoiParameters.model_validate({**asked, "as_of": as_of})
        async with self.database.read([self.workspace_id]) as conn:
            given = await read_input(conn, self.workspace_id, self.now, parameters)
        body = build_answer(given)
        RoiAnswer.model_validate_json(body)
        return body

    async def gather(
        self, question: Question, asked: Asked, as_of: datetime | None = None
    ) -> tuple[AnswerContext, Gathered]:
        """Return the inputs of an answer."""
        async with self.database.read([self.workspace_id]) as conn:
            at = await context_of(conn, self.workspace_id, self.now, as_of)
            span = await span_of(conn, at.time_zone, asked)
            read = await read_rows(conn, at, question.wanted, span, question.models)
        return at, gathered(read)


def labels(answer: Mapping[str, Any], measure: str = "net_revenue") -> dict[str, Any]:
    """Return label → one measure; money in minor units."""
    return {row["label"]: plain(row["measures"][measure]) for row in answer["rows"]}


def plain(value: Any) -> Any:
    """Return money as minor units, and other values unchanged."""
    return value["amount_minor"] if isinstance(value, dict) else value
