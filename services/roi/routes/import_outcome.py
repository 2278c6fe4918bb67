"""What became of the rows of an import: how many of each kind, and the first of them one by one.

Promise: created + changed + unchanged + rejected rows are the rows of the file.
"""

from collections.abc import Sequence

from services.roi.wire.import_shapes import LISTED_MAX, ImportChange, ImportRejection


class Outcome:
    """What became of the rows of a file."""

    def __init__(self) -> None:
        self.created = self.changed = self.unchanged = self.rejected_rows = 0
        self.rejected: list[ImportRejection] = []
        self.changes: list[ImportChange] = []

    @property
    def counts(self) -> dict[str, int]:
        """The counts of the answer."""
        parts = {
            name: getattr(self, name)
            for name in ("created", "changed", "unchanged", "rejected_rows")
        }
        return {"rows": sum(parts.values()), **parts}

    def reject(self, line: int, flaws: Sequence[tuple[str, str]]) -> None:
        """Count a row that cannot be taken."""
        self.rejected_rows += 1
        if self.rejected_rows <= LISTED_MAX:
            self.rejected += [
                ImportRejection(line=line, column=column, message=message)
                for column, message in flaws
            ]

    def take(self, change: ImportChange | None) -> None:
        """Count a row by what it changes; None: nothing."""
        if change is None:
            self.unchanged += 1
            return
        self.created += change.change == "created"
        self.changed += change.change == "changed"
        if len(self.changes) < LISTED_MAX:
            self.changes.append(change)
