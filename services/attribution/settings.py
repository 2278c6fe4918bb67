"""The settings of attribution: the settings of every service and the port of this one.

What can go wrong: `load` and `require_…` raise `ConfigurationError`, which names the variable.
"""

from shared.settings import Settings


class AttributionSettings(Settings):
    """The settings of attribution; frozen."""

    @property
    def port(self) -> int:
        """The port that this service listens on."""
        return self.attribution_port
