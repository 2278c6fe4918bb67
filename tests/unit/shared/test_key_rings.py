"""Key rings: a service gets the keys of its own uses; data made before stays readable."""

import hmac

import pytest

from shared.errors import ConfigurationError
from shared.ids import new_id
from shared.sealing import USES, KeyNotHanded, Sealer, is_key_ring
from shared.settings import Settings, admin_key_hash, hashed_admin_key

SECRET = "the secret of this test"
OLD_WORKSPACE = "019a0000-0000-7000-8000-000000000001"
EMAIL = "mia@example.com"


def of(service: str, *workspaces: str) -> Sealer:
    return Sealer(Sealer(SECRET).ring_of(service, workspaces))


def test_a_ring_has_the_keys_of_its_service_and_no_others() -> None:
    every = {use for uses in USES.values() for use in uses}
    for service, uses in USES.items():
        ring = Sealer(SECRET).ring_of(service)
        assert is_key_ring(ring)
        assert SECRET not in ring
        for use in uses:
            assert Sealer(ring).derive(use) == Sealer(SECRET).derive(use)
        for use in (every | {"command-line-key", "role/laurel_roi"}) - set(uses):
            with pytest.raises(KeyNotHanded):
                Sealer(ring).derive(use)
        assert Settings.load({"LAUREL_SECRET_KEY": ring}).require_secret_key() == ring


def test_what_the_secret_made_is_readable_with_a_ring_and_the_other_way_round() -> None:
    whole = Sealer(SECRET)
    assert of("tracking").unseal(whole.seal("hush", "id"), "id") == "hush"
    assert whole.unseal(of("roi").seal("hush", "id"), "id") == "hush"
    assert of("tracking").click_key() == whole.click_key()
    workspace = new_id()
    assert of("tracking").email_hash(workspace, EMAIL) == whole.email_hash(workspace, EMAIL)


def test_the_email_hashes_of_an_older_workspace_stay() -> None:
    """Their key came from the secret itself; the ring of tracking has it by name."""
    key = hmac.digest(SECRET.encode(), f"laurel/email/{OLD_WORKSPACE}".encode(), "sha256")
    expected = hmac.digest(key, EMAIL.encode(), "sha256")[:16].hex()
    assert Sealer(SECRET).email_hash(OLD_WORKSPACE, EMAIL) == expected
    ring = of("tracking", OLD_WORKSPACE, new_id())
    assert ring.email_hash(OLD_WORKSPACE, EMAIL) == expected
    with pytest.raises(KeyNotHanded):
        of("tracking").email_hash(OLD_WORKSPACE, EMAIL)


def test_hashes_differ_by_workspace() -> None:
    first, second = new_id(), new_id()
    assert Sealer(SECRET).email_hash(first, EMAIL) != Sealer(SECRET).email_hash(second, EMAIL)


@pytest.mark.parametrize(
    "ring", ["lrl_ring_", "lrl_ring_!", "lrl_ring_W10=", "lrl_ring_eyJhIjoxfQ=="]
)
def test_a_damaged_ring_is_named(ring: str) -> None:
    with pytest.raises(ConfigurationError, match="LAUREL_SECRET_KEY"):
        Sealer(ring)


def test_a_hashed_admin_key_is_accepted_and_hides_the_key() -> None:
    key = "lrl_sec_abcdefgh_" + "k" * 32
    hashed = hashed_admin_key(key)
    assert "k" * 32 not in hashed
    assert hashed_admin_key(hashed) == hashed
    found = admin_key_hash(hashed)
    assert found is not None
    assert found[1] == "lrl_sec_abcdefgh"
    assert admin_key_hash(key) is None
    for text in (key, hashed):
        Settings.load({"LAUREL_ADMIN_KEY": text})
