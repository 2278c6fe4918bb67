"""/v1/stores: the shops and tills of a brand. A workspace is made with one, `main`.

An order id is unique in its store. Sources of one store tell one story, two stores never do.

Promise: the first store is never archived, and no other store is called `main`, because that word
names the first one in every call.
What can go wrong: 409 for the word `main` and for the archiving of the first store, 422 for more
than `STORES_MAX` stores.
"""

from typing import Any, ClassVar, Final

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.store.connected_shops import count_stores
from services.roi.wire.stores import StoreAnswer, StoreBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID
from shared.http.problems import Problem, field_problem
from shared.ids import MAIN_STORE, new_id

# Every event that names a store by name looks through them, and no brand has more shops.
STORES_MAX: Final = 200


class Stores(Resource[StoreBody]):
    """Stores as a resource."""

    kind = "store"
    path = "/v1/stores"
    answer = StoreAnswer
    example: ClassVar[Example] = {"external_id": EXAMPLE_EXTERNAL_ID, "name": "Outlet"}
    correction: ClassVar[Example] = {"name": "Outlet Berlin"}

    @override
    async def draft(self, work: Work, body: StoreBody, current: EntityFacts | None) -> Version:
        is_main = current is not None and current["is_main"]
        if not is_main:
            _check_not_main("name", body.name)
            _check_not_main("external_id", body.external_id)
        if current is None:
            await check_room(work, "name")
        return Version(plain_facts(body) | {"is_main": is_main})

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        return {**entity.latest.facts}

    @override
    def guard_archive(self, entity: Entity) -> None:
        if entity.latest.facts["is_main"]:
            raise Problem(409, None, "the first store of a workspace stays in use")


def _check_not_main(field: str, text: str | None) -> None:
    if text is not None and text.strip().lower() == MAIN_STORE:
        raise field_problem(field, f"{MAIN_STORE} names the first store of the workspace", 409)


async def check_room(work: Work, field: str) -> None:
    """Raise the 422 that names the field when the workspace has as many stores as it may have."""
    if await count_stores(work.writer) >= STORES_MAX:
        raise field_problem(field, f"a workspace has at most {STORES_MAX} stores")


async def made_for_shop(work: Work, name: str) -> str:
    """Make the store of a new shop and return its id. Raises the 422 of `check_room`."""
    await check_room(work, "store_id")
    store = await work.writer.create(
        "store", new_id(), (Version({"name": name, "is_main": False}),)
    )
    return store.id


router = catalog_router(Stores(StoreBody))
