"""The printed page of an explanation: sentences, evidence, money by model, reports, revisions."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.explain import plain_words
from services.cli.explain.catalog_names import Names
from services.cli.explain.explanation_sentences import what_happened, who_gets_it
from services.cli.explain.order_tables import order_tables
from shared.ids import MAIN_STORE


def page(
    answer: dict[str, Any], names: Names, model: str, zone: ZoneInfo
) -> Iterator[RenderableType]:
    """Yield the parts of the page, in order; times are in the given zone."""
    yield from _sentences(answer, names, model)
    revisions = answer["revisions"]
    if revisions and revisions[-1]["candidates"]:
        yield _evidence(revisions[-1]["candidates"], names, _order_time(answer), zone)
        for item in revisions[-1]["unlisted"]:
            yield Text(_not_listed(item), style="quiet")
    if revisions and revisions[-1]["credits"]:
        yield _credits(revisions[-1]["credits"], names)
    yield from order_tables(answer, zone)
    if len(revisions) > 1:
        yield _revisions(revisions, zone)
    if answer["next_cursor"]:
        yield Text("Older revisions: GET /v1/explanations with a cursor.", style="quiet")
    if answer["ledger"]:
        count = len(answer["ledger"]) + answer["ledger_left_out"]
        yield Text(
            f"{count} ledger entries, the last at"
            f" {plain_words.moment(answer['ledger'][-1]['recorded_at'], zone)} {zone.key}",
            style="quiet",
        )


def _sentences(answer: dict[str, Any], names: Names, model: str) -> Iterator[RenderableType]:
    yield Text(what_happened(answer), style="bold")
    if answer["store"] != MAIN_STORE:
        yield Text(f"It belongs to the store {names.store}.")
    sentence = who_gets_it(answer, names, model)
    if sentence:
        yield Text(sentence)
    if answer["creator"]:
        yield Text(_of_creator(answer["creator"], names))


def _not_listed(item: dict[str, Any]) -> str:
    """Return `and 9,900 more that count`, or why they do not."""
    if item["reason"] is None:
        return f"and {item['count']:,} more that count"
    reason = plain_words.plain(plain_words.REASONS, item["reason"])
    return f"and {item['count']:,} more that do not count: {reason}"


def _order_time(answer: dict[str, Any]) -> datetime | None:
    """Return the time of the order from its last ledger entry; None without entries."""
    times = [entry["occurred_at"] for entry in answer["ledger"] if entry.get("occurred_at")]
    return datetime.fromisoformat(times[-1]) if times else None


def _evidence(
    candidates: list[dict[str, Any]], names: Names, order_at: datetime | None, zone: ZoneInfo
) -> RenderableType:
    table = Table(title="Touches of the buyer", title_justify="left", box=None, pad_edge=False)
    for heading in ("", f"when ({zone.key})", ""):
        table.add_column(heading, no_wrap=True)
    table.add_column("what, and whose")
    for item in sorted(candidates, key=lambda found: datetime.fromisoformat(found["occurred_at"])):
        is_kept = item["verdict"] == "kept"
        at = datetime.fromisoformat(item["occurred_at"])
        table.add_row(
            Text("✓" if is_kept else "✗", style="good" if is_kept else "bad"),
            plain_words.moment(item["occurred_at"], zone),
            plain_words.before(at, order_at) if order_at is not None else "",
            _touch(item, names),
        )
    return table


def _touch(item: dict[str, Any], names: Names) -> Text:
    """Return `clicked a link: Mia · instagram reel`, and below it why it does not count."""
    text = Text(f"{plain_words.evidence(item)}: {names.candidate(item)}")
    if item["verdict"] != "kept":
        text.append(f"\ndoes not count: {item['failed_test']};", style="quiet")
        text.append(f"\n{item['would_count_if']}", style="quiet")
    return text


def _of_creator(creator: dict[str, Any], names: Names) -> str:
    """Return `Mia: None of its touches counts; each says why.`"""
    name = names.creators.get(creator["creator_id"], creator["creator_id"])
    return f"{name}: {creator['sentence']}"


def _credits(credits: list[dict[str, Any]], names: Names) -> RenderableType:
    table = Table(title="Who gets the credit", title_justify="left", box=None, pad_edge=False)
    for heading in ("model", "meaning", "who", "share"):
        table.add_column(heading)
    table.add_column("amount", justify="right")
    for credit in credits:
        table.add_row(
            credit["model"],
            Text(plain_words.MODELS.get(credit["model"], ""), style="quiet"),
            names.account(credit["account"]),
            plain_words.share(credit["share"]),
            plain_words.money(credit.get("amount")),
        )
    return table


def _revisions(revisions: list[dict[str, Any]], zone: ZoneInfo) -> RenderableType:
    table = Table(title="Revisions of the credit", title_justify="left", box=None, pad_edge=False)
    for heading in ("revision", f"recorded ({zone.key})", "because"):
        table.add_column(heading)
    table.add_column("net", justify="right")
    for item in revisions:
        table.add_row(
            str(item["revision"]),
            plain_words.moment(item["recorded_at"], zone),
            plain_words.plain(plain_words.REVISIONS, item["reason"]),
            plain_words.money(item.get("net")),
        )
    return table
