"""Bodies and answers of the workspace, webhook connections and API keys.

Promise: a secret and a key go in or out once and are in no other answer.
"""

from datetime import datetime
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from services.roi.wire.destinations import canonical_host, canonical_origin
from services.roi.wire.fields import LIST_ITEMS_MAX, Flag, Name, Named, Stored
from shared.extensions import VENDOR_PACKAGE, folder_names
from shared.http.wire import AnswerModel, Currency, StrictModel

# Vendors' signing secrets have 16 to 100 characters.
SECRET_CHARACTERS_MAX: Final = 256


def _check_time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not an IANA time zone such as Europe/Berlin") from None
    return value


def _unique(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("names one thing twice")
    return values


TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
ScopeName = Literal["collect", "track", "read", "write", "admin"]
Origin = Annotated[str, AfterValidator(canonical_origin)]
ShopDomain = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True), AfterValidator(canonical_host)
]


def _known_vendor(value: str) -> str:
    if value not in _VENDORS:
        raise ValueError(f"is none of {', '.join(_VENDORS)}")
    return value


# A folder of an adapter is a vendor: nothing else names them.
_VENDORS: Final = folder_names(VENDOR_PACKAGE)
VendorName = Annotated[
    str,
    AfterValidator(_known_vendor),
    WithJsonSchema({"type": "string", "enum": list(_VENDORS)}),
]


class WorkspaceBody(StrictModel):
    """The workspace as corrected."""

    name: Name
    time_zone: TimeZone
    currency: Currency


class WorkspaceAnswer(AnswerModel):
    """The workspace as answered."""

    id: str
    created_at: datetime
    name: str
    time_zone: str
    currency: str


class ConnectionBody(Named):
    """A webhook connection as sent. A new `secret` is valid beside the one before it."""

    kind: VendorName
    secret: Annotated[str, StringConstraints(min_length=1, max_length=SECRET_CHARACTERS_MAX)]
    shop_domain: ShopDomain | None = None


class ConnectionAnswer(Stored):
    """A webhook connection as answered: never its secret."""

    kind: str
    shop_domain: str | None
    webhook_url: str


class KeyBody(Named):
    """A key as sent. A public key has the scope `collect` and nothing else; only it may be bound to origins."""

    name: Name | None = None
    scopes: Annotated[list[ScopeName], Field(min_length=1), AfterValidator(_unique)] | None = None
    public: Flag = False
    origins: Annotated[list[Origin], Field(max_length=LIST_ITEMS_MAX)] = Field(default_factory=list)


class KeyAnswer(Stored):
    """A key as answered: `label` names it, the key itself only comes with its creation."""

    name: str | None
    label: str
    scopes: list[str]
    public: bool
    origins: list[str]


class NewKeyAnswer(KeyAnswer):
    """A key at its creation."""

    key: str
