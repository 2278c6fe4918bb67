"""Versions of a placement's record: version 1 has periods, version 2 has the owner directly."""

import json
from typing import Any

import pytest

from shared.catalog import CatalogRejected, Placement, decode_catalog, encode_catalog
from shared.ids import natural_id

WORKSPACE, REEL, MIA, JO = (natural_id("tests", "placement", "id", name) for name in "wrmj")
MOVED = "2026-06-01T00:00:00Z"


def record(**fields: Any) -> bytes:
    """Return the bytes of a placement's record."""
    common = {"entity": "placement", "workspace_id": WORKSPACE, "id": REEL, "revision": 2}
    return json.dumps({**common, "recorded_at": MOVED, **fields}).encode()


def test_a_record_with_several_periods_has_the_owner_of_the_last() -> None:
    periods = [
        {"valid_to": MOVED, "creator_id": MIA, "platform": "tiktok"},
        {"valid_from": MOVED, "creator_id": JO},
    ]
    found = decode_catalog(record(periods=periods, automatic=True))
    assert isinstance(found, Placement)
    assert (found.v, found.creator_id, found.platform) == (2, JO, None)
    assert found.automatic
    assert decode_catalog(encode_catalog(found)) == found


@pytest.mark.parametrize("fields", [{}, {"periods": []}, {"v": 1, "creator_id": MIA}])
def test_a_record_of_version_1_without_periods_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(CatalogRejected, match="period"):
        decode_catalog(record(**fields))


def test_a_record_of_version_2_names_its_version_on_the_wire() -> None:
    found = decode_catalog(record(v=2, is_brand=True))
    assert isinstance(found, Placement)
    assert (found.creator_id, found.is_brand) == (None, True)
    assert json.loads(encode_catalog(found))["v"] == 2
