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
from typer.testing import CliRunner

from services.cli.__main__ import app
from shared.errors import ConfigurationError
from shared.sealing import Sealer
from shared.settings import KNOWN_FIELDS, PREFIX

ROOT: Final = Path(__file__).resolve().parents[2]
# A name, a tag for people, and the digest that counts.
PINNED: Final = re.compile(r"[a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}")
SERVICES: Final = ("tracking", "attribution", "roi", "dashboard")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `laurel secrets` makes."""
    folder = tmp_path_factory.mktemp("secrets") / ".secrets"
    made = CliRunner().invoke(app, ["secrets", "--folder", str(folder)])
    assert made.exit_code == 0, made.output
    return folder


def values_of(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_docker_compose_accepts_the_file(secrets: Path, tmp_path: Path) -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip(
            "docker-compose is missing: install the Debian package docker-compose"
            " (no engine needed)"
        )
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)

    def checked() -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, "config"], cwd=tmp_path, capture_output=True, text=True)

    without = checked()
    assert without.returncode != 0, "there are no default passwords"
    assert ".secrets" in without.stderr
    shutil.copytree(secrets, tmp_path / ".secrets")
    done = checked()
    assert (done.returncode, done.stderr) == (0, "")


def test_every_setting_is_one_that_laurel_knows(compose: dict[str, Any], secrets: Path) -> None:
    known = {PREFIX + field.upper() for field in KNOWN_FIELDS}
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "deploy/Dockerfile").read_text()
    named = set(re.findall(r"LAUREL_[A-Z_]+", text))
    handed = {name for path in secrets.glob("*.env") for name in values_of(path)}
    handed = {name for name in handed if name.startswith(PREFIX)}
    assert named | handed == known
    for service in (*SERVICES, "migrate"):
        assert set(compose["services"][service]["environment"]) == named


def test_each_process_is_handed_its_own_secrets_and_nothing_else(
    compose: dict[str, Any], secrets: Path
) -> None:
    files = {path.stem: values_of(path) for path in secrets.glob("*.env")}
    assert set(files) == {"postgres", "kafka", "migrate", *SERVICES}
    for name in files:
        assert compose["services"][name]["env_file"] == [f".secrets/{name}.env"]
    owner = files["postgres"]["POSTGRES_PASSWORD"]
    root, admin_key = files["migrate"]["LAUREL_SECRET_KEY"], (secrets / "admin.key").read_text()
    log_in = f"{files['kafka']['KAFKA_USER']}:{files['kafka']['KAFKA_PASSWORD']}"
    assert owner in files["migrate"]["LAUREL_DATABASE_URL"]
    for service in SERVICES:
        values = files[service]
        assert not [v for v in values.values() if owner in v or root in v or admin_key in v]
        if service == "dashboard":
            assert set(values) == {"LAUREL_SECRET_KEY"}
        else:
            assert values["LAUREL_LOG_LOGIN"] == log_in
        assert values["LAUREL_SECRET_KEY"] == Sealer(root).ring_of(service)
    assert "LAUREL_DATABASE_URL" not in files["tracking"]
    for service in ("attribution", "roi"):
        assert f"//laurel_{service}:" in files[service]["LAUREL_DATABASE_URL"].replace(
            "+asyncpg", ""
        )
    assert [name for name in SERVICES if "LAUREL_ADMIN_KEY" in files[name]] == ["roi"]


def test_secrets_are_private_files_and_are_not_made_twice(secrets: Path) -> None:
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o600}
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    again = CliRunner().invoke(app, ["secrets", "--folder", str(secrets)])
    assert isinstance(again.exception, ConfigurationError)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    assert ".secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_no_password_is_in_the_file(compose: dict[str, Any]) -> None:
    for name, part in compose["services"].items():
        for variable in part.get("environment", {}):
            assert not re.search("PASSWORD|SECRET|ADMIN_KEY|DATABASE_URL", variable), (
                name,
                variable,
            )


def test_only_the_proxy_is_published_and_the_inside_has_no_way_out(
    compose: dict[str, Any],
) -> None:
    assert [name for name, part in compose["services"].items() if "ports" in part] == ["nginx"]
    for name, part in compose["services"].items():
        expected = ["inside", "outside"] if name == "nginx" else ["inside"]
        assert part["networks"] == expected, name
        assert "network_mode" not in part
    assert compose["networks"]["inside"] == {"internal": True}


def test_every_container_has_a_read_only_root_and_no_capabilities(
    compose: dict[str, Any],
) -> None:
    for name, part in compose["services"].items():
        assert part["read_only"] is True, name
        assert part["cap_drop"] == ["ALL"], name
        assert part["security_opt"] == ["no-new-privileges:true"], name
        assert "cap_add" not in part, name
        assert "privileged" not in part, name


def test_kafka_starts_by_the_script_that_asks_for_a_log_in(compose: dict[str, Any]) -> None:
    part = compose["services"]["kafka"]
    assert part["entrypoint"] == ["bash", "/etc/laurel/compose.sh"]
    for name in ("compose.sh", "server.properties", "login.properties"):
        assert f"./deploy/kafka/{name}:/etc/laurel/{name}:ro" in part["volumes"]
        assert (ROOT / "deploy/kafka" / name).exists()


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
    assert part["ports"] == ["8000:8080"]
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


def test_images_are_pinned_by_digest(compose: dict[str, Any]) -> None:
    """Laurel's own image is built here; its base is pinned, too."""
    named = {name: part["image"] for name, part in compose["services"].items()}
    others = {name: image for name, image in named.items() if image != "laurel:local"}
    loose = {name for name, image in others.items() if not PINNED.fullmatch(image)}
    assert loose == set()
    bases = re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert PINNED.fullmatch(bases[0])


def test_the_journal_outlives_its_container(compose: dict[str, Any]) -> None:
    tracking = compose["services"]["tracking"]
    assert tracking["volumes"] == [f"tracking:{tracking['environment']['LAUREL_DATA_DIR']}"]
    assert "tracking" in compose["volumes"]


def test_the_image_does_not_run_as_root() -> None:
    lines = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER laurel" in last_stage
    assert 'ENTRYPOINT ["laurel"]' in last_stage
