"""Sentences of an order: what it brought, who gets it, and by what evidence. Pure.

Promise: they describe the last decision, and say nothing that the answer does not hold.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from services.dashboard.client.catalog import Catalog
from services.dashboard.pages.orders.order_words import KINDS, TOUCHES, word
from services.dashboard.tables.texts import figure_text, percent_text
from shared.models import CREDIT_MODELS

Json = Mapping[str, Any]
ORGANIC: Final = "organic"
# A fraction with a larger denominator is read as a percentage; tables keep it exact.
SHOWN_DENOMINATOR_MAX: Final = 100
# The table of touches has the reason of each; a sentence with more of them is not read.
REASONS_MAX: Final = 3


def what_happened(told: Json) -> str:
    """Return what the order brought, or why it is in no figure."""
    what = f"The {word(KINDS, told['kind'])} {told['order_id']}"
    in_no_figure = {
        "awaiting_order": "is awaited: a change to it was received, the order itself was not.",
        "unconfirmed": "was only claimed by a web page, and earns nothing until the shop or a"
        " secret key confirms it.",
        "test": "is a test of the shop, and is in no figure.",
        "history": "is from before Laurel, and counts for nobody. It tells that its customer has"
        " bought before.",
    }
    said = in_no_figure.get(told["status"])
    if said is not None:
        return f"{what} {said}"
    if told["net"] is None:
        return f"{what} counts as one conversion, and carries no money."
    return f"{what} brought {figure_text('net_revenue', told['net'])} net."


def who_gets_it(told: Json, model: str, names: Catalog) -> str | None:
    """Return who gets the order under a model, and why; None before a decision."""
    if not told["revisions"] or told["status"] not in ("credited", ORGANIC):
        return None
    last = told["revisions"][-1]
    credits = [one for one in last["credits"] if one["model"] == model]
    if not credits:
        return f"The model “{model}” was not counted for this order."
    if all(one["account"] == ORGANIC for one in credits):
        return f"No creator gets it: {_why_nobody(last)}."
    shares: dict[str, Fraction] = {}
    for one in credits:
        name = account_name(one["account"], names)
        shares[name] = shares.get(name, Fraction(0)) + Fraction(one["share"])
    who = " and ".join(f"{name} gets {share_text(share)}" for name, share in shares.items())
    return (
        f"Under the model “{model}”, {who}, because {_because(last, model, names)}.{_aside(last)}"
    )


def share_text(share: Fraction) -> str:
    """Return `all of it`, `1/3 of it`, or `about 12.3 % of it`."""
    if share == 1:
        return "all of it"
    if share.denominator > SHOWN_DENOMINATOR_MAX:
        return f"about {percent_text(float(share))} of it"
    return f"{share} of it"


def touch_text(touch: Json) -> str:
    """Return what the buyer did: `clicked a link`, `typed a code NOMAD10`."""
    words = word(TOUCHES, touch["kind"])
    return f"{words} {touch['code']}" if touch["code"] else words


def content_name(touch: Json, names: Catalog) -> str:
    """Return the content of a touch, else its creator; a dash where it names neither."""
    placement = touch["placement_id"]
    if placement in names.placements or touch["creator_id"] is None:
        return names.placement(placement)
    return names.creator(touch["creator_id"])


def account_name(account: str, names: Catalog) -> str:
    """Return the name of an account of the ledger."""
    return "nobody (organic)" if account == ORGANIC else names.placement(account)


def _because(last: Json, model: str, names: Catalog) -> str:
    kept = [one for one in last["candidates"] if one["verdict"] == "kept"]
    count = len(kept) + _unlisted(last, kept=True)
    if not count:
        return "no touch of its own earns it, and those of the customer's first order do"
    if count == 1 and kept:
        return f"the buyer {touch_text(kept[0])} of {content_name(kept[0], names)}"
    codes = {one["code"] for one in kept}
    if len(kept) == count and len(codes) == 1 and None not in codes:
        return f"the buyer {touch_text(kept[0])}, which {count} of them share"
    rule = CREDIT_MODELS.get(model.partition("(")[0])
    counted = f"{count} touches count"
    return counted if rule is None else f"{counted} and {rule.sentence}"


def _aside(last: Json) -> str:
    listed = sum(one["verdict"] != "kept" for one in last["candidates"])
    count = listed + _unlisted(last, kept=False)
    if not count:
        return ""
    return " 1 other touch was set aside." if count == 1 else f" {count} others were set aside."


def _why_nobody(last: Json) -> str:
    rejected = [one for one in last["candidates"] if one["verdict"] != "kept"]
    count = len(rejected) + _unlisted(last, kept=False)
    if not count:
        return "no touch of the buyer with a creator's content is known"
    said = list(dict.fromkeys(one["failed_test"] for one in rejected if one["failed_test"]))
    looked = "1 touch was" if count == 1 else f"{count} touches were"
    reasons = "; ".join(said[:REASONS_MAX])
    return f"{looked} looked at and none counts" + (f": {reasons}" if reasons else "")


def _unlisted(last: Json, *, kept: bool) -> int:
    groups: Sequence[Json] = last["unlisted"]
    return sum(int(one["count"]) for one in groups if (one["reason"] is None) == kept)
