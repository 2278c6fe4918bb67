"""What `laurel run` prints when everything works: where to go, with which key, and what to try.

Promise: the admin key appears here once in its life, and only on a terminal; later runs say where it is.
"""

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.cli.access import WORKSPACE, Access
from services.cli.console import LAUREL, out, plain
from services.cli.profile import Profile
from shared.settings import Settings


def announce(settings: Settings, profile: Profile, access: Access) -> None:
    """Say that Laurel is ready."""
    lines = [
        ("tracking", f"{profile.tracking}/docs", f"short links: {settings.short_base}/<code>"),
        ("attribution", f"{profile.attribution}/docs", "why was this credited?"),
        ("roi", f"{profile.roi}/docs", "plan, cost, ask"),
        ("workspace", WORKSPACE, ""),
        ("key", *_key(access)),
        ("try", f"{LAUREL} demo", "a month of believable traffic"),
        ("stop", "Ctrl-C", ""),
    ]
    if out.is_terminal:
        out.print(_panel(lines))
    else:
        plain("Laurel is ready.")
        for name, what, remark in lines:
            plain(f"  {name:<12} {what}" + (f"   ({remark})" if remark else ""))


def _key(access: Access) -> tuple[str, str]:
    if access.from_setting:
        return "LAUREL_ADMIN_KEY", "from the environment"
    if access.shown is not None:
        return access.shown, "admin key, shown this once: keep it"
    if access.file is not None:
        return str(access.file), "the admin key is in this file"
    return (
        "shown when it was made",
        f"lost it? {LAUREL} keys create --workspace {WORKSPACE} --scopes admin",
    )


def _panel(lines: list[tuple[str, str, str]]) -> Panel:
    table = Table.grid(padding=(0, 2))
    for name, what, remark in lines:
        # A key that is folded cannot be copied: it may not wrap.
        table.add_row(
            Text(name, style="bold"),
            Text(what, no_wrap=True, overflow="ignore"),
            Text(remark, style="quiet"),
        )
    return Panel.fit(table, title="Laurel is ready", border_style="good")
