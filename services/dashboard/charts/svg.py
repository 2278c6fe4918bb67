"""Elements of SVG as text, and what texts need: escapes, an estimate of their width, their place.

Promise: any text gives well-formed XML. A width is estimated for wide fonts, so that texts which
do not overlap by estimate do not overlap on a page.
"""

import re
from html import escape
from typing import Final
from unicodedata import combining, east_asian_width

TEXT_PX: Final = 12
# A screen of 320 px, less the paddings of a page (2 × 12) and of a panel (2 × 12).
WIDTH_LEAST_PX: Final = 272
WIDTH_WIDE_PX: Final = 560
# XML 1.0 allows no other characters.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_THIN: Final = frozenset(" .,:;'|!()[]/ijlItfr·\xa0\u202f")
_BROAD: Final = frozenset("mwMW%@–—…")
Attribute = str | float | None


def tag(name: str, *content: str, **attributes: Attribute) -> str:
    """Return an element; `class_` is the class, `_` in a name is `-`, None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{said}>{''.join(content)}</{name}>" if content else f"<{name}{said}/>"


def _value(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else number(value)


def escaped(text: str) -> str:
    """Return a text for the content of an element or a quoted attribute."""
    return escape(_NOT_XML.sub("", text))


def number(value: float) -> str:
    """Return a coordinate in tenths of a pixel, without a superfluous decimal."""
    return f"{value:.1f}".removesuffix(".0")


def percent(share: float) -> str:
    """Return a share of the width in thousandths: a pixel of 1,000."""
    return number(share * 100) + "%"


def drawing(
    chart_id: str, kind: str, title: str, description: str, height_px: float, *content: str
) -> str:
    """Return a whole drawing, named by its title and described by its description."""
    ids = f"{chart_id}-title", f"{chart_id}-desc"
    return tag(
        "svg",
        tag("title", escaped(title) or "Chart", id=ids[0]),
        tag("desc", escaped(description) or "No figure", id=ids[1]),
        *content,
        class_=f"drawing {kind}",
        role="group",
        aria_labelledby=ids[0],
        aria_describedby=ids[1],
        width="100%",
        height=height_px,
    )


def item(label: str, text: str) -> dict[str, Attribute]:
    """Return the attributes of a plotted value: read aloud, and shown by `<chart-hover>`."""
    return {
        "role": "listitem",
        "aria_label": f"{label}: {text}",
        "data_label": label,
        "data_text": text,
    }


def values(label: str, kind: str, *items: str) -> str:
    """Return a list of plotted values; without one, nothing."""
    if not items:
        return ""
    return tag("g", *items, role="list", aria_label=label, class_=f"values {kind}".rstrip())


def text_at(
    share: float, y: float, text: str, kind: str | None = None, anchor: str = "start"
) -> str:
    """Return a visible text of a layer of `texts`."""
    return tag(
        "text",
        escaped(text),
        class_=kind,
        x=percent(share),
        y=y,
        text_anchor=None if anchor == "start" else anchor,
    )


def texts(*found: str) -> str:
    """Return the layer of visible texts: screen readers get the items in their place."""
    return tag("g", *found, aria_hidden="true")


def across(share: float, y: float, *content: str) -> str:
    """Return content in pixels around a place; a percentage cannot stand in a path."""
    return tag("svg", *content, x=percent(share), y=y, overflow="visible", width=1, height=1)


def hatching(chart_id: str) -> str:
    """Return the pattern of a bar that nobody reported; `hatched` refers to it."""
    lines = tag("path", d="M0 8 8 0", class_="hatch")
    pattern = tag(
        "pattern",
        lines,
        id=f"{chart_id}-hatch",
        width=8,
        height=8,
        patternUnits="userSpaceOnUse",
    )
    return tag("defs", pattern)


def hatched(chart_id: str) -> str:
    """Return the fill of a bar that nobody reported."""
    return f"url(#{chart_id}-hatch)"


def width_px(text: str) -> float:
    """Return an upper estimate of the width of a text."""
    return TEXT_PX * sum(map(_em, text))


def _em(sign: str) -> float:
    if combining(sign):
        return 0.0
    if sign in _THIN:
        return 0.42
    if sign in _BROAD or east_asian_width(sign) in "WF":
        return 1.05
    return 0.75 if sign.isupper() else 0.65


def shortened(text: str, room_px: float) -> str:
    """Return a text that fits, with an ellipsis where something was cut."""
    if width_px(text) <= room_px:
        return text
    room = room_px - width_px("…")
    for sign_count in range(len(text), 0, -1):
        if width_px(text[:sign_count]) <= room:
            return text[:sign_count].rstrip() + "…"
    return "…"


def fitted(share: float, wide_px: float, gap_px: float = 0) -> tuple[float, str]:
    """Return where a text near a place is anchored: before it, after it, or at the start.

    What fits at the least width fits at greater ones: the room on each side grows.
    """
    place = share * WIDTH_LEAST_PX
    if place + gap_px + wide_px <= WIDTH_LEAST_PX:
        return share, "start"
    return (share, "end") if place - gap_px - wide_px >= 0 else (0, "start")


def heading(y: float, label: str, text: str) -> tuple[str, str]:
    """Return the texts above a bar: its label at the start, and its value at the end."""
    value = shortened(text, WIDTH_LEAST_PX * 0.6)
    room_px = WIDTH_LEAST_PX - width_px(value) - TEXT_PX
    return text_at(0, y, shortened(label, room_px), "label"), text_at(1, y, value, "value", "end")
