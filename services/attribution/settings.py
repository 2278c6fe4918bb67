"""What attribution reads from the environment: nothing beyond what every service may read.

What can go wrong: `ConfigurationError` from `load` or `require_…`, naming the variable.
"""

from shared.settings import Settings


class AttributionSettings(Settings):
    """The settings of attribution; frozen."""

    @property
    def port(self) -> int:
        """The port that this service listens on."""
        return self.attribution_port
