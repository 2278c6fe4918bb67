"""The command `laurel explain`: get the explanation, get the names, print both."""

import asyncio
import json
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import httpx
import typer

from services.cli.console import out, plain
from services.cli.explain.catalog_names import find_creator, find_names
from services.cli.explain.explanation_page import page
from services.cli.profile import Api, Refused, choose_profile
from shared.clock import SystemClock
from shared.errors import ConfigurationError
from shared.events import CONVERSIONS, ConversionKind
from shared.settings import Settings


def explain(
    order: Annotated[str, typer.Argument(help="The order's id, or the id of a lead or sign-up.")],
    kind: Annotated[
        ConversionKind, typer.Option(help="Which conversion, where several share the id.")
    ] = "purchase",
    model: Annotated[str, typer.Option(help="The model of the first sentence.")] = "last",
    creator: Annotated[
        str | None,
        typer.Option(help="Say why this creator (name, handle or id) earned or did not."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON of the API.")] = False,
    workspace: Annotated[
        str | None, typer.Option(help="A workspace other than that of the admin key.")
    ] = None,
) -> None:
    """Explain the credits of an order: every touch, kept or rejected, and each share.

    Times are in the time zone of the workspace. The number of an order may have a # before it.
    """
    asyncio.run(_explain(order, kind, model, workspace, creator, as_json=as_json))


async def _explain(
    order: str,
    kind: ConversionKind,
    model: str,
    workspace: str | None,
    creator: str | None,
    *,
    as_json: bool,
) -> None:
    profile = await choose_profile(Settings.load(), workspace, SystemClock())
    async with Api(profile) as api:
        creator_id = await find_creator(api, creator) if creator else None
        answer = await fetch(api, order, kind, creator_id)
        if as_json:
            plain(json.dumps(answer, indent=2))
            return
        _require_model(answer, model)
        names = await find_names(api, _placements(answer), _creators(answer))
        zone = ZoneInfo((await api.get("roi", "/v1/workspace"))["time_zone"])
    for number, part in enumerate(page(answer, names, model, zone)):
        if number:
            out.print()
        out.print(part)


async def fetch(api: Api, order: str, kind: str, creator_id: str | None = None) -> dict[str, Any]:
    """Return the explanation of one conversion; raises `ConfigurationError` if it is unknown."""
    name = "order_id" if CONVERSIONS[kind].is_order else "conversion_id"
    asked = {name: order, "kind": kind} | ({"creator_id": creator_id} if creator_id else {})
    try:
        return dict(await api.get("attribution", "/v1/explanations", **asked))
    except Refused as refused:
        if refused.status != httpx.codes.NOT_FOUND:
            raise
        raise ConfigurationError(
            f"no {kind.replace('_', '-')} {order!r} is known. An order appears about a second after"
            " it was sent; leads, sign-ups and downloads need --kind"
        ) from refused


def _require_model(answer: dict[str, Any], model: str) -> None:
    """Raise `ConfigurationError` if the order has credits but none of the model."""
    known = {credit["model"] for revision in answer["revisions"] for credit in revision["credits"]}
    if known and model not in known:
        raise ConfigurationError(
            f"{answer['order_id']} is not credited under a model {model!r};"
            f" there are {', '.join(sorted(known))}"
        )


def _placements(answer: dict[str, Any]) -> set[str]:
    found = {
        item["placement_id"] for revision in answer["revisions"] for item in revision["candidates"]
    }
    found |= {item["account"] for revision in answer["revisions"] for item in revision["credits"]}
    return {id for id in found if id and id != "organic"}


def _creators(answer: dict[str, Any]) -> set[str]:
    found = {
        item["creator_id"] for revision in answer["revisions"] for item in revision["candidates"]
    }
    asked = answer["creator"]["creator_id"] if answer["creator"] else None
    return {id for id in (*found, asked) if id}
