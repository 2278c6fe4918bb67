"""A webhook secret is rotated on running services: both are valid, then only the new one."""

import pytest

from tests.e2e.installation import Brand, Installation, eventually

pytestmark = pytest.mark.xdist_group("installation")

NEXT: str = "the next secret of the shop"


def test_a_rotated_secret_is_valid_beside_the_old_one_and_then_alone(
    installation: Installation,
) -> None:
    brand = Brand.in_new_workspace(installation, "rotation")
    path = f"/v1/connections/{brand.connection['id']}/secrets"
    old = brand.shop_secret

    def delivered(secret: str) -> int:
        brand.shop_secret = secret
        return brand.shopify("orders/paid", {"id": 1}).status_code

    eventually(lambda: delivered(old) == 200 or None, what="tracking knows the connection")
    assert delivered(NEXT) == 401
    assert brand.roi.post(path, json={"secret": NEXT}).status_code == 201
    eventually(lambda: delivered(NEXT) == 200 or None, what="the new secret is valid")
    assert delivered(old) == 200
    assert brand.roi.delete(f"{path}/1").status_code == 200
    eventually(lambda: delivered(old) == 401 or None, what="the old secret is refused")
    assert delivered(NEXT) == 200
