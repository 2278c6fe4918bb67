"""Imports of one brand beside another: a file names own objects only, and undoes own ones only."""

import httpx

from shared.ids import new_id
from tests.e2e.installation import Json
from tests.integration.foreign_catalog import shown_to_theirs
from tests.integration.tenants import TenantPair


def imports_into_own_workspace(pair: TenantPair) -> None:
    """A file names their objects by id and external id, and their link by its code."""
    roi = pair.mine.brand.roi
    before = shown_to_theirs(pair, "creators"), shown_to_theirs(pair, "links")

    def costs(one: str) -> list[Json]:
        file = f"kind,incurred_on,amount,currency,creator\nfee,2026-03-01,1.00,EUR,{one}\n"
        answer = pair.ask(roi, "POST", "/v1/imports/costs", {"file": file}).json()
        assert answer["created"] == 0
        found: list[Json] = answer["rejected"]
        return found

    foreign, unknown = pair.theirs.id_of("creators"), new_id()
    told = [str(costs(one)).replace(one, "") for one in (foreign, unknown)]
    assert told[0] == told[1]
    code = pair.theirs.made["links"]["code"]
    file = f"destination,creator,code\nhttps://a.example,{pair.mine.id_of('creators')},{code}\n"
    taken = pair.ask(roi, "POST", "/v1/imports/links", {"file": file}).json()
    assert [one["message"] for one in taken["rejected"]] == ["is taken"]
    assert (shown_to_theirs(pair, "creators"), shown_to_theirs(pair, "links")) == before


def counts_own_placements_only(pair: TenantPair) -> None:
    """A file that names their placement has no report of it, as for one that nobody has."""

    def counted(one: str) -> Json:
        file = f"placement,as_of,source,views\n{one},2026-03-01,Agency,1\n"
        answer = pair.ask(pair.mine.brand.roi, "POST", "/v1/imports/social", {"file": file})
        found: Json = answer.json()
        return found

    foreign, unknown = pair.theirs.id_of("placements"), new_id()
    for answer in map(counted, (foreign, unknown)):
        assert (answer["reports"], answer["changes"], answer["rejected_rows"]) == ([], [], 1)
    told = [str(counted(one)["rejected"]).replace(one, "") for one in (foreign, unknown)]
    assert told[0] == told[1]


def undoes_own_imports(pair: TenantPair) -> None:
    theirs = pair.theirs.brand.roi.post(
        "/v1/imports/creators", json={"file": f"name\nOf {pair.theirs.name}\n"}
    ).json()

    def undoing(one: str) -> httpx.Response:
        return pair.ask(pair.mine.brand.roi, "DELETE", f"/v1/imports/{one}")

    pair.refused_alike(404, undoing, theirs["id"])
    query = "/v1/imports?limit=200&include_archived=true"
    shown = pair.ask(pair.mine.brand.roi, "GET", query).json()["items"]
    assert theirs["id"] not in {one["id"] for one in shown}
    listed = pair.theirs.brand.roi.get(query).json()["items"]
    assert [one["deleted_at"] for one in listed if one["id"] == theirs["id"]] == [None]
