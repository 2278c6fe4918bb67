"""A roi process that reports full garbage collections.

Promise: `python -m tests.integration.roi.collection_reporter` prints a line whenever Python has
searched all its objects for reference cycles.
"""

import gc
import sys
from typing import Any, Final

from services.roi.__main__ import main

FULL_SEARCH: Final = "searched everything"
_OLDEST: Final = len(gc.get_threshold()) - 1


def tell(phase: str, info: dict[str, Any]) -> None:
    """Called by the collector around each of its searches."""
    if phase == "stop" and info["generation"] == _OLDEST:
        sys.stdout.write(f"{FULL_SEARCH}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    gc.callbacks.append(tell)
    # The first line, so that a reader knows that searches are seen.
    gc.collect()
    main()
