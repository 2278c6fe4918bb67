"""The supervisor: it restarts killed processes, and none outlives Ctrl-C or the supervisor."""

import os
import signal
import stat
import sys
import time

import httpx
import pytest

from services.cli.readiness import QUESTIONS
from services.cli.startup import port_of
from shared.ids import is_api_key
from shared.settings import Settings
from tests.e2e.installation import Installation, eventually
from tests.integration.cli.conftest import ANNOUNCED, await_words, process_of, processes_of

STOP_SECONDS_MAX = 10
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def the_key(laurel: Installation) -> str:
    return (laurel.folder / "data" / "admin.key").read_text().strip()


def answers(laurel: Installation, service: str) -> bool:
    method, path, body = QUESTIONS[service]
    client = laurel.client(service, the_key(laurel))
    return client.request(method, path, json=body).is_success


def test_ready_means_the_key_works_everywhere_and_its_file_is_private(laurel: Installation) -> None:
    said = await_words(laurel, ANNOUNCED)
    path = laurel.folder.resolve() / "data" / "admin.key"
    assert "Laurel is ready." in said
    assert "loopback" not in said
    assert str(path) in said
    assert is_api_key(the_key(laurel))
    assert the_key(laurel) not in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(answers(laurel, service) for service in QUESTIONS)
    for service in QUESTIONS:
        assert laurel.url(service) in said


def test_a_second_run_on_the_same_folder_is_refused_with_the_way_out(laurel: Installation) -> None:
    second = laurel.command("run")
    assert second.returncode == 2
    assert "already running" in second.stderr
    assert "LAUREL_DATA_DIR" in second.stderr
    assert all(answers(laurel, service) for service in QUESTIONS)


def test_a_taken_port_is_named_with_the_way_out(laurel: Installation, empty: Installation) -> None:
    taken = laurel.ports["roi"]
    empty.ports["roi"] = taken
    refused = empty.command("run")
    assert refused.returncode == 2
    assert f":{taken}" in refused.stderr
    assert f"LAUREL_ROI_PORT={taken + 100}" in refused.stderr


@linux_only
@pytest.mark.parametrize("service", ["tracking", "attribution", "roi"])
def test_a_killed_child_comes_back(laurel: Installation, service: str) -> None:
    before = process_of(laurel, f"run {service}")
    os.kill(before, signal.SIGKILL)
    eventually(lambda: answers(laurel, service) or None, seconds=60, what=f"{service} is back")
    assert process_of(laurel, f"run {service}") != before


@linux_only
def test_a_killed_postgres_comes_back(laurel: Installation) -> None:
    before = process_of(laurel, "bin/postgres -D")
    os.kill(before, signal.SIGKILL)

    def is_back() -> bool | None:
        # A read may be answered from memory; a write must reach the new server.
        client = laurel.client("roi", the_key(laurel))
        return client.patch("/v1/workspace", json={"name": "main"}).is_success or None

    try:
        eventually(is_back, seconds=60, what="Postgres is back")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{laurel.output()}") from error
    assert process_of(laurel, "bin/postgres -D") != before
    eventually(
        lambda: all(answers(laurel, service) for service in QUESTIONS) or None,
        seconds=60,
        what="every service is back",
    )


def test_a_run_that_other_machines_reach_begins_with_a_warning(empty: Installation) -> None:
    empty.start("run", environment={"LAUREL_HOST": "0.0.0.0"})
    said = await_words(empty, ANNOUNCED)
    assert said.index("LAUREL_HOST=0.0.0.0 is no loopback address") < said.index("is ready")
    assert "deploy/nginx.conf" in said


@linux_only
def test_nothing_outlives_the_supervisor(empty: Installation) -> None:
    empty.start("run")
    await_words(empty, ANNOUNCED)
    key = the_key(empty)
    assert len(processes_of(empty)) >= 5, "supervisor, three services, Postgres"
    empty.processes["run"].kill()
    empty.processes["run"].wait()
    eventually(
        lambda: None if processes_of(empty) else True,
        seconds=STOP_SECONDS_MAX,
        what="all processes end with a killed supervisor",
    )
    empty.start("run")
    said = await_words(empty, ANNOUNCED, times=2)
    assert the_key(empty) == key, "a later run keeps the key and says where it is"
    assert said.count(str(empty.folder.resolve() / "data" / "admin.key")) == 2
    began = time.monotonic()
    empty.processes["run"].send_signal(signal.SIGINT)
    assert empty.processes["run"].wait(STOP_SECONDS_MAX + 5) == 0
    assert time.monotonic() - began < STOP_SECONDS_MAX
    assert processes_of(empty) == {}
    settings = Settings.load(empty.environment)
    for service in QUESTIONS:
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port_of(settings, service)}/health/live")
