"""The settings of the dashboard: those that every service reads from the environment.

What can go wrong: `ConfigurationError` from `load` or `require_…`; it names the variable.
"""

from collections.abc import Mapping

from shared.settings import Settings

# A service that listens on all addresses is asked on this machine's own.
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class DashboardSettings(Settings):
    """The settings of the dashboard; frozen."""

    @property
    def port(self) -> int:
        """Return the port that this service listens on."""
        return self.dashboard_port

    @property
    def api_bases(self) -> Mapping[str, str]:
        """Return the base URL of each service that the dashboard asks."""
        ports = {
            "tracking": self.tracking_port,
            "attribution": self.attribution_port,
            "roi": self.roi_port,
        }
        if self.api_url is not None:
            return dict.fromkeys(ports, self.api_url)
        host = _ANYWHERE.get(self.host, self.host)
        shown = f"[{host}]" if ":" in host else host
        return {service: f"http://{shown}:{port}" for service, port in ports.items()}
