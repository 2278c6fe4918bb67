"""The kinds of imports: their columns, the titles that other tools give them, what a row is. Pure.

A column is a field of the API's body, or names a catalog object that the body has the id of. To add
a column or another title is to add an entry here.

Promise: a row that has an `external_id` is the object with this external id. Without one, a creator
is known by its name, a placement by its address, a link by its code. A row of another kind is known
by its content: equal rows of one file are as many objects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from services.roi.domain.entity import EntityKind
from services.roi.domain.imports.cells import (
    amount,
    choice,
    flag,
    local_moment,
    whole_number,
    words,
)
from services.roi.domain.imports.csv_table import Columns, plain_title

ImportName = Literal["costs", "creators", "placements", "links"]
EXTERNAL_ID: Final = "external_id"
_ACCOUNTS: Final = "platform_accounts"

CellReader = Callable[[str, ZoneInfo], Any]


def _text(text: str, _zone: ZoneInfo) -> str:
    return text


def _moment(text: str, zone: ZoneInfo) -> str:
    return local_moment(text, zone).isoformat()


def _by(read: Callable[[str], Any]) -> CellReader:
    return lambda text, _zone: read(text)


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """A column: the body's field, how a cell is read, and the kind of object that it names."""

    field: str
    read: CellReader = _text
    refers_to: EntityKind | None = None


@dataclass(frozen=True, slots=True)
class ImportKind:
    """One kind of import.

    `known_by`: the field that tells which object a row without external id is about, if any.
    `needs`: columns that say nothing without another one.
    `titles`: other titles of columns, in the form of `plain_title`.
    """

    what: ImportName
    kind: EntityKind
    columns: Mapping[str, ImportColumn]
    needed: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    known_by: str | None = None
    needs: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> Columns:
        """The columns as a table asks for them."""
        asked = {*self.needed, *self.one_of}
        return Columns(
            self.needed, self.one_of, tuple(name for name in self.columns if name not in asked)
        )

    def column_of(self, body_field: str) -> str:
        """Return the column of a field of the body, such as `creator_id` or `topics.0`."""
        head, *rest = body_field.split(".")
        if head == _ACCOUNTS and rest:
            head = rest[-1]
        return next((name for name, one in self.columns.items() if one.field == head), head)


def _titles(known: Mapping[str, str]) -> dict[str, str]:
    return {plain_title(title): column for title, column in known.items()}


_PLACEMENT: Final = ImportColumn("placement_id", refers_to="placement")
_CREATOR: Final = ImportColumn("creator_id", refers_to="creator")
_CAMPAIGN: Final = ImportColumn("campaign_id", refers_to="campaign")
_CREATOR_TITLES: Final = {
    "Creator ID": "creator",
    "Creator name": "creator",
    "Influencer": "creator",
}
_CAMPAIGN_TITLES: Final = {"Campaign ID": "campaign", "Campaign name": "campaign"}
_ID_TITLES: Final = {"ID": EXTERNAL_ID, "Reference": EXTERNAL_ID}

COSTS: Final = ImportKind(
    what="costs",
    kind="cost",
    columns={
        "kind": ImportColumn("kind", _by(choice)),
        "incurred_on": ImportColumn("incurred_on"),
        "currency": ImportColumn("currency"),
        "amount": ImportColumn("amount", _by(amount)),
        "hours": ImportColumn("hours"),
        "rate": ImportColumn("rate", _by(amount)),
        EXTERNAL_ID: ImportColumn(EXTERNAL_ID),
        "placement": _PLACEMENT,
        "creator": _CREATOR,
        "campaign": _CAMPAIGN,
        "agent": ImportColumn("agent_id", refers_to="agent"),
        "boosts_placement": ImportColumn("boosts_placement_id", refers_to="placement"),
        "from": ImportColumn("from"),
        "to": ImportColumn("to"),
        "spread": ImportColumn("spread", _by(choice)),
        "paid_on": ImportColumn("paid_on"),
        "retail_value": ImportColumn("retail_value", _by(amount)),
        "note": ImportColumn("note"),
    },
    needed=("kind", "incurred_on", "currency"),
    one_of=("amount", "hours"),
    titles=_titles(
        _CREATOR_TITLES
        | _CAMPAIGN_TITLES
        | _ID_TITLES
        | {
            "Invoice": EXTERNAL_ID,
            "Invoice number": EXTERNAL_ID,
            "Type": "kind",
            "Cost type": "kind",
            "Date": "incurred_on",
            "Cost": "amount",
            "Paid": "paid_on",
            "Description": "note",
            "Placement ID": "placement",
            "Agent ID": "agent",
            "Boosts placement ID": "boosts_placement",
        }
    ),
)
CREATORS: Final = ImportKind(
    what="creators",
    kind="creator",
    columns={
        "name": ImportColumn("name"),
        EXTERNAL_ID: ImportColumn(EXTERNAL_ID),
        "handle": ImportColumn("handle"),
        "country": ImportColumn("country"),
        "topics": ImportColumn("topics", _by(words)),
        "platform": ImportColumn("platform"),
        "followers": ImportColumn("followers", _by(whole_number)),
    },
    needed=("name",),
    known_by="name",
    needs={"platform": "handle", "followers": "platform"},
    titles=_titles(
        _ID_TITLES
        | _CREATOR_TITLES
        | {
            "Creator": "name",
            "Creator ID": EXTERNAL_ID,
            "Creator name": "name",
            "Influencer": "name",
            "Full name": "name",
            "Username": "handle",
            "Account": "handle",
            "Channel": "platform",
            "Network": "platform",
            "Subscribers": "followers",
            "Categories": "topics",
        }
    ),
)
PLACEMENTS: Final = ImportKind(
    what="placements",
    kind="placement",
    columns={
        "platform": ImportColumn("platform"),
        "creator": _CREATOR,
        "is_brand": ImportColumn("is_brand", _by(flag)),
        EXTERNAL_ID: ImportColumn(EXTERNAL_ID),
        "campaign": _CAMPAIGN,
        "content_type": ImportColumn("content_type"),
        "length_seconds": ImportColumn("length_seconds", _by(whole_number)),
        "format": ImportColumn("format"),
        "planned_at": ImportColumn("planned_at", _moment),
        "published_at": ImportColumn("published_at", _moment),
        "url": ImportColumn("url"),
        "cta": ImportColumn("cta"),
        "topics": ImportColumn("topics", _by(words)),
    },
    needed=("platform",),
    one_of=("creator", "is_brand"),
    known_by="url",
    titles=_titles(
        _CREATOR_TITLES
        | _CAMPAIGN_TITLES
        | _ID_TITLES
        | {
            "Network": "platform",
            "Channel": "platform",
            "Permalink": "url",
            "Link": "url",
            "Post URL": "url",
            "Video link": "url",
            "Published": "published_at",
            "Publish time": "published_at",
            "Post time": "published_at",
            "Planned": "planned_at",
            "Call to action": "cta",
            "Post type": "content_type",
            "Length": "length_seconds",
            "Duration": "length_seconds",
            "Duration (sec)": "length_seconds",
            "Video length": "length_seconds",
        }
    ),
)
LINKS: Final = ImportKind(
    what="links",
    kind="link",
    columns={
        "destination": ImportColumn("destination"),
        "placement": _PLACEMENT,
        "creator": _CREATOR,
        EXTERNAL_ID: ImportColumn(EXTERNAL_ID),
        "code": ImportColumn("code"),
        "enabled": ImportColumn("enabled", _by(flag)),
    },
    needed=("destination",),
    one_of=("placement", "creator"),
    known_by="code",
    titles=_titles(
        _CREATOR_TITLES
        | _ID_TITLES
        | {
            "Destination URL": "destination",
            "URL": "destination",
            "Landing page": "destination",
            "Placement ID": "placement",
            "Short code": "code",
        }
    ),
)
IMPORT_KINDS: Final[Mapping[ImportName, ImportKind]] = {
    one.what: one for one in (COSTS, CREATORS, PLACEMENTS, LINKS)
}


def with_account(values: dict[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a creator: `platform`, `handle`, `followers` become its account there.

    The accounts on other platforms stay as they are. The handle of the first account is that of the
    creator, too.
    """
    platform = values.pop("platform", None)
    if platform is None:
        return values
    accounts = [dict(one) for one in current.get(_ACCOUNTS) or ()]
    place = platform.strip().lower()
    account = next((one for one in accounts if one["platform"] == place), None)
    if account is None:
        account = {"platform": platform}
        accounts.append(account)
    account |= {name: values[name] for name in ("handle", "followers") if name in values}
    values.pop("followers", None)
    if current.get("handle") is not None:
        values.pop("handle", None)
    return values | {_ACCOUNTS: accounts}
