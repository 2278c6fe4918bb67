"""`python -m services.tracking`: one tracking process in the foreground, until SIGTERM or SIGINT.

What can go wrong: wrong settings end it with one sentence and status 2. A bug in a background task
ends it with a traceback.
"""

import sys

from services.tracking.app import serve_tracking
from services.tracking.settings import TrackingSettings
from shared.errors import ConfigurationError
from shared.http.server import run


def main() -> None:
    try:
        run(serve_tracking(TrackingSettings.load()))
    except ConfigurationError as problem:
        sys.stderr.write(f"laurel tracking: {problem}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
