"""Addresses and passwords of the services' roles, for every form of an owner's address."""

import pytest
from sqlalchemy.engine import make_url

from shared.db.roles import SERVICES, role_name, role_password, service_url
from shared.errors import ConfigurationError

SECRET = "the secret of this test"


@pytest.mark.parametrize(
    "owner",
    [
        "postgresql://postgres:@/laurel?host=/var/lib/laurel/data",
        "postgres://owner:p%40ss@db.example:5433/laurel",
        "postgresql+asyncpg://owner@127.0.0.1/laurel",
    ],
)
def test_only_the_log_in_changes(owner: str) -> None:
    before, after = make_url(owner), make_url(service_url(owner, "roi", SECRET))
    assert (after.username, after.password) == ("laurel_roi", role_password("roi", SECRET))
    assert after.drivername == "postgresql+asyncpg"
    assert (after.host, after.port, after.database, after.query) == (
        before.host,
        before.port,
        before.database,
        before.query,
    )


def test_passwords_differ_by_service_and_secret() -> None:
    passwords = {role_password(service, key) for service in SERVICES for key in (SECRET, "other")}
    assert len(passwords) == 6
    assert all(len(password) == 64 and password.isalnum() for password in passwords)


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(ValueError, match="billing"):
        role_name("billing")
    for url in ("mysql://a:hidden@b/c", "no address", ""):
        with pytest.raises(ConfigurationError, match="database URL") as caught:
            service_url(url, "roi", SECRET)
        assert "hidden" not in str(caught.value)
