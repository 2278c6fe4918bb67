"""The guides of vendors: each vendor has what the page of its connection shows."""

import pytest

from services.dashboard.layout.templates import environment
from shared.extensions import VENDOR_PACKAGE, folder_names


@pytest.mark.parametrize("vendor", folder_names(VENDOR_PACKAGE))
def test_a_vendor_has_its_guide(vendor: str) -> None:
    guide = environment().get_template(f"connection/{vendor}.html").module
    assert str(getattr(guide, "place", ""))
    topics = getattr(guide, "topics", [])
    assert topics
    assert [(topic, topic) for topic in topics] == getattr(guide, "choices", [])
    assert str(getattr(guide, "topic_header", "")).startswith("X-")
