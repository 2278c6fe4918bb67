"""What running services are handed, and what their log-ins reach, under `laurel run`.

Promise: no service's environment has the owner's address, the admin key, the secret key or another
service's secrets. Postgres asks every role for its password, also in a data folder of an earlier
release.
"""

import asyncio
import base64
import os
import signal
import sys
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from services.cli import postgres_folder
from shared.db.roles import SERVICES, role_name, service_url
from shared.sealing import USES, Sealer, is_key_ring
from tests.e2e.installation import Installation, eventually
from tests.integration.cli.conftest import ANNOUNCED, await_words, process_of
from tests.integration.cli.test_run import answers, the_key

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SECRETS: Final = {"LAUREL_SECRET_KEY", "LAUREL_DATABASE_URL", "LAUREL_ADMIN_KEY"}


def environment_of(process_id: int) -> dict[str, str]:
    text = Path(f"/proc/{process_id}/environ").read_text()
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)


def secret_of(laurel: Installation) -> str:
    return (laurel.folder / "data" / "secret.key").read_text().strip()


def owner_url(laurel: Installation) -> str:
    found = postgres_folder.find((laurel.folder / "data").resolve())
    return found.owner_url(secret_of(laurel))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_handed_its_own_log_in_and_keys_and_nothing_else(
    laurel: Installation, service: str
) -> None:
    handed = environment_of(process_of(laurel, f"run {service}"))
    secret = secret_of(laurel)
    own = service_url(owner_url(laurel), service, secret)
    assert handed.pop("LAUREL_DATABASE_URL") == own
    ring = handed.pop("LAUREL_SECRET_KEY")
    assert is_key_ring(ring)
    assert ring == Sealer(secret).ring_of(service)
    foreign = [service_url(owner_url(laurel), other, secret) for other in SERVICES]
    foreign = [address for address in foreign if address != own]
    told = {secret, the_key(laurel), owner_url(laurel), *foreign}
    told |= {address.split(":")[2].split("@")[0] for address in foreign}
    uses = {use for others in USES.values() for use in others} - set(USES[service])
    told |= {Sealer(secret).derive(use).hex() for use in uses}
    for name, value in {**handed, "ring": bytes_of(ring), "own": own}.items():
        assert not [text for text in told if text in value], name
    assert SECRETS.isdisjoint(handed)


def bytes_of(ring: str) -> str:
    """Return the inside of a key ring."""
    return base64.urlsafe_b64decode(ring.removeprefix("lrl_ring_")).decode()


def test_a_variable_that_laurel_does_not_read_is_not_handed_on(empty: Installation) -> None:
    admin_key = "lrl_sec_abcdefgh_" + "k" * 32
    extra = {"PGPASSWORD": "of another program", "LAUREL_ADMIN_KEY": admin_key}
    empty.start("run", environment=extra)
    await_words(empty, ANNOUNCED)
    for service in SERVICES:
        handed = environment_of(process_of(empty, f"run {service}"))
        assert "PGPASSWORD" not in handed
        assert not [value for value in handed.values() if admin_key in value]
        # The admin key works all the same: roi is handed its hash.
        assert ("LAUREL_ADMIN_KEY" in handed) == (service == "roi")


async def refused(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10)
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
        return True
    await connection.close()
    return False


def test_postgres_asks_each_role_for_its_password(laurel: Installation) -> None:
    secret, url = secret_of(laurel), owner_url(laurel)
    host = url.split("?")[1]
    for role in ("postgres", *map(role_name, SERVICES)):
        for password in ("", ":wrong", f":{secret}"):
            address = f"postgresql://{role}{password}@/postgres?{host}"
            assert asyncio.run(refused(address)), (role, password)
    assert not asyncio.run(refused(url))
    for service in SERVICES:
        assert not asyncio.run(refused(service_url(url, service, secret)))


def test_trackings_log_in_reaches_the_schema_log_alone(laurel: Installation) -> None:
    url = service_url(owner_url(laurel), "tracking", secret_of(laurel)).replace("+asyncpg", "")

    async def reached() -> set[str]:
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch(
                "SELECT DISTINCT n.nspname FROM pg_class AS c"
                " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
                " WHERE has_schema_privilege(n.oid, 'USAGE') AND c.relkind IN ('r', 'p', 'v', 'S')"
                " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
            )
            for table in ("roi.workspaces", "attribution.touches"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"SELECT * FROM {table}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE TABLE public.own (id int)")
            return {row["nspname"] for row in rows}
        finally:
            await connection.close()

    assert asyncio.run(reached()) == {"log"}


def test_a_data_folder_of_an_earlier_release_asks_for_passwords_too(empty: Installation) -> None:
    """Its cluster let every local role in, and its owner had no password."""
    empty.start("run")
    await_words(empty, ANNOUNCED)
    found = postgres_folder.find((empty.folder / "data").resolve())
    url = owner_url(empty)

    async def loosen() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("ALTER ROLE postgres PASSWORD NULL")
        await connection.close()

    asyncio.run(loosen())
    empty.processes["run"].send_signal(signal.SIGINT)
    empty.processes["run"].wait(30)
    (found.data / "pg_hba.conf").write_text("local all all trust\n")
    (found.data / "owner.sha256").unlink()
    empty.start("run")
    await_words(empty, ANNOUNCED, times=2)
    assert asyncio.run(refused(f"postgresql://postgres@/postgres?{url.split('?')[1]}"))
    assert not asyncio.run(refused(url))
    assert eventually(lambda: answers(empty, "roi") or None, what="the key works")
    assert "trust" not in (found.data / "pg_hba.conf").read_text()


@pytest.mark.parametrize("name", ["secret.key", "admin.key", "run.lock", "postgres.log"])
def test_files_in_the_data_folder_are_private(laurel: Installation, name: str) -> None:
    assert (laurel.folder / "data" / name).stat().st_mode & 0o077 == 0


def test_no_file_of_the_data_folder_is_readable_by_others(laurel: Installation) -> None:
    loose = [
        path
        for path in (laurel.folder / "data").rglob("*")
        if path.is_file() and path.stat().st_mode & 0o077 and path.name != ".gitignore"
    ]
    assert loose == []
    assert os.stat(laurel.folder / "data").st_mode & 0o077 == 0
