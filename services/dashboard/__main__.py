"""`python -m services.dashboard`: the dashboard in the foreground, until SIGTERM or SIGINT.

What can go wrong: invalid settings end it with one sentence and status 2.
"""

import sys

from services.dashboard.app import serve_dashboard
from services.dashboard.settings import DashboardSettings
from shared.errors import ConfigurationError
from shared.http.server import run


def main() -> None:
    """Read the settings and serve."""
    try:
        run(serve_dashboard(DashboardSettings.load()))
    except ConfigurationError as problem:
        sys.stderr.write(f"laurel dashboard: {problem}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
