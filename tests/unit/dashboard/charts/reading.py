"""Reads a drawing as a page does: its values, its texts with their places, and what must not be."""

from typing import Final
from xml.etree import ElementTree

from hypothesis import strategies as st

from services.dashboard.charts.svg import WIDTH_LEAST_PX, width_px

Box = tuple[float, float, float, float]
TEXT_UP_PX: Final = 9
TEXTS: Final = st.text(
    st.one_of(st.characters(), st.sampled_from("<>&\"'\x00\u202e\ufffeאבمح👩\u200d")), max_size=40
)
MONEY: Final = st.decimals(-(10**9), 10**9, places=2)
GIVEN_BEFORE: Final = {"start": 0.0, "middle": 0.5, "end": 1.0}


def read(svg: str) -> ElementTree.Element:
    """Return the drawing; it is well-formed, has its own ids, and no style, colour or script."""
    root = ElementTree.fromstring(svg)
    ids = [found for one in root.iter() if (found := one.get("id")) is not None]
    assert len(ids) == len(set(ids))
    named = {root.get("aria-labelledby"), root.get("aria-describedby")} - {None}
    assert named <= set(ids)
    assert named or root.get("aria-label") is not None
    for one in root.iter():
        assert one.tag not in {"style", "script", "a", "image"}
        for name, value in one.attrib.items():
            assert name not in {"style", "stroke"}
            assert not name.startswith("on")
            assert name != "fill" or value.startswith("url(#")
            assert name != "role" or value in {"group", "list", "listitem"}
    for one in root.iter():
        for child in one:
            # A list has items only, and an item has its list.
            assert (one.get("role") == "list") == (child.get("role") == "listitem")
    return root


def lists(svg: str) -> dict[str, list[tuple[str, str]]]:
    """Return the label and text of each plotted value, by list."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in read(svg).iter():
        if one.get("role") == "list":
            items = found.setdefault(one.get("aria-label", ""), [])
            items += [(item.get("data-label", ""), item.get("data-text", "")) for item in one]
            for item in one:
                label, text = item.get("data-label"), item.get("data-text")
                assert item.get("aria-label") == f"{label}: {text}"
    return found


def values(svg: str) -> list[tuple[str, str]]:
    """Return the label and text of each plotted value."""
    return [item for items in lists(svg).values() for item in items]


def of_class(svg: str, name: str) -> list[ElementTree.Element]:
    """Return the elements with a class."""
    return [one for one in read(svg).iter() if name in one.get("class", "").split()]


def share(text: str | None) -> float:
    """Return a percentage as a share."""
    assert text is not None
    assert text.endswith("%")
    return float(text[:-1]) / 100


def text_boxes(svg: str, total_px: float = WIDTH_LEAST_PX, *, wide: bool = False) -> list[Box]:
    """Return where visible texts lie: left, top, right, bottom."""
    found = []
    for one in read(svg).iter("text"):
        if not wide and "wide" in one.get("class", ""):
            continue
        wide_px, x = width_px(one.text or ""), one.get("x", "0%")
        place = share(x) * total_px if x.endswith("%") else float(x)
        left = place - wide_px * GIVEN_BEFORE[one.get("text-anchor", "start")]
        y = float(one.get("y", "0"))
        found.append((left, y - TEXT_UP_PX, left + wide_px, y + 2))
    return found


def overlaps(boxes: list[Box]) -> list[tuple[Box, Box]]:
    """Return pairs of texts that cover each other."""
    return [
        (a, b)
        for at, a in enumerate(boxes)
        for b in boxes[at + 1 :]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def outside(boxes: list[Box], total_px: float = WIDTH_LEAST_PX) -> list[Box]:
    """Return the texts that leave the drawing."""
    return [one for one in boxes if one[0] < -0.5 or one[2] > total_px + 0.5]
