"""A call is a file of `routes/`: a service serves every router of the folder, and lists none."""

import ast
from pathlib import Path

import pytest

from shared.api.routers import routers_in
from tests.architecture.test_tidy import ROOT

MADE_UP = '''"""Made up."""
from shared.http.body import Router

router = Router()

@router.get("/v1/made-up")
async def made_up() -> dict[str, str]:
    return {}
'''
MADE_UP_OF_PARTS = '''"""Made up."""
from shared.http.body import Router

def router_of(prefix: str) -> Router:
    router = Router(prefix=prefix)

    @router.get("/of-parts")
    async def of_parts() -> dict[str, str]:
        return {}

    return router
'''


def test_a_new_file_is_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "made_up_routes"
    package.mkdir()
    (package / "__init__.py").write_text('"""Made up."""\n')
    (package / "helping.py").write_text('"""No call."""\n')
    (package / "made_up.py").write_text(MADE_UP)
    (package / "of_parts.py").write_text(MADE_UP_OF_PARTS)
    monkeypatch.syspath_prepend(tmp_path)
    routers = routers_in("made_up_routes", "/v1")
    paths = [getattr(route, "path", None) for router in routers for route in router.routes]
    assert paths == ["/v1/made-up", "/v1/of-parts"]


@pytest.mark.parametrize("service", ["tracking", "attribution", "roi"])
def test_an_app_names_no_file_of_routes_but_its_parts_and_the_redirect(service: str) -> None:
    tree = ast.parse((ROOT / f"services/{service}/app.py").read_text())
    home = f"services.{service}.routes"
    named = {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(home)
    }
    # The redirect answers every address that no other call has, so its place is the last.
    exceptions = {f"{home}.{name}" for name in ("parts", "redirect", "redirect_protocol")}
    assert named <= exceptions
