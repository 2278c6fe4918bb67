"""/v1/workspace: the brand that the key belongs to: its name, reporting time zone and currency.

Promise: another time zone changes the local days, so all rollups are rebuilt in the background.
Answers use the old days, and name the old zone, until the new rollups are complete.
"""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from services.roi.domain.entity import Entity, Version
from services.roi.routes.catalog_calls import answered, validated, writing
from services.roi.routes.parts import parts_of, require
from services.roi.store.catalog import Reader, Writer
from services.roi.store.rebuild_rows import UnknownTimeZone, ask_rebuild
from services.roi.store.workspaces import rename
from services.roi.wire.patches import named_values, patch_of
from services.roi.wire.rules import IdentitySecretAnswer, WorkspaceAnswer, WorkspaceBody
from shared.api.openapi import example_body, problems
from shared.api.shapes import StrictModel
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.problems import field_problem

router = Router(tags=["workspace"], responses=problems(429))
_PATCH = patch_of(WorkspaceBody)


@router.get("/v1/workspace", response_model=WorkspaceAnswer, summary="Show the workspace")
async def show_workspace(
    request: Request, caller: Annotated[Principal, Depends(require("read"))]
) -> Response:
    """The workspace of the key."""
    async with parts_of(request).database.read([caller.workspace_id]) as conn:
        workspace = await _workspace(await Reader.of(conn, caller.workspace_id))
    return answered(_shown(workspace))


@router.get(
    "/v1/workspace/identity-secret",
    response_model=IdentitySecretAnswer,
    summary="Show the identity secret",
)
async def show_identity_secret(
    request: Request, caller: Annotated[Principal, Depends(require("admin"))]
) -> Response:
    """The secret by which your server proves who is logged in: `person.proof` of a report."""
    secrets = parts_of(request).sealer.identity_secrets()
    return answered(IdentitySecretAnswer(identity_secret=secrets.of(caller.workspace_id)))


async def correct_workspace(
    request: Request, caller: Annotated[Principal, Depends(require("write"))], patch: StrictModel
) -> Response:
    """Correct the named fields."""
    async with writing(parts_of(request), caller.workspace_id) as work:
        workspace = await _workspace(work.writer)
        values: dict[str, Any] = {**workspace.latest.facts} | named_values(patch)
        body = validated(WorkspaceBody, values)
        if not await rename(work.writer, body.name):
            raise field_problem("name", "is taken", 409)
        facts = body.model_dump(mode="json")
        zones = (workspace.latest.facts["time_zone"], facts["time_zone"])
        if zones[0] != zones[1]:
            await _rebuild_rollups(work.writer, *zones)
        changed = await work.writer.change(workspace, versions=(Version(facts),))
    return answered(_shown(changed))


correct_workspace.__annotations__["patch"] = _PATCH
router.patch(
    "/v1/workspace",
    response_model=WorkspaceAnswer,
    responses=problems(409),
    openapi_extra=example_body({"currency": "EUR"}),
    summary="Correct the workspace",
)(correct_workspace)


async def _rebuild_rollups(writer: Writer, present_zone: str, time_zone: str) -> None:
    """Request rollups by the days of another time zone; 422 when Postgres does not know it."""
    try:
        await ask_rebuild(writer.pg, writer.workspace_id, present_zone, time_zone)
    except UnknownTimeZone:
        message = "is not an IANA time zone such as Europe/Berlin"
        raise field_problem("time_zone", message) from None


async def _workspace(reader: Reader) -> Entity:
    found = await reader.find("workspace", reader.workspace_id)
    assert found is not None, "a workspace and its entity are created together"
    return found


def _shown(workspace: Entity) -> WorkspaceAnswer:
    return WorkspaceAnswer.model_validate(
        {**workspace.latest.facts, "id": workspace.id, "created_at": workspace.created_at}
    )
