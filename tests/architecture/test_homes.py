"""One folder for each vendor: its name is in no other file, and a new folder is found."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from shared.extensions import VENDOR_PACKAGE, folder_names
from tests.architecture.test_tidy import ROOT, python_files, tracked

PRODUCT: Final = ("services/", "shared/", "deploy/")
# A client of the API, which imports no service: its pages choose metrics by their words.
CLIENT: Final = "services/dashboard/"
VENDORS: Final = folder_names(VENDOR_PACKAGE)

MADE_UP: Final = '''"""A vendor that exists in this test only."""

from services.tracking.adapters.payload import Unusable, first_moment, identifier, read_json
from services.tracking.domain.claims import ConversionClaim, Rejected
from services.tracking.domain.deliveries import Account, Claims, Delivery


def verify(delivery: Delivery, account: Account) -> bool:
    return delivery.values(b"x-acme") in [[secret] for secret in account.secrets]


def read(delivery: Delivery, currency: str | None) -> Claims | Rejected:
    payload = read_json(delivery.body)
    try:
        moment = first_moment(payload, "at")
        return (ConversionClaim("lead", identifier(payload, "lead"), moment),)
    except Unusable as problem:
        return Rejected((problem.flaw,))
'''

# Runs in the copy of the product. It fails, or prints "found".
ASKED: Final = """
import asyncio, httpx, json, sys
from deploy.schemas import openapi
from pathlib import Path
from services.roi.wire.rules import ConnectionBody
from services.tracking.app import Tracking
from services.tracking.settings import TrackingSettings
from shared.catalog import Connection
from shared.clock import SystemClock
from shared.ids import natural_id, new_id
from shared.log.memory import MemoryBroker, MemoryLog
from shared.sealing import Sealer

assert str(Path(sys.modules["services"].__path__[0]).parent) == sys.argv[1], "the copy is not used"
documents = openapi()
kind = documents["roi"]["components"]["schemas"]["ConnectionBody"]["properties"]["kind"]
assert kind["enum"] == json.loads(sys.argv[2]), kind
route = documents["tracking"]["paths"]["/webhooks/{vendor}/{connection_id}"]["post"]
(vendor, _) = route["parameters"]
assert vendor["schema"]["enum"] == kind["enum"], vendor
assert ConnectionBody(kind="acme", secret="s" * 16).kind == "acme"


async def deliver():
    clock, workspace_id, connection_id = SystemClock(), new_id(), new_id()
    environment = {"LAUREL_DATA_DIR": sys.argv[1], "LAUREL_SECRET_KEY": "k" * 32}
    settings = TrackingSettings.load(environment)
    tracking = Tracking(settings, MemoryLog(MemoryBroker(clock)), clock)
    sealed = Sealer("k" * 32).seal("hush", connection_id)
    tracking.catalog.put(Connection(workspace_id=workspace_id, id=connection_id, revision=1,
        recorded_at=clock.now(), kind="acme", sealed_secrets=(sealed,)))
    tracking.catalog.is_complete = True
    address = f"/webhooks/acme/{connection_id}"
    body = {"lead": "7", "at": "2026-03-01T12:00:00Z"}
    asking = httpx.AsyncClient(transport=httpx.ASGITransport(tracking.app), base_url="http://x")
    async with tracking.running(), asking as client:
        good = await client.post(address, json=body, headers={"X-Acme": "hush"})
        bad = await client.post(address, json=body, headers={"X-Acme": "other"})
        other = await client.post(address.replace("acme", "shopify"), json=body)
        unknown = await client.post(address.replace("acme", "nobody"), json=body)
        metrics = (await client.get("/metrics")).text
    assert [bad.status_code, other.status_code, unknown.status_code] == [401, 404, 404]
    expected = natural_id(workspace_id, "acme", "lead", "7")
    assert good.json() == {"accepted": True, "event_ids": [expected], "errors": []}, good.text


asyncio.run(deliver())
print("found")
"""


def test_a_new_folder_is_a_vendor_of_route_document_and_catalog(tmp_path: Path) -> None:
    """The copy of the product differs by one folder; no list is edited."""
    for folder in PRODUCT:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    home = tmp_path / VENDOR_PACKAGE.replace(".", "/") / "acme"
    home.mkdir()
    (home / "__init__.py").write_text(MADE_UP)
    names = str(sorted([*VENDORS, "acme"])).replace("'", '"')
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASKED, str(tmp_path), names],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.returncode) == ("found\n", 0), done.stderr


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_name_of_a_vendor_is_in_its_home_alone(vendor: str) -> None:
    home = f"{VENDOR_PACKAGE.replace('.', '/')}/{vendor}/"
    found = [
        f"{name}:{line}"
        for name, tree, _ in python_files()
        if name.startswith(PRODUCT) and not name.startswith(home)
        for line in mentions(tree, vendor)
    ]
    found += [
        str(path.relative_to(ROOT))
        for path in tracked()
        if str(path.relative_to(ROOT)).startswith("deploy/")
        and path.suffix != ".py"
        and vendor in path.read_text().lower()
    ]
    assert not found, f"{vendor} is named outside its home: {found}"


def test_the_word_of_a_measure_is_in_the_registries_alone() -> None:
    """`net_revenue` is a measure and a metric; metrics name the measures they are made of."""
    home = tuple(f"services/roi/answers/{kind}/" for kind in ("measures", "dimensions", "metrics"))
    places = [
        f"{name}:{node.lineno}"
        for name, tree, _ in python_files()
        if name.startswith(PRODUCT) and not name.startswith(CLIENT)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == "net_revenue"
    ]
    assert [place for place in places if not place.startswith(home)] == []
    assert places, "the word is written where it is defined"


def mentions(tree: ast.Module, name: str) -> Iterator[int]:
    """Yield the lines with a name in code or in a string that is no docstring."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in prose:
                said = text
            case ast.Name(id=said) | ast.Attribute(attr=said) | ast.ImportFrom(module=str(said)):
                pass
            case _:
                continue
        if name in said.lower():
            yield getattr(node, "lineno", 0)
