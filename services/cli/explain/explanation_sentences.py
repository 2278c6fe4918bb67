"""The first sentences of an explanation: what an order brought, who gets it, and why. Pure.

Promise: the sentences describe the last revision and hold nothing that the record does not hold.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from services.cli.explain import plain_words
from services.cli.explain.catalog_names import Names
from shared.credits import CODE_AND_CLICK
from shared.money import format_minor


def what_happened(answer: dict[str, Any]) -> str:
    """Return `Order 1001 brought 49.90 EUR net.`, or why it brought nothing yet."""
    what = f"{plain_words.plain(plain_words.CONVERSIONS, answer['kind'])} {answer['order_id']}"
    if answer["status"] == "awaiting_order":
        return f"{what}: a change to it was received, the order itself was not."
    if answer["status"] == "unconfirmed":
        return (
            f"{what} was only claimed by a web page;"
            " it earns nothing until a trusted source confirms it."
        )
    if answer["status"] == "test":
        return f"{what} is a test order of the shop and is in no figure."
    if answer["status"] == "history":
        return (
            f"{what} is history: it is from before Laurel and counts for nobody."
            " It tells that its customer has bought before."
        )
    if answer.get("net") is None:
        return f"{what} counts as one conversion and carries no money."
    return f"{what} brought {plain_words.money(answer['net'])} net."


def who_gets_it(answer: dict[str, Any], names: Names, model: str) -> str:
    """Return who is credited under one model, and the evidence; empty before a decision."""
    if answer["status"] not in ("credited", "organic"):
        return ""
    last = answer["revisions"][-1]
    credits = [credit for credit in last["credits"] if credit["model"] == model]
    kept = [candidate for candidate in last["candidates"] if candidate["verdict"] == "kept"]
    first = last.get("acquired_from")
    if not kept and not first:
        return "Nobody is credited: " + _why_nobody(last)
    shares = _by_account(credits, names)
    who = " and ".join(f"{name} gets {share}" for name, share in shares)
    if first:
        return f"Under the model “{model}”, {who}, because {_won(first)}."
    others = len(last["candidates"]) - len(kept) + unlisted(last, kept=False)
    aside = (
        f" {_counted(others, 'other touch', 'other touches')} considered and set aside."
        if others
        else ""
    )
    count = len(kept) + unlisted(last, kept=True)
    because = _because(kept, count, credits, names, model)
    return f"Under the model “{model}”, {who}, because {because}.{aside}"


def unlisted(revision: dict[str, Any], *, kept: bool) -> int:
    """Return how many kept or rejected touches the list of a revision leaves out."""
    return sum(item["count"] for item in revision["unlisted"] if (item["reason"] is None) == kept)


def _by_account(credits: Sequence[dict[str, Any]], names: Names) -> list[tuple[str, str]]:
    if len(credits) == 1:
        return [(names.account(credits[0]["account"]), "all of it")]
    amounts: dict[tuple[str, str], int] = defaultdict(int)
    plain_shares = []
    for credit in credits:
        name = names.account(credit["account"])
        if credit.get("amount") is None:
            plain_shares.append((name, plain_words.share(credit["share"])))
        else:
            amounts[name, credit["amount"]["currency"]] += credit["amount"]["amount_minor"]
    return plain_shares or [
        (name, f"{format_minor(minor, currency)} {currency}")
        for (name, currency), minor in amounts.items()
    ]


def _because(
    kept: Sequence[dict[str, Any]],
    count: int,
    credits: Sequence[dict[str, Any]],
    names: Names,
    model: str,
) -> str:
    if count == 1:
        return _touched(kept[0], names)
    joined = credits[0].get("evidence_class") == CODE_AND_CLICK
    if joined and count == 2 and len(credits) == 1:
        return _code_and_click(kept[-1], credits[0], names)
    rule = f"{count} touches count and {plain_words.plain(plain_words.MODELS, model)}"
    # A credit of several touches names only one of them.
    earning = {credit["touch_id"] for credit in credits if credit["touches"] == 1}
    if len(earning) < len(credits):
        return rule
    chosen = [item for item in kept if item["touch_id"] in earning]
    if len(chosen) != 1:
        return rule
    touched = (
        _code_and_click(chosen[0], credits[0], names) if joined else _touched(chosen[0], names)
    )
    return f"{rule}: {touched}"


def _touched(item: dict[str, Any], names: Names) -> str:
    """Return `the buyer clicked a link of Mia · instagram reel`."""
    return f"the buyer {plain_words.evidence(item)} of {names.candidate(item)}"


def _won(first: dict[str, Any]) -> str:
    """Return why a later order is credited like the first one."""
    what = plain_words.plain(plain_words.CONVERSIONS, first["kind"]).lower()
    return (
        "no touch of its own earns it, and the touches of the customer's first"
        f" {what} {first['order_id']} won the customer"
    )


def _code_and_click(code: dict[str, Any], credit: dict[str, Any], names: Names) -> str:
    """Return `the buyer typed the code of Mia and had clicked a link of Mia · instagram reel`."""
    return f"{_touched(code, names)} and had clicked a link of {names.account(credit['account'])}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one} was" if count == 1 else f"{count} {many} were"


def _why_nobody(revision: dict[str, Any]) -> str:
    rejected = [*revision["candidates"], *revision["unlisted"]]
    if not rejected:
        return "no touch with a creator's content is known."
    count = len(revision["candidates"]) + unlisted(revision, kept=False)
    reasons = sorted({plain_words.plain(plain_words.REASONS, item["reason"]) for item in rejected})
    return f"{count} touches were looked at and none counts: {'; '.join(reasons)}."
