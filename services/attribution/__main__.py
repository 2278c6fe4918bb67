"""`python -m services.attribution`: run one process of attribution until SIGTERM or SIGINT.

What can go wrong: invalid settings end it with one sentence and status 2; a failed or stalled loop
ends it with a traceback.
"""

import sys

from services.attribution.app import serve_attribution
from services.attribution.settings import AttributionSettings
from shared.errors import ConfigurationError
from shared.http.server import run


def main() -> None:
    """Read the settings and serve."""
    try:
        run(serve_attribution(AttributionSettings.load()))
    except ConfigurationError as problem:
        sys.stderr.write(f"laurel attribution: {problem}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
