"""The colours of pages: text has a contrast of 4.5 on every surface, and marks have 3 (WCAG 2.2).

The formulas of relative luminance and contrast are those of WCAG 2.2.
"""

import re
from pathlib import Path
from typing import Final

import pytest

SHEET: Final = Path(__file__).resolve().parents[2] / "services/dashboard/static/laurel.css"
TOKEN: Final = re.compile(r"--([\w-]+): #([0-9a-f]{3}|[0-9a-f]{6});")
SURFACES: Final = ("ground", "paper", "sunk")
PAIRS: Final = (
    *((text, on) for text in ("ink", "soft", "link", "good", "bad", "warn") for on in SURFACES),
    *(("ink", on) for on in ("tint", "warn-tint", "bad-tint")),
    ("link", "tint"),
    ("soft", "tint"),
    ("on-fill", "fill"),
    *((f"series-{number}", "paper") for number in range(1, 7)),  # the names at lines' ends
)
MARKS: Final = (*(f"series-{number}" for number in range(1, 7)), "edge", "fill")


def tokens(scheme: str) -> dict[str, str]:
    """Return the colours of a scheme; dark ones replace light ones."""
    light, dark = SHEET.read_text().split("@view-transition", 1)[0].split("@media", 1)
    found = dict(TOKEN.findall(light))
    return found if scheme == "light" else {**found, **dict(TOKEN.findall(dark))}


def luminance(colour: str) -> float:
    whole = "".join(2 * digit for digit in colour) if len(colour) == 3 else colour
    parts = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_known_extremes() -> None:
    assert contrast("000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_marks_have_contrast(scheme: str) -> None:
    colours = tokens(scheme)
    low = [
        f"{text} on {surface}: {found:.2f}"
        for text, surface in PAIRS
        if (found := contrast(colours[text], colours[surface])) < 4.5
    ]
    low += [
        f"{mark} on {surface}: {found:.2f}"
        for mark in MARKS
        for surface in ("ground", "paper")
        if (found := contrast(colours[mark], colours[surface])) < 3
    ]
    assert not low, low
