"""A process of the dashboard beside the shared installation, and visitors of three kinds of brand.

Promise: `demo` has the month of `laurel demo`, `empty` nothing, `crowd` a hundred creators; tests
only read them. A test that writes makes a brand of its own.
"""

import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.e2e.installation import Brand, Installation, eventually
from tests.integration.dashboard.crowd import fill
from tests.integration.dashboard.site import Visitor


@pytest.fixture(scope="session")
def dashboard(installation: Installation) -> str:
    """The address of a running dashboard."""
    installation.start("run", "dashboard")
    url = installation.url("dashboard")
    eventually(
        lambda: httpx.get(f"{url}/health/ready", timeout=10).is_success or None,
        what="the dashboard answers",
    )
    return url


@pytest.fixture(scope="session")
def demo(installation: Installation, dashboard: str) -> Iterator[Visitor]:
    """A visitor of the demo brand."""
    done = installation.command("demo", seconds=400)
    assert done.returncode == 0, done.stdout + done.stderr
    with Visitor(dashboard, key_of(installation, "demo", "admin")) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def reader(installation: Installation, dashboard: str, demo: Visitor) -> Iterator[Visitor]:
    """A visitor of the demo brand whose key may only read."""
    with Visitor(dashboard, key_of(installation, "demo", "read")) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def empty(installation: Installation, dashboard: str) -> Iterator[Visitor]:
    """A visitor of a brand without anything."""
    with Visitor(
        dashboard, key_of(installation, f"empty-{uuid.uuid4().hex[:8]}", "admin")
    ) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def crowd(installation: Installation, dashboard: str) -> Iterator[Visitor]:
    """A visitor of a brand with a hundred creators."""
    brand = Brand.in_new_workspace(installation, f"crowd-{uuid.uuid4().hex[:8]}")
    fill(installation, brand)
    with Visitor(dashboard, brand.key) as visitor:
        yield visitor


@pytest.fixture
def new_brand(installation: Installation) -> Callable[[], Brand]:
    """Makes a brand of its own for a test that writes."""

    def make() -> Brand:
        return Brand.in_new_workspace(installation, f"brand-{uuid.uuid4().hex[:8]}")

    return make


@pytest.fixture(scope="module")
def brand(installation: Installation, dashboard: str) -> Brand:
    """A brand of one file of tests, which may write."""
    return Brand.in_new_workspace(installation, f"own-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def owner(brand: Brand, dashboard: str) -> Iterator[Visitor]:
    """A visitor of that brand."""
    with Visitor(dashboard, brand.key) as visitor:
        yield visitor


def key_of(installation: Installation, workspace: str, scopes: str) -> str:
    """Return a new key of a workspace, as soon as it works."""
    made = installation.command("keys", "create", "--workspace", workspace, "--scopes", scopes)
    assert made.returncode == 0, made.stdout + made.stderr
    key = next(word for word in made.stdout.split() if word.startswith("lrl_sec_"))
    eventually(
        lambda: all(
            installation.client(service, key).get(path).is_success
            for service, path in (("roi", "/v1/workspace"), ("attribution", "/v1/lag"))
        ),
        what="the key works",
    )
    return key
