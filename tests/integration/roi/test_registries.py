"""A made-up measure, dimension and metric, one new file each, are found without editing a list.

The source trees are copied into a temporary folder and get one file each. A Python process of that
folder then says what it knows: the OpenAPI document, the dictionary, a real answer from Postgres.
"""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from services.roi.answers.dictionary import MEASURES, METRICS
from shared.credits import COUNT_NAMES
from shared.db.roles import service_url
from tests.fixtures.postgres import SECRET_KEY, DatabaseFactory
from tests.integration.roi.catalog_facts import placement_facts
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace

ROOT: Final = Path(__file__).resolve().parents[3]
TREES: Final = ("services", "shared", "deploy")
# A client of the API, which imports no service: its pages choose metrics by their words.
CLIENT: Final = ROOT / "services" / "dashboard"
ANSWERS: Final = Path("services/roi/answers")

MADE_UP: Final = {
    "measures/lead_units.py": '''"""Measure `lead_units`, made up."""
from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure, Only
from services.roi.answers.values import Unit

LEAD_UNITS = Measure(
    id="lead_units",
    sentence="Credited leads in millionths.",
    unit=Unit.CONVERSIONS,
    fact=Fact.CREDITS,
    total=lambda row: func.sum(row.units),
    only=Only("conversion_kind", ("lead",)),
)
''',
    "dimensions/call_to_action.py": '''"""Dimension `call_to_action`, made up."""
from services.roi.answers.kinds import Dimension, Entity, FromCatalog

CALL_TO_ACTION = Dimension(
    id="call_to_action",
    label="Call to action",
    source=FromCatalog(Entity.PLACEMENT, "cta"),
    empty="no call",
)
''',
    "metrics/clicks_per_lead.py": '''"""Metric `clicks_per_lead`, made up."""
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, divide

CLICKS_PER_LEAD = Metric(
    id="clicks_per_lead",
    version=1,
    name="Clicks per lead",
    formula="clicks ÷ leads",
    inputs=("clicks", "lead_units"),
    basis="credited by the model",
    unit=Unit.RATIO,
    per_currency=False,
    additive=False,
    empty_value="null without a lead",
    source="made up",
    compute=lambda clicks, leads: divide(clicks * 1_000_000, leads),
    example=Example({"clicks": 30, "lead_units": 2_000_000}, 15),
)
''',
}

# Runs in the copied tree: prints its registries as one JSON object.
ASK: Final = """
import asyncio, json, sys
from datetime import UTC, datetime
import services
from deploy.schemas import openapi
from services.roi.answers.metric_shapes import metric_list
from services.roi.answers.answering import build_answer, read_input
from services.roi.answers.question import RoiParameters
from shared.db.engine import Database

async def answer(url, workspace_id):
    database = Database(url, application_name="registries")
    await database.open()
    days = {"from": "2026-03-01", "to": "2026-03-31"}
    asked = RoiParameters.model_validate({"group_by": "call_to_action", **days})
    async with database.read([workspace_id]) as conn:
        given = await read_input(conn, workspace_id, datetime(2026, 4, 1, tzinfo=UTC), asked)
    body = build_answer(given)
    await database.close()
    return json.loads(body)

print(json.dumps({
    "home": services.__path__[0],
    "openapi": openapi()["roi"],
    "metrics": metric_list().model_dump(),
    "answer": asyncio.run(answer(*sys.argv[1:])),
}))
"""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Copies of the source trees in a temporary folder."""
    for name in TREES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    return tmp_path


def run(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the modules of a folder."""
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


async def test_one_file_each_is_found_in_answers_the_dictionary_and_the_openapi_document(
    copied: Path, owner_url: str, database_for: DatabaseFactory
) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"))
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.put("placement", placement_facts(mia) | {"cta": "shop now"})
    await roi_workspace.fold(
        roi_workspace.clicks(reel, NOON, 6),
        roi_workspace.order(0, NOON, {reel: (0, NOON)}, kind="lead", currency=None),
        roi_workspace.order(0, NOON, {reel: (0, NOON)}, kind="lead", currency=None),
    )
    for name, text in MADE_UP.items():
        (copied / ANSWERS / name).write_text(text)
    url = service_url(owner_url, "roi", SECRET_KEY)
    done = run(copied, ASK, url, roi_workspace.workspace_id)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["home"] == str(copied / "services")

    (row,) = told["answer"]["rows"]
    assert (row["label"], row["group"]) == ("shop now", {"call_to_action": "shop now"})
    assert row["measures"]["clicks_per_lead"] == 3
    assert told["answer"]["meta"]["metrics"]["clicks_per_lead"]["formula"] == "clicks ÷ leads"
    entries = {item["id"]: item for item in told["metrics"]["items"]}
    assert entries["clicks_per_lead"]["inputs"] == ["clicks", "lead_units"]
    shape = told["openapi"]["components"]["schemas"]["RoiMeasures"]
    assert "clicks_per_lead" in shape["properties"]
    parameters = told["openapi"]["paths"]["/v1/roi"]["get"]["parameters"]
    (group_by,) = [one for one in parameters if one["name"] == "group_by"]
    assert "(call_to_action|campaign|" in group_by["schema"]["pattern"]
    assert "`call_to_action` (Call to action)" in group_by["description"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("dimensions/other.py", MADE_UP["dimensions/call_to_action.py"], "'call_to_action'"),
        ("metrics/other.py", MADE_UP["metrics/clicks_per_lead.py"], "'clicks_per_lead'"),
        ("measures/other.py", MADE_UP["measures/lead_units.py"], "'lead_units'"),
        ("measures/empty.py", '"""Nothing lives here."""\n', "holds no Measure"),
        (
            "metrics/lost.py",
            MADE_UP["metrics/clicks_per_lead.py"]
            .replace('"lead_units"', '"nothing"')
            .replace('"clicks_per_lead"', '"lost"'),
            "needs the measure 'nothing'",
        ),
    ],
)
def test_a_registry_that_contradicts_itself_stops_the_service(
    copied: Path, name: str, text: str, words: str
) -> None:
    for made_up, entry in MADE_UP.items():
        (copied / ANSWERS / made_up).write_text(entry)
    (copied / ANSWERS / name).write_text(text)
    done = run(copied, "import services.roi.answers.dictionary")
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "RegistryError" in last
    assert words in last


# Words that other parts of the product use with another meaning, and the counts that reports tell:
# the measure of a count has the word of its field.
ORDINARY: Final = frozenset(
    {"clicks", "contribution", "conversions", "cost", "profit", "roi", "units", *COUNT_NAMES}
)


def literals(path: Path) -> Iterator[str]:
    """Return every string literal of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_name_of_a_measure_or_metric_stands_in_its_home_alone() -> None:
    distinctive = (set(METRICS) | set(MEASURES)) - ORDINARY
    assert "net_revenue" in distinctive
    homes = (ROOT / ANSWERS / "measures", ROOT / ANSWERS / "metrics")
    strangers = [
        f"{path.relative_to(ROOT)}: {word}"
        for tree in TREES
        for path in sorted((ROOT / tree).rglob("*.py"))
        if path.parent not in homes and CLIENT not in path.parents
        for word in literals(path)
        if word in distinctive
    ]
    assert not strangers, "\n".join(strangers)
