"""The form of the workspace: its fields and choices. Pure."""

from collections.abc import Sequence
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from babel.numbers import get_currency_name

from services.dashboard.tables.texts import LOCALE
from shared.money import CURRENCIES

WORKSPACE_FIELDS: Final = ("name", "time_zone", "currency")
# Areas of zones that are named by a place; others are old or technical names.
_AREAS: Final = (
    "Africa",
    "America",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
Choices = Sequence[tuple[str, str]]


@cache
def zone_choices() -> Choices:
    """Return the time zones that are named by a place, and UTC."""
    placed = sorted(zone for zone in available_timezones() if zone.partition("/")[0] in _AREAS)
    return [(zone, zone) for zone in ("UTC", *(one for one in placed if "/" in one))]


@cache
def currency_choices() -> Choices:
    """Return the currencies in use, with their names."""
    return [
        (code, f"{code}: {get_currency_name(code, locale=LOCALE)}") for code in sorted(CURRENCIES)
    ]
