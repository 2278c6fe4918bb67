"""Plain words for terms of the API: reasons, kinds of evidence, statuses, ages, shares.

Promise: every term of the closed lists has words (a test compares those that stand here). An
unknown term of a newer Laurel is shown as it is.
"""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.attribution.domain.reasons import Reason
from shared import events
from shared.credits import TOUCHES
from shared.models import CREDIT_MODELS
from shared.money import format_minor

REASONS: Final = {reason.value: reason.plain for reason in Reason}

KINDS: Final = {kind: facts.word for kind, facts in TOUCHES.items()}

# A fraction with a larger denominator is shown as a percentage.
SHOWN_DENOMINATOR_MAX: Final = 100

MODELS: Final = {name: model.sentence for name, model in CREDIT_MODELS.items()}

CONVERSIONS: Final = {kind: facts.word for kind, facts in events.CONVERSIONS.items()}

SOURCES: Final = {
    "webhook": "the shop",
    "secret": "a secret key",
    "public": "a web page",
    "edge": "the redirect",
}

ADJUSTMENTS: Final = {
    "refund": "refund",
    "cancel": "cancellation",
    "edit": "edit",
    "chargeback": "chargeback",
}

# Why a version of an order does not count.
VERSION_REASONS: Final = {
    "replaced": "replaced by a newer one",
    "less_trusted": "a more trusted source counts",
}

# What is to be said of an adjustment.
ADJUSTMENT_REASONS: Final = {
    "above_rest": "counts, and takes more than was left",
    "replaced": "replaced by a newer report of it",
    "came_back": "the money stayed with the shop: the payment failed or the dispute was won",
    "takes_nothing": "takes none of the goods' value",
    "nothing_left": "nothing was left to take",
    "told_elsewhere": "the refunds of the order's own source count",
    "other_currency": "in another currency than the order",
    "not_trusted": "of a source that is not trusted",
    "awaiting_order": "the order itself was not received",
    "test_order": "the order is a test",
    "past_order": "the order is from before Laurel",
}

REVISIONS: Final = {
    "first_decision": "the order was received",
    "new_evidence": "new data of the order: a refund, an edit, another source",
    "journey_changed": "new data of the journey: a late touch, or a second device of the buyer",
    "fact_corrected": "a link, code or placement was corrected",
    "new_rules": "an update of Laurel decides it by other rules",
}


def plain(terms: dict[str, str], term: str | None) -> str:
    """Return the plain words of a term; an unknown term with blanks; empty for None."""
    if term is None:
        return ""
    return terms.get(term, term.replace("_", " "))


def evidence(item: dict[str, Any]) -> str:
    """Return what a touch was: `clicked a link`, `typed the code MIA10`."""
    words = plain(KINDS, item["kind"])
    return f"{words} {item['code']}" if item["code"] else words


def money(value: dict[str, object] | None) -> str:
    """Return `49.90 EUR` for `{"amount_minor": 4990, "currency": "EUR"}`; a dash for None."""
    if value is None:
        return "–"
    minor, currency = value["amount_minor"], str(value["currency"])
    assert isinstance(minor, int)
    return f"{format_minor(minor, currency)} {currency}"


def share(text: str) -> str:
    """Return "all" for `1/1`, "a third" for `1/3`, and a percentage for a long fraction."""
    known = {"1": "all", "1/2": "half", "1/3": "a third", "2/3": "two thirds", "1/4": "a quarter"}
    exact = Fraction(text)
    if exact.denominator > SHOWN_DENOMINATOR_MAX:
        return f"about {round(exact * 1000) / 10} %"
    return known.get(str(exact), text)


def before(touch_at: datetime, order_at: datetime) -> str:
    """Return the time from the touch to the order in words, in the largest whole unit."""
    apart = order_at - touch_at
    # Shops round the time of an order to a second or a minute, so a code may seem later than it.
    if apart <= -timedelta(minutes=1):
        return "after the order"
    if apart < timedelta(minutes=1):
        return "at the checkout"
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        count = apart // length
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} before"
    return f"{apart // timedelta(minutes=1)} min before"


def moment(text: str, zone: ZoneInfo) -> str:
    """Return an RFC 3339 time to the minute, in a time zone."""
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M")
