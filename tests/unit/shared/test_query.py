"""Query parameters read as one model: values, errors and document as FastAPI's `Query()` has."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field

from shared.api.shapes import StrictModel
from shared.http.query import described_query, query_of


class Asked(StrictModel):
    """Parameters."""

    from_: Annotated[str | None, Field(alias="from")] = None
    """Where it begins."""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    """How many."""


def _app() -> FastAPI:
    app = FastAPI()

    @app.exception_handler(RequestValidationError)
    async def _told(_request: Request, wrong: RequestValidationError) -> JSONResponse:
        # The input is told by one of the two; no problem of a service shows it.
        told = [{"loc": error["loc"], "msg": error["msg"]} for error in wrong.errors()]
        return JSONResponse(told, 422)

    @app.get("/theirs")
    async def theirs(asked: Annotated[Asked, Query()]) -> dict[str, Any]:
        return asked.model_dump()

    @app.get("/ours", openapi_extra=described_query(Asked))
    async def ours(asked: Annotated[Asked, Depends(query_of(Asked))]) -> dict[str, Any]:
        return asked.model_dump()

    return app


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("from=a&limit=7", 200),
        ("from=", 200),
        ("limit=3&limit=4", 200),
        ("limit=0", 422),
        ("limit=x&from=a", 422),
        ("limit=", 422),
        ("other=1", 422),
        ("from_=a", 422),
    ],
)
async def test_values_and_errors(query: str, status: int) -> None:
    transport = httpx.ASGITransport(app=_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        theirs, ours = [await client.get(f"/{name}?{query}") for name in ("theirs", "ours")]
    assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())
    assert ours.status_code == status


def test_the_document_is_the_same_but_for_a_description_that_is_told_twice() -> None:
    paths = _app().openapi()["paths"]
    theirs, ours = (paths[f"/{name}"]["get"]["parameters"] for name in ("theirs", "ours"))
    for parameter in theirs:
        parameter["schema"].pop("description", None)
    assert ours == theirs
