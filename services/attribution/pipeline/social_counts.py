"""The social counts of a batch, ready to be published.

Promise: each report that is new or was received again is published. A repeated report is the same
event, and counts from its later time: its source says the same once more. So what counts in the end
does not depend on the order of arrival.
"""

from collections.abc import Iterator
from typing import Final

from services.attribution.pipeline.record_faults import faults_of
from services.attribution.pipeline.storing import Intake
from services.attribution.wire.count_reports import SOCIAL_REPORTED, count_report
from shared.credits import CountReport

# Reports of one record. A reader works at one record at least, and each report can have it look at
# all reports of a placement.
REPORTS_MAX: Final = 100


def reports_in(intake: Intake) -> Iterator[tuple[str, list[CountReport]]]:
    """Yield each workspace with some of its reports, as many as a record holds."""
    by_workspace: dict[str, list[CountReport]] = {}
    with faults_of("counts"):
        for reading in (*intake.new, *intake.repeated):
            if reading.kind == SOCIAL_REPORTED and reading.body is not None:
                found = by_workspace.setdefault(reading.workspace_id, [])
                found.append(count_report(reading.body))
    for name, reports in sorted(by_workspace.items()):
        for start in range(0, len(reports), REPORTS_MAX):
            yield name, reports[start : start + REPORTS_MAX]
