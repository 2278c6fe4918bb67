"""/v1/links: short links to a destination. The owner may change from a date on, the code never.

Promise: a code is unique on the short host, over all workspaces; the answer for a taken code does
not reveal its owner. A destination is canonical and does not point to the short host.
"""

import secrets
from typing import Any, ClassVar

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.domain.link_codes import RANDOM_BYTES, generated_link_code
from services.roi.domain.periods import corrected, row_from
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import (
    Example,
    Resource,
    Work,
    check_one_of,
    keep_one_of,
    plain_facts,
)
from services.roi.store.link_code_rows import claim
from services.roi.wire.destinations import canonical_url, host_of
from services.roi.wire.link_shapes import LinkAnswer, LinkBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, example_id
from shared.api.shapes import Moment
from shared.http.problems import field_problem

_OWNERS = ("placement_id", "creator_id")


class Links(Resource[LinkBody]):
    """Links as a resource."""

    kind = "link"
    path = "/v1/links"
    answer = LinkAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "placement_id": example_id("placement"),
        "destination": "https://shop.example/bag",
        "code": "mia-bag",
    }
    correction: ClassVar[Example] = {"destination": "https://shop.example/bag?color=red"}
    patch_valid_from = Moment | None
    patch_means = (
        "Without `valid_from` another owner gets the whole last period, with all its touches. With"
        " `valid_from` a new period begins there, and earlier touches stay with the former owner;"
        " null selects the first period. All other fields have one value for all periods."
    )

    @override
    async def draft(self, work: Work, body: LinkBody, current: EntityFacts | None) -> Version:
        check_one_of(body, *_OWNERS)
        if body.placement_id is not None:
            await work.referred("placement_id", "placement", body.placement_id)
        if body.creator_id is not None:
            await work.referred("creator_id", "creator", body.creator_id)
        if host_of(body.destination) == host_of(canonical_url(work.parts.short_base + "/")):
            raise field_problem("destination", "points to the host of the short links")
        return Version(plain_facts(body) | {"code": self._code(body, current)})

    def _code(self, body: LinkBody, current: EntityFacts | None) -> str:
        if current is None:
            return body.code or generated_link_code(secrets.token_bytes(RANDOM_BYTES))
        code: str = current["code"]
        if body.code not in (None, code):
            raise field_problem(
                "code", "of a link cannot be changed: its address is already published"
            )
        return code

    @override
    async def saved(self, work: Work, entity: Entity, *, is_new: bool) -> None:
        if is_new and not await claim(work.writer, entity.latest.facts["code"], entity.id):
            raise field_problem("code", "is taken", 409)

    @override
    def row_to_correct(
        self, rows: tuple[Version, ...], named: dict[str, Any]
    ) -> tuple[tuple[Version, ...], int]:
        """Select the last period, or the one that begins at `valid_from`; make it if needed."""
        if "valid_from" not in named:
            return rows, len(rows) - 1
        return row_from(rows, named.pop("valid_from"))

    @override
    def rows_with(self, rows: tuple[Version, ...], place: int, row: Version) -> tuple[Version, ...]:
        return corrected(rows, place, row.facts, frozenset(_OWNERS))

    @override
    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        return keep_one_of(current, named, _OWNERS)

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        facts = entity.latest.facts
        periods = [
            {**row.facts, "valid_from": row.valid_from, "valid_to": row.valid_to}
            for row in entity.versions
        ]
        return {
            **facts,
            "short_url": f"{parts.short_base}/{facts['code']}",
            "periods": periods,
        }


router = catalog_router(Links(LinkBody))
