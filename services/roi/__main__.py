"""`python -m services.roi`: one process of roi in the foreground, until SIGTERM or SIGINT.

What can go wrong: invalid settings end it with one sentence and status 2. A failed loop ends it
with a traceback.
"""

import sys

from services.roi.app import serve_roi
from services.roi.settings import RoiSettings
from shared.errors import ConfigurationError
from shared.http.server import run


def main() -> None:
    """Read the settings and serve."""
    try:
        run(serve_roi(RoiSettings.load()))
    except ConfigurationError as problem:
        sys.stderr.write(f"laurel roi: {problem}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
