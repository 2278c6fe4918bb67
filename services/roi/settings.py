"""What roi reads from the environment: nothing beyond what every service may read.

What can go wrong: `ConfigurationError` from `load` or `require_…`, naming the variable.
"""

from shared.settings import Settings


class RoiSettings(Settings):
    """The settings of roi; frozen."""

    @property
    def port(self) -> int:
        """The port that this service listens on."""
        return self.roi_port
