"""The listening addresses that need a proxy in front."""

import pytest

from services.cli.readiness import exposure


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_loopback_address_needs_nothing(host: str) -> None:
    assert exposure(host) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.7", "fe80::1", "laurel.example"])
def test_every_other_address_needs_the_proxy(host: str) -> None:
    assert f"LAUREL_HOST={host} " in exposure(host)
    assert "deploy/nginx.conf" in exposure(host)
