"""Bodies and answers of the workspace, webhook connections and API keys.

Promise: no answer shows a secret. Only the answer to its creation shows a key.
"""

from datetime import datetime
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from services.roi.wire.destinations import canonical_host, canonical_origin
from services.roi.wire.fields import LIST_ITEMS_MAX, EntityId, Flag, Name, Named, Stored
from shared.api.shapes import AnswerModel, Currency, StrictModel
from shared.extensions import VENDOR_PACKAGE, folder_names

# A shorter secret can be guessed from one signed delivery. Vendors make 24 to 100 characters.
SECRET_CHARACTERS_MIN: Final = 16
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
        raise ValueError(f"is not one of {', '.join(_VENDORS)}")
    return value


# Each adapter has a folder; the folder names are the vendors.
_VENDORS: Final = folder_names(VENDOR_PACKAGE)
VendorName = Annotated[
    str,
    AfterValidator(_known_vendor),
    WithJsonSchema({"type": "string", "enum": list(_VENDORS)}),
]


class WorkspaceBody(StrictModel):
    """The workspace as corrected."""

    name: Name
    """The brand's name."""
    time_zone: TimeZone
    """The IANA time zone whose days reports are by."""
    currency: Currency
    """The currency of figures that name none."""


class WorkspaceAnswer(AnswerModel):
    """The workspace as answered."""

    id: str
    """The id of the workspace."""
    created_at: datetime
    """When it was made."""
    name: str
    """The brand's name."""
    time_zone: str
    """The IANA time zone whose days reports are by."""
    currency: str
    """The currency of figures that name none."""


class IdentitySecretAnswer(AnswerModel):
    """The secret by which the brand's own server proves the customers of its pages."""

    identity_secret: str
    """The secret. A proof is HMAC-SHA256 of the customer id under this text, in hexadecimal."""


Secret = Annotated[
    str, StringConstraints(min_length=SECRET_CHARACTERS_MIN, max_length=SECRET_CHARACTERS_MAX)
]


class ConnectionBody(Named):
    """A webhook connection as sent."""

    kind: VendorName
    """The vendor."""
    secret: Secret | None = None
    """The secret that the vendor signs with. Required for a new connection; later it is changed by
    adding a second one and removing the first."""
    shop_domain: ShopDomain | None = None
    """The shop's own host name; deliveries of another one are refused."""
    store_id: EntityId | None = None
    """The store whose orders it delivers. Without it, the first connection delivers those of the
    store `main`, one to a shop that was connected before those of its store, and another shop gets
    a store of its own."""


class SecretBody(StrictModel):
    """One more secret of a connection, as sent."""

    secret: Secret
    """The secret that the vendor signs with from now on."""


class ConnectionAnswer(Stored):
    """A webhook connection as answered: never its secret."""

    kind: str
    """The vendor."""
    shop_domain: str | None
    """The shop's own host name; deliveries of another one are refused."""
    store_id: str
    """The store whose orders it delivers."""
    webhook_url: str
    """The address to enter at the vendor."""
    secret_numbers: list[int]
    """The numbers of the secrets that a delivery may be signed with, the newest first."""


class KeyBody(Named):
    """A key as sent. A public key has the scope `collect` only; only it may have origins."""

    name: Name | None = None
    """A name for people."""
    scopes: Annotated[list[ScopeName], Field(min_length=1), AfterValidator(_unique)] | None = None
    """What the key may do; `admin` includes all."""
    public: Flag = False
    """Whether the key may be in a web page; such a key may only `collect`."""
    origins: Annotated[list[Origin], Field(max_length=LIST_ITEMS_MAX)] = Field(default_factory=list)
    """The origins of the pages that may use a public key; none means all."""


class KeyAnswer(Stored):
    """A key as answered: `label` identifies it. The key itself is shown at its creation only."""

    name: str | None
    """A name for people."""
    label: str
    """The first letters of the key, to recognise it by."""
    scopes: list[str]
    """What the key may do; `admin` includes all."""
    public: bool
    """Whether the key may be in a web page; such a key may only `collect`."""
    origins: list[str]
    """The origins of the pages that may use a public key; none means all."""


class WorkspaceOfKey(AnswerModel):
    """What a reader of answers must know of the key's workspace."""

    name: str
    """The brand's name."""
    time_zone: str
    """The IANA time zone whose days reports are by."""
    currency: str
    """The currency of figures that name none."""


class OwnKeyAnswer(AnswerModel):
    """The key that asks: what it may do, and where."""

    id: str
    """The id of the key."""
    name: str | None
    """A name for people."""
    scopes: list[str]
    """What the key may do; `admin` includes all."""
    public: bool
    """Whether the key may be in a web page; such a key may only `collect`."""
    workspace: WorkspaceOfKey
    """The workspace of the key."""


class NewKeyAnswer(KeyAnswer):
    """A key at its creation."""

    key: str
    """The key. It is shown in this answer and nowhere else."""
