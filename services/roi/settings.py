"""The settings of roi: those that every service reads from the environment.

What can go wrong: `ConfigurationError` from `load` or `require_…`; it names the variable.
"""

from shared.settings import Settings


class RoiSettings(Settings):
    """The settings of roi; frozen."""

    @property
    def port(self) -> int:
        """Return the port that this service listens on."""
        return self.roi_port
