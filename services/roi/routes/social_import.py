"""The import of a file of social counts: each row becomes a report for `POST /v1/social`.

Promise: only tracking writes events, so the import stores no counts. It answers the reports that
the caller sends, each with the id of the import. A row that tells what counts already is unchanged
and has no report.
What can go wrong: what is wrong with a row is an `ImportRejection`, never an error of the import.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.roi.domain.entity import Version
from services.roi.domain.imports.cells import CellRefused, local_moment
from services.roi.domain.imports.csv_table import BadRow, Row
from services.roi.domain.imports.names import PlacementNames
from services.roi.domain.imports.social_rows import CountedRow, Given, SocialReader, column_of
from services.roi.domain.imports.social_titles import EXPORTS, PLACEMENT
from services.roi.routes.catalog_calls import validated
from services.roi.routes.import_file import ImportFile
from services.roi.routes.import_outcome import Outcome
from services.roi.routes.resource import Work
from services.roi.store.count_rows import Place, standing_at
from services.roi.store.import_rows import names_of
from services.roi.wire.fields import canonical_id
from services.roi.wire.import_shapes import (
    ImportChange,
    SocialImportAnswer,
    SocialImportParameters,
)
from shared.api.social_report import SocialReport
from shared.concurrency import yield_control
from shared.credits import COUNT_NAMES
from shared.http.problems import Problem, field_problem
from shared.ids import new_id

SOCIAL: Final = "social"
# Rows between two turns of other requests.
SLICE_ROWS: Final = 100
_TOLD: Final = ("quality", *COUNT_NAMES)

_Read = tuple[int, SocialReport]


async def import_social(
    work: Work, asked: SocialImportParameters, file: ImportFile
) -> SocialImportAnswer:
    """Import a file of counts in the transaction of `work`."""
    reader = await _reader(work, asked, file.rows)
    run = _SocialRun(file)
    reports = await run.take(work, reader)
    facts = {"what": SOCIAL, **run.outcome.counts}
    entity = await work.writer.create("import", new_id(), (Version(facts),))
    return SocialImportAnswer(
        id=entity.id,
        created_at=entity.created_at,
        rejected=run.outcome.rejected,
        changes=run.outcome.changes,
        unknown_columns=[],
        reports=[one.model_copy(update={"import_id": entity.id}) for one in reports],
        **facts,
    )


async def _reader(
    work: Work, asked: SocialImportParameters, rows: Sequence[Row | BadRow]
) -> SocialReader:
    zone = ZoneInfo((await work.workspace_facts())["time_zone"])
    try:
        as_of = None if asked.as_of is None else local_moment(asked.as_of, zone)
    except CellRefused as refused:
        raise field_problem("as_of", str(refused)) from None
    named = {
        row.values[PLACEMENT] for row in rows if isinstance(row, Row) and PLACEMENT in row.values
    }
    given = Given(as_of, asked.source, asked.quality)
    names = await _placements_named(work, named)
    return SocialReader(EXPORTS[asked.export], names, given, zone, work.parts.clock.now())


async def _placements_named(work: Work, texts: Collection[str]) -> PlacementNames:
    """Return the names of the placements in use, and of those that are named by their ids."""
    ids = {text for text in texts if _is_id(text)}
    found = [
        *await work.writer.find_all("placement", ids),
        *await work.writer.find_all_external("placement", set(texts) - ids),
    ]
    exact = [{"id": one.id, "external_id": one.external_id} for one in found]
    return PlacementNames([*exact, *await names_of(work.writer, "placement")])


def _is_id(text: str) -> bool:
    try:
        return canonical_id(text) == text
    except ValueError:
        return False


class _SocialRun:
    """The run of one file of counts."""

    def __init__(self, file: ImportFile) -> None:
        self._file = file
        self._before: Mapping[Place, Mapping[str, Any]] = {}
        self._lines: dict[Place, _Read] = {}
        self.outcome = Outcome()

    async def take(self, work: Work, reader: SocialReader) -> list[SocialReport]:
        """Take the rows in order; return the reports that change what counts."""
        found: list[_Read] = []
        for number, row in enumerate(self._file.rows, 1):
            read = row if isinstance(row, BadRow) else _read(reader, row)
            if isinstance(read, BadRow):
                self._reject(read)
            elif read is not None:
                found.append(read)
            if number % SLICE_ROWS == 0:
                await yield_control()
        places = list({_place(report) for _, report in found})
        self._before = await standing_at(work.writer.pg, work.writer.workspace_id, places)
        return [report for line, report in found if self._changes(line, report)]

    def _changes(self, line: int, report: SocialReport) -> bool:
        """Count a row; return whether its report changes what counts."""
        place = _place(report)
        first = self._lines.setdefault(place, (line, report))
        if first[1] != report:
            self._reject(BadRow(line, (("row", f"line {first[0]} is about the same counts"),)))
            return False
        before, told = self._before.get(place), report.model_dump(include=set(_TOLD))
        is_known = first[0] != line or before == told
        change = None if is_known else _change(line, report, before, told)
        self.outcome.take(change)
        return change is not None

    def _reject(self, row: BadRow) -> None:
        title_of = self._file.header.title_of
        self.outcome.reject(row.line, [(title_of(name), message) for name, message in row.flaws])


def _place(report: SocialReport) -> Place:
    return report.placement_id, report.source, report.as_of


def _read(reader: SocialReader, row: Row) -> _Read | BadRow | None:
    """Return the report of a row, by the rules of `POST /v1/social`; None for totals."""
    counted = reader.read(row)
    if not isinstance(counted, CountedRow):
        return counted
    try:
        return row.line, validated(SocialReport, counted.fields)
    except Problem as problem:
        return BadRow(row.line, tuple((column_of(e.field), e.message) for e in problem.errors))


def _change(
    line: int, report: SocialReport, before: Mapping[str, Any] | None, told: Mapping[str, Any]
) -> ImportChange:
    if before is None:
        return ImportChange(line=line, change="created", id=report.placement_id, fields=[])
    fields = [name for name in _TOLD if before[name] != told[name]]
    return ImportChange(line=line, change="changed", id=report.placement_id, fields=fields)
