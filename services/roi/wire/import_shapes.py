"""Bodies and answers of imports: the file with its map, what became of its rows, and the undo."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from services.roi.domain.imports.import_kinds import ImportName
from services.roi.domain.imports.social_titles import ExportName
from services.roi.wire.fields import Flag
from shared.api.shapes import AnswerModel, StrictModel
from shared.api.social_report import SocialReport, SourceName
from shared.events import CountQuality
from shared.http.middleware import BODY_BYTES_MAX

# A second of work under the lock of the workspace.
ROWS_MAX: Final = 2_000
# More columns than any export has.
COLUMNS_MAX: Final = 200
# A longer title is a header with a quotation mark that does not end.
TITLE_CHARACTERS_MAX: Final = 200
# A person corrects the file after some of them; the rest is counted.
LISTED_MAX: Final = 100

# A time with microseconds and offset has 32 characters.
AS_OF_CHARACTERS_MAX: Final = 64

StoredName = ImportName | Literal["social"]
Title = Annotated[str, Field(max_length=TITLE_CHARACTERS_MAX)]


class ImportParameters(StrictModel):
    """The parameters of an import."""

    dry_run: bool = False
    """Whether the answer only says what would change. Columns that are not known are listed then,
    and no refusal."""


class SocialImportParameters(ImportParameters):
    """The parameters of an import of social counts. A column of the file counts before them."""

    export: ExportName = ExportName.SHEET
    """What the file is: whose titles it has."""
    as_of: Annotated[str, Field(max_length=AS_OF_CHARACTERS_MAX)] | None = None
    """When the counts were read, where no column says it: a time or a date. Without an offset it is
    in the time zone of the workspace."""
    source: SourceName | None = None
    """Who counted, where no column says it. An export of a platform names the platform."""
    quality: CountQuality = "observed"
    """How the counts came about, where no column says it."""


class ImportBody(StrictModel):
    """A CSV file and the meaning of its columns."""

    file: Annotated[str, Field(min_length=1, max_length=BODY_BYTES_MAX)]
    """The text of the file. Its first line names the columns, at most 200; at most 2,000 rows
    follow."""
    columns: Annotated[dict[Title, str | None], Field(max_length=COLUMNS_MAX)] = Field(
        default_factory=dict
    )
    """Title of a column in the file → name of the column that it is; null leaves it out. Needed for
    titles that are not known."""
    skip_unknown: Flag = False
    """Whether all columns that are not known are left out."""


class ImportRejection(AnswerModel):
    """What is wrong with one cell or row."""

    line: int
    """The first line of the row in the file."""
    column: str
    """The title of the column in the file; `row` when the row as a whole is wrong."""
    message: str
    """What is wrong with it, as a sentence."""


class ImportChange(AnswerModel):
    """What one row changes."""

    line: int
    """The first line of the row in the file."""
    change: Literal["created", "changed"]
    """Whether the object is new."""
    id: str | None
    """The id of the object, and of counts that of the placement; null for an object that a dry run
    would create."""
    fields: list[str]
    """The fields that the row changes, of an object or of counts that were there before."""


class _Counts(AnswerModel):
    """How many rows a file has, and what became of them."""

    what: StoredName
    """What was imported."""
    rows: int
    """How many rows the file has, without empty ones and totals."""
    created: int
    """How many rows made a new object, or tell counts that were not told."""
    changed: int
    """How many rows changed an object, brought an archived one back, or tell other counts."""
    unchanged: int
    """How many rows said what was known."""
    rejected_rows: int
    """How many rows could not be taken. They changed nothing."""


class ImportAnswer(_Counts):
    """What an import changed, or would change."""

    id: str | None
    """The id of the import, by which it is undone; null for a dry run."""
    created_at: datetime | None
    """When it was imported; null for a dry run."""
    rejected: list[ImportRejection]
    """What is wrong with the first 100 rows that could not be taken."""
    changes: list[ImportChange]
    """What the first 100 rows change that change anything."""
    unknown_columns: list[str]
    """The columns that are not known and must be named or left out; a dry run only."""


class SocialImportAnswer(ImportAnswer):
    """What an import of social counts would change, and the reports that change it."""

    reports: list[SocialReport]
    """The reports of the rows that change anything. Send them to `POST /v1/social`, at most 500 at
    once: they count when they have arrived there. A dry run has none."""


class ImportLeft(AnswerModel):
    """An object that an undo left as it is."""

    id: str
    """The id of the object."""
    external_id: str | None
    """Your own id of the object."""
    message: str
    """Why it was left, as a sentence."""


class ImportUndo(AnswerModel):
    """What the undo of an import did."""

    withdrawn: int
    """How many objects that the import made were archived, or how many of its reports of counts do
    not count any more."""
    restored: int
    """How many objects that the import changed are again as before it. Of counts: how many reports
    of before count again."""
    left_objects: int
    """How many objects were left as they are, because they were changed since."""
    left: list[ImportLeft]
    """The first 100 of them."""


class StoredImport(_Counts):
    """An import in a list. `undo` is null as long as it was not undone."""

    id: str
    """The id of the import."""
    created_at: datetime
    """When it was imported."""
    deleted_at: datetime | None
    """When it was undone; null while it holds."""
    undo: ImportUndo | None
    """What its undo did."""
