"""A form as it is shown: what was typed, and what is wrong with which field. Pure.

Promise: a form that was refused comes back with everything that was typed (but secrets) and each
message at its field; what belongs to no field is said above.
What can go wrong: `Problem` 403 where the key may not do it, because the form is not offered to it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.dashboard.client.api import Failed
from shared.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Form:
    """`sentence` is what is wrong with the whole form."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    sentence: str | None = None

    @classmethod
    def refused(
        cls,
        values: Mapping[str, str],
        failed: Failed,
        names: Collection[str],
        other_names: Mapping[str, str] | None = None,
    ) -> "Form":
        """Return the form after the API refused it.

        `names` are the fields of the form; `other_names` gives the form's name of a field of the
        API, whole or the first part of it, where that differs.
        """
        if failed.status == 403:
            raise Problem(403, "Not allowed", failed.sentence)
        renamed = other_names or {}
        found = {
            renamed.get(name, renamed.get(_top(name), _top(name))): said
            for name, said in failed.fields.items()
        }
        errors = {name: said for name, said in found.items() if name in names}
        sentence = None if errors and len(errors) == len(found) else failed.sentence
        return cls(values, errors, sentence)

    def value(self, name: str, default: str | None = None) -> str | None:
        """Return what was typed into a field, else a default."""
        return self.values.get(name, default)

    def error(self, name: str) -> str | None:
        """Return what is wrong with a field."""
        return self.errors.get(name)


def given(fields: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return the named fields that were filled in, trimmed: what a body of the API gets."""
    found = {name: fields.get(name, "").strip() for name in names}
    return {name: value for name, value in found.items() if value}


def day_begins(day: str, zone: str) -> str:
    """Return the first moment of a local day; a text that is no day goes to the API as it is."""
    try:
        begin = datetime.combine(date.fromisoformat(day), time.min, ZoneInfo(zone))
    except ValueError:
        return day
    return begin.isoformat()


def day_ends(day: str, zone: str) -> str:
    """Return the first moment after a local day; a text that is no day is not changed."""
    try:
        next_day = date.fromisoformat(day) + timedelta(days=1)
    except (ValueError, OverflowError):
        return day
    return day_begins(next_day.isoformat(), zone)


def _top(name: str) -> str:
    return name.partition(".")[0]
