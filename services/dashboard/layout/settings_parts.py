"""The parts of the settings, and the page of one thing that can only be archived.

Promise: a part that the key may not see is not in the navigation.
"""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import Response

from services.dashboard.layout.frame import Frame, body_of

SETTINGS: Final = "/app/settings"
POLICIES: Final = f"{SETTINGS}/policies"
RATES: Final = f"{SETTINGS}/rates"
STORES: Final = f"{SETTINGS}/stores"
CONNECTIONS: Final = f"{SETTINGS}/connections"
KEYS: Final = f"{SETTINGS}/keys"
# Label, address, and the scope that sees it.
_SECTIONS: Final = (
    ("Workspace", SETTINGS, "read"),
    ("Rules", POLICIES, "read"),
    ("Rates", RATES, "read"),
    ("Stores and connections", STORES, "read"),
    ("Keys", KEYS, "admin"),
)


def sections(frame: Frame, current: str) -> Sequence[tuple[str, str, bool]]:
    """Return label, address and whether it is the present one, of each part."""
    return [
        (label, frame.view.carried(path), path == current)
        for label, path, scope in _SECTIONS
        if frame.workspace.may(scope)
    ]


def thing_page(
    frame: Frame,
    part: tuple[str, str],
    heading: str,
    facts: Sequence[tuple[str, Any]],
    archive: tuple[str, str] | None,
) -> Response:
    """Return the page of one thing; `part` is the label and address of its list.

    `archive` says what its archiving does, and names the button; None offers none.
    """
    label, path = part
    return frame.page(
        "layout/settings_thing.html",
        sections=sections(frame, path),
        crumbs=[(label, frame.view.carried(path)), (heading, None)],
        heading=heading,
        facts=facts,
        archive=archive,
        period=None,
    )


async def archived(frame: Frame, call: str, part: str) -> Response:
    """Archive the object of a call, and lead to the list of its kind."""
    await frame.form()
    body_of(await frame.api.send("DELETE", "roi", call))
    return frame.leave(frame.view.carried(part, done="archived"))
