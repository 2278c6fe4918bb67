"""The HTTP bodies of conversions and adjustments, and the claims they give.

Promise: `claim` turns a valid body into a claim with its money in minor units, or raises a 422 that
names the field. What can go wrong: the sender gives money as a number, an unknown field, or no id.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field

from services.tracking.domain.claimed_events import joined, microseconds
from services.tracking.domain.claims import (
    CLAIM_TOKEN_LENGTH_MIN,
    AdjustmentClaim,
    ConversionClaim,
    PersonClaim,
)
from shared.api.shapes import Currency, Moment, MoneyIn, StrictModel
from shared.events import (
    CODES_MAX,
    CONVERSIONS,
    KEY_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    AdjustmentKind,
    ConversionKind,
)
from shared.http.problems import field_problem
from shared.ids import clean_id

# A report with a time of its own is newer than one without that has the same time.
TIMED: Final = (1,)
LINES_MAX: Final = 500  # line items of one order; no basket has more
STORE_LENGTH_MAX: Final = 200  # the longest name that the catalog takes


def not_blank(value: str) -> str:
    """Refuse a text of blanks."""
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _email(value: str) -> str:
    name, at, domain = value.strip().rpartition("@")
    if not (name and at and domain):
        raise ValueError("is not an e-mail address")
    return value


def _token(value: str) -> str:
    token = value.strip()
    if len(token) < CLAIM_TOKEN_LENGTH_MIN:
        raise ValueError(f"must have at least {CLAIM_TOKEN_LENGTH_MIN} characters")
    return token


Text = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX), AfterValidator(clean_id)]
Key = Annotated[str, Field(min_length=1, max_length=KEY_LENGTH_MAX), AfterValidator(clean_id)]
# A shopper types it, and invisible characters make no difference.
CodeText = Annotated[
    str, Field(min_length=1, max_length=TEXT_LENGTH_MAX), AfterValidator(not_blank)
]
Email = Annotated[str, Field(max_length=KEY_LENGTH_MAX), AfterValidator(_email)]
ClaimToken = Annotated[
    str, Field(min_length=CLAIM_TOKEN_LENGTH_MIN, max_length=KEY_LENGTH_MAX), AfterValidator(_token)
]
StoreName = Annotated[
    str, Field(min_length=1, max_length=STORE_LENGTH_MAX), AfterValidator(clean_id)
]
Proof = Annotated[str, Field(pattern="^[0-9A-Fa-f]{64}$")]


class PersonIn(StrictModel):
    """Keys of one person. An e-mail address is hashed before it is stored."""

    click_id: Key | None = None
    """The click id: the value of `lclid` in the address of the person's first page."""
    visitor_id: Key | None = None
    """The brand's own pseudonymous id of the browser."""
    customer_id: Key | None = None
    """The shop's id of the customer. With a public key it is stored only with its `proof`: without
    one, a page names nobody."""
    email: Email | None = None
    """The person's e-mail address. It is hashed before it is stored. With a public key it is not
    stored."""
    proof: Proof | None = None
    """What proves `customer_id` for a page with a public key: its HMAC-SHA256 in hexadecimal, made
    by your server, under the secret of `GET /v1/workspace/identity-secret`."""

    def claim(self) -> PersonClaim:
        """Return the keys as a claim."""
        return PersonClaim(
            self.visitor_id, self.click_id, self.customer_id, self.email, proof=self.proof
        )


_NO_KEYS: Final = PersonClaim()


def person_claim(sent: PersonIn | None) -> PersonClaim:
    """Return the keys of a person as a claim, without keys if none were sent."""
    return _NO_KEYS if sent is None else sent.claim()


class ConversionIn(StrictModel):
    """`POST /v1/conversions`. `net` is subtotal − discount, without tax and shipping."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "order_id": "1001",
                    "occurred_at": "2026-03-01T12:00:00Z",
                    "net": "49.90",
                    "currency": "EUR",
                    "person": {"customer_id": "42", "email": "ana@example.com"},
                    "codes": ["MIA10"],
                }
            ]
        }
    )

    kind: ConversionKind = "purchase"
    """What happened: a purchase, renewal, lead, sign-up or download."""
    store: StoreName | None = None
    """The store of the order: its id, its external id, or its name. An order id is unique in its
    store. Without it, the order belongs to the store `main`."""
    order_id: Text | None = None
    """The shop's id of the order; required for a purchase or renewal."""
    conversion_id: Text | None = None
    """The id of a lead, sign-up or download that has no order id."""
    event_id: Text | None = None
    """Your own id of this report. The order id or conversion id counts before it."""
    occurred_at: Moment
    """When it happened: a time with its UTC offset. With a public key, a time that is more than
    5 minutes off is replaced by the time at which the report was received."""
    updated_at: Moment | None = None
    """When the order was changed in the shop. A report with a newer time replaces the one before
    it. Without this field, another report of a known order does not count and is listed under
    attention."""
    net: MoneyIn | None = None
    """The value of the order: subtotal − discount, without tax and shipping."""
    subtotal: MoneyIn | None = None
    """The price of the goods before the discount. `net` is this minus `discount`."""
    discount: MoneyIn | None = None
    """The discount on the subtotal."""
    shipping: MoneyIn | None = None
    """The price of shipping. It is validated and not stored."""
    tax: MoneyIn | None = None
    """The tax. It is validated and not stored."""
    currency: Currency | None = None
    """The currency of the amounts that name no currency."""
    person: PersonIn | None = None
    """The keys of the buyer, as far as you know them."""
    codes: Annotated[tuple[CodeText, ...], Field(max_length=CODES_MAX)] = ()
    """The discount codes of the order."""
    claim_token: ClaimToken | None = None
    """A text that only the shop and the browser of the order know, such as the checkout's token.
    Keys that a page reports with a public key join an order that was reported with the same text.
    It is hashed before it is stored."""
    new_customer: bool | None = None
    """Whether this is the customer's first order; leave it out if you do not know."""
    history: bool = False
    """Whether this is a past order, from before Laurel. It tells that its customer has bought, so
    that no later order of theirs counts as a new customer's. It counts for nobody and in no figure,
    and its codes are not stored. It needs a customer id or an e-mail, and a secret key. A report of
    the same order without `history`, such as a webhook, replaces it."""
    lines: Annotated[list[dict[str, Any]], Field(max_length=LINES_MAX)] | None = None
    """The line items. Their number is limited, and they are not stored."""

    def claim(self) -> ConversionClaim:
        """Return the claim. Raises the 422 that names a wrong field."""
        net_minor, currency = self._net()
        return ConversionClaim(
            kind=self.kind,
            natural_id=self._natural_id(),
            occurred_at=self.occurred_at,
            net_minor=net_minor,
            currency=currency,
            person=person_claim(self.person),
            codes=self.codes,
            new_customer=self.new_customer,
            claim_token=self.claim_token,
            store=self.store,
            history=self.history,
            **self._version(),
        )

    def _version(self) -> dict[str, Any]:
        """Return what makes the report a version of its own: its time, or that it is history."""
        parts = ["history"] if self.history else []
        version: dict[str, Any] = {}
        if self.updated_at is not None:
            parts += ["updated_at", self.updated_at.isoformat()]
            version = {"version": microseconds(self.updated_at), "tie_break": TIMED}
        if parts:
            version["natural_key"] = joined(self._natural_id(), *parts)
        return version

    def _natural_id(self) -> str:
        sent = [value for value in (self.order_id, self.conversion_id) if value is not None]
        if CONVERSIONS[self.kind].is_order:
            if self.order_id is None:
                raise field_problem("order_id", f"is required for a {self.kind}")
            if self.conversion_id is not None:
                raise field_problem("conversion_id", f"a {self.kind} is identified by its order_id")
        if not sent:
            raise field_problem("conversion_id", f"is required for a {self.kind}")
        if len(sent) > 1:
            raise field_problem("conversion_id", "give order_id or conversion_id, not both")
        return sent[0]

    def _net(self) -> tuple[int | None, str | None]:
        minor: dict[str, int] = {}
        currency = self.currency
        for field in ("net", "subtotal", "discount", "shipping", "tax"):
            sent: MoneyIn | None = getattr(self, field)
            if sent is None:
                continue
            minor[field], currency = sent.minor(field, currency)
            if minor[field] < 0:
                raise field_problem(field, "must not be negative")
        net = minor.get("net")
        if "subtotal" in minor:
            derived = minor["subtotal"] - minor.get("discount", 0)
            if net is not None and net != derived:
                raise field_problem("net", "is not subtotal − discount")
            if derived < 0:
                raise field_problem("discount", "is more than the subtotal")
            net = derived
        if net is None and CONVERSIONS[self.kind].is_order:
            raise field_problem("net", f"is required for a {self.kind} (or subtotal and discount)")
        return net, currency if net is not None else None


class AdjustmentIn(StrictModel):
    """`POST /v1/adjustments`. `amount` less `tax` is taken away; `net_after` replaces the value."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "order_id": "1001",
                    "adjustment_id": "refund-1",
                    "kind": "refund",
                    "amount": "11.90",
                    "tax": "1.90",
                    "currency": "EUR",
                    "occurred_at": "2026-03-05T09:30:00Z",
                }
            ]
        }
    )

    store: StoreName | None = None
    """The store of the order: its id, its external id, or its name; the default is `main`."""
    order_id: Text
    """The id of the order that is adjusted."""
    adjustment_id: Text
    """The id of this adjustment. A second report with this id counts as the same one."""
    event_id: Text | None = None
    """Your own id of this report. `adjustment_id` counts before it."""
    conversion_kind: ConversionKind = "purchase"
    """The kind of the conversion that is adjusted."""
    kind: AdjustmentKind
    """What happened: a refund, cancel, chargeback or edit."""
    amount: MoneyIn | None = None
    """The amount to take away, greater than 0. Give this or `net_after`."""
    amount_minor: Annotated[int, Field(strict=True)] | None = None
    """The same as `amount`, in minor units of `currency`."""
    tax: MoneyIn | None = None
    """The part of `amount` that is tax or shipping and not goods. It is not taken away, so the
    money that was paid back can be sent as it is."""
    net_after: MoneyIn | None = None
    """The value of the order afterwards. Required for an edit."""
    currency: Currency | None = None
    """The currency of the amounts. Without it, the currency of the order."""
    occurred_at: Moment
    """When it happened: a time with its UTC offset."""

    def claim(self) -> AdjustmentClaim:
        """Return the claim. Raises the 422 that names a wrong field."""
        amount = self._amount()
        if amount is not None and self.net_after is not None:
            raise field_problem("net_after", "give amount or net_after, not both")
        if self.kind == "edit" and self.net_after is None:
            raise field_problem("net_after", "is required for an edit")
        if self.kind == "refund" and amount is None and self.net_after is None:
            raise field_problem("amount", "is required for a refund")
        amount_minor = net_after_minor = None
        currency = self.currency
        if amount is not None:
            amount_minor, currency = amount.minor("amount", self.currency)
            if amount_minor <= 0:
                raise field_problem("amount", "must be greater than 0: it is taken away")
        amount_minor = self._without_tax(amount_minor, currency)
        if self.net_after is not None:
            net_after_minor, currency = self.net_after.minor("net_after", self.currency)
            if net_after_minor < 0:
                raise field_problem("net_after", "must not be negative")
        return AdjustmentClaim(
            conversion_kind=self.conversion_kind,
            natural_id=self.order_id,
            adjustment_id=self.adjustment_id,
            kind=self.kind,
            occurred_at=self.occurred_at,
            amount_minor=amount_minor,
            net_after_minor=net_after_minor,
            currency=currency,
            store=self.store,
        )

    def _without_tax(self, amount_minor: int | None, currency: str | None) -> int | None:
        if self.tax is None:
            return amount_minor
        if amount_minor is None:
            raise field_problem("tax", "is a part of amount: send both")
        tax_minor, _ = self.tax.minor("tax", currency)
        if not 0 <= tax_minor <= amount_minor:
            raise field_problem("tax", "must be from 0 to amount")
        return amount_minor - tax_minor

    def _amount(self) -> MoneyIn | None:
        if self.amount_minor is None:
            return self.amount
        if self.amount is not None:
            raise field_problem("amount_minor", "give amount or amount_minor, not both")
        return MoneyIn(amount=None, amount_minor=self.amount_minor)
