"""docker-compose.yml: docker-compose parses it, and its settings and commands are those of Laurel.

No Docker engine runs here, so the image is not built.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from shared.settings import KNOWN_FIELDS, PREFIX

ROOT: Final = Path(__file__).resolve().parents[2]
SERVICES: Final = ("tracking", "attribution", "roi")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert isinstance(document, dict)
    return document


def test_docker_compose_accepts_the_file() -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip(
            "docker-compose is missing: install the Debian package docker-compose"
            " (no engine needed)"
        )
    done = subprocess.run([program, "config", "-q"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_setting_is_one_that_laurel_knows(compose: dict[str, Any]) -> None:
    known = {PREFIX + field.upper() for field in KNOWN_FIELDS}
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "deploy/Dockerfile").read_text()
    named = set(re.findall(r"LAUREL_[A-Z_]+", text))
    assert named == known
    for service in (*SERVICES, "migrate"):
        assert set(compose["services"][service]["environment"]) == known


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_the_same_command_with_a_health_check(
    compose: dict[str, Any], service: str
) -> None:
    part = compose["services"][service]
    assert part["command"] == ["run", service]
    port = part["environment"][f"LAUREL_{service.upper()}_PORT"]
    assert "ports" not in part, "only nginx is reachable from outside"
    assert f"127.0.0.1:{port}/health/live" in part["healthcheck"]["test"][-1]


def test_nginx_runs_the_shipped_file_with_the_names_of_the_services(
    compose: dict[str, Any],
) -> None:
    part = compose["services"]["nginx"]
    assert part["ports"] == ["8000:8000"]
    assert part["volumes"] == ["./deploy/nginx.conf:/etc/laurel/nginx.conf:ro"]
    script = part["command"][-1]
    configuration = (ROOT / "deploy/nginx.conf").read_text()
    for shipped, named in re.findall(r"s/(.*?)/(.*?)/", script):
        assert configuration.count(f"server {shipped};") == 1
        configuration = configuration.replace(shipped, named)
    for service in SERVICES:
        port = compose["services"][service]["environment"][f"LAUREL_{service.upper()}_PORT"]
        assert f"server {service}:{port};" in configuration
    assert "127.0.0.1" not in configuration


def test_the_journal_outlives_its_container(compose: dict[str, Any]) -> None:
    tracking = compose["services"]["tracking"]
    assert tracking["volumes"] == [f"tracking:{tracking['environment']['LAUREL_DATA_DIR']}"]
    assert "tracking" in compose["volumes"]


def test_the_image_does_not_run_as_root() -> None:
    lines = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER laurel" in last_stage
    assert 'ENTRYPOINT ["laurel"]' in last_stage
