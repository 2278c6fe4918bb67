"""Strange values in every field, path and query: refused by name or stored, never a failure."""

import json
from typing import Any

import pytest

from tests.integration.roi.roi_service import brand_running
from tests.integration.roi.test_catalog import KINDS, Kind, basics, filled

STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**63 - 1,
    1e308,
    "",
    " ",
    "a",
    "💥" * 200,
    "\u0000",
    "\ud800",
    "\u202e",
    "x" * 5000,
    "' OR 1=1 --",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "1e999999",
    "-0",
    [],
    [None],
    [[]],
    {},
    {"a": {"b": [1]}},
    {"amount": "1", "amount_minor": 1},
    {"amount_minor": 2**62, "currency": "KWD"},
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.path))
async def test_no_strange_value_is_a_failure(owner_url: str, kind: Kind) -> None:
    async with brand_running(owner_url) as brand:
        body = filled(kind.makes, await basics(brand))
        path = f"/v1/{kind.path}"
        made = await brand.post(path, body)
        document = (await brand.http.get(brand.roi.url + "/openapi.json")).json()
        name = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        schema = document["components"]["schemas"][name["schema"]["$ref"].rsplit("/", 1)[1]]
        for field in schema["properties"]:
            for value in STRANGE:
                for method, where in (("POST", path), ("PATCH", f"{path}/{made['id']}")):
                    sent = body | {field: value} if method == "POST" else {field: value}
                    answer = await brand.call(
                        method,
                        where,
                        content=json.dumps(sent),  # in ASCII, so that halves of pairs travel too
                        headers={"Content-Type": "application/json"},
                    )
                    assert answer.status_code in (200, 201, 400, 409, 422), (
                        method,
                        sent,
                        answer.text,
                    )
                    if answer.status_code == 422:
                        assert answer.json()["errors"], (method, sent, answer.text)


async def test_no_strange_path_or_query_is_a_failure(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        for path in (
            "/v1/creators/%F0%9F%92%A5",
            "/v1/creators/00000000-0000-0000-0000-00000000000G",
            "/v1/creators/by-external-id/a/b/c",
            "/v1/creators/" + "x" * 2000,
            "/v1/creators?limit=1e3",
            "/v1/creators?limit=１",
            "/v1/creators?cursor=" + "A" * 600,
            "/v1/creators?cursor=W251bGwsbnVsbF0",
            "/v1/creators?cursor=WzEsICJcdTAwMDAiXQ",
            "/v1/creators?include_archived=perhaps",
        ):
            refused = await brand.refused("GET", path)
            assert refused.status in (404, 405, 422), path
        strange = await brand.refused("PUT", "/v1/creators/by-external-id/%FF", {"name": "x"})
        assert strange.status == 422
        long = await brand.refused("PUT", "/v1/creators/by-external-id/" + "x" * 200, {"name": "x"})
        assert (long.status, list(long.errors)) == (422, ["external_id"])
