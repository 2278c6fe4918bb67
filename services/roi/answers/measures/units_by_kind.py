"""Measures of credited leads, sign-ups and downloads, in millionths of a conversion."""

from typing import Final

from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure, Only
from services.roi.answers.values import Unit


def _of_kind(measure_id: str, kind: str, words: str) -> Measure:
    return Measure(
        id=measure_id,
        sentence=f"Credited {words}, in millionths.",
        unit=Unit.CONVERSIONS,
        fact=Fact.CREDITS,
        total=lambda row: func.sum(row.units),
        only=Only("conversion_kind", (kind,)),
    )


LEADS: Final = _of_kind("leads", "lead", "leads")
SIGN_UPS: Final = _of_kind("sign_ups", "sign_up", "sign-ups")
DOWNLOADS: Final = _of_kind("downloads", "download", "downloads")
