"""Conversion of an entity into its record on `laurel.catalog`.

Promise: the record holds every current period, so compaction of the topic loses nothing. It holds
no fact that only roi uses. A cost is used by roi only and has no record. A link or code without a
placement belongs to the automatic placement of its creator.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from services.roi.domain.entity import Entity, EntityFacts, EntityKind
from shared.catalog import (
    AnyCatalogRecord,
    ApiKey,
    Campaign,
    Code,
    CodePeriod,
    Connection,
    Creator,
    Link,
    LinkPeriod,
    Placement,
    Policy,
    Store,
    Workspace,
)
from shared.code_texts import code_text
from shared.ids import automatic_placement_id


def to_record(entity: Entity) -> AnyCatalogRecord | None:
    """Return the catalog record of an entity; None for a kind without records."""
    build = _BUILDERS.get(entity.kind)
    return None if build is None else build(entity, _common(entity))


def owning_placement_id(workspace_id: str, facts: EntityFacts) -> str:
    """Return the id of the placement that a link or code belongs to."""
    named: str | None = facts["placement_id"]
    return named or automatic_placement_id(workspace_id, facts["creator_id"])


def _common(entity: Entity) -> dict[str, Any]:
    return {
        "workspace_id": entity.workspace_id,
        "id": entity.id,
        "revision": entity.revision,
        "recorded_at": entity.recorded_at,
        "deleted_at": entity.archived_at,
    }


def _workspace(entity: Entity, common: dict[str, Any]) -> Workspace:
    facts = entity.latest.facts
    return Workspace(
        name=facts["name"], time_zone=facts["time_zone"], currency=facts["currency"], **common
    )


def _key(entity: Entity, common: dict[str, Any]) -> ApiKey:
    facts = entity.latest.facts
    return ApiKey(
        sha256=facts["sha256"],
        scopes=tuple(facts["scopes"]),
        public=facts["public"],
        origins=tuple(facts["origins"]),
        **common,
    )


def _creator(entity: Entity, common: dict[str, Any]) -> Creator:
    facts = entity.latest.facts
    accounts = facts.get("platform_accounts") or ()
    handles = (facts.get("handle"), *(account["handle"] for account in accounts))
    return Creator(
        name=facts["name"],
        automatic_placement_id=automatic_placement_id(entity.workspace_id, entity.id),
        handles=tuple(dict.fromkeys(handle for handle in handles if handle)),
        **common,
    )


def _campaign(entity: Entity, common: dict[str, Any]) -> Campaign:
    return Campaign(name=entity.latest.facts["name"], **common)


def _placement(entity: Entity, common: dict[str, Any]) -> Placement:
    facts = entity.latest.facts
    named = ("creator_id", "campaign_id", "platform", "is_brand", "automatic")
    return Placement(**{name: facts[name] for name in named}, **common)


def _link(entity: Entity, common: dict[str, Any]) -> Link:
    facts = entity.latest.facts
    periods = tuple(
        LinkPeriod(
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            placement_id=owning_placement_id(entity.workspace_id, row.facts),
        )
        for row in entity.versions
    )
    return Link(
        code=facts["code"],
        destination=facts["destination"],
        periods=periods,
        enabled=facts["enabled"],
        **common,
    )


def _code(entity: Entity, common: dict[str, Any]) -> Code:
    periods = tuple(
        CodePeriod(
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            creator_id=row.facts["creator_id"],
            placement_id=owning_placement_id(entity.workspace_id, row.facts),
        )
        for row in entity.versions
    )
    return Code(code=code_text(entity.latest.facts["code"]).text, periods=periods, **common)


def _store(entity: Entity, common: dict[str, Any]) -> Store:
    return Store(name=entity.latest.facts["name"], external_id=entity.external_id, **common)


def _connection(entity: Entity, common: dict[str, Any]) -> Connection:
    facts = entity.latest.facts
    return Connection(
        kind=facts["kind"],
        sealed_secrets=tuple(facts["sealed_secrets"]),
        shop_domain=facts["shop_domain"],
        store_id=facts.get("store_id"),
        **common,
    )


def policy_record(entity: Entity, common: dict[str, Any], record: type[Policy] = Policy) -> Policy:
    """Return the record of a policy; a field that the stored facts lack gets its default."""
    values = {**entity.latest.facts, **common, "valid_from": entity.latest.valid_from}
    return msgspec.convert({**values, "entity": "policy"}, record)


_Builder = Callable[[Entity, dict[str, Any]], AnyCatalogRecord]
_BUILDERS: Final[Mapping[EntityKind, _Builder]] = {
    "workspace": _workspace,
    "key": _key,
    "creator": _creator,
    "campaign": _campaign,
    "placement": _placement,
    "link": _link,
    "code": _code,
    "store": _store,
    "connection": _connection,
    "policy": policy_record,
}
