"""The settings of tracking. They are read from the variables that all services share.

What can go wrong: `load` and `require_…` raise `ConfigurationError`, which names the variable.
"""

from pathlib import Path

from shared.settings import Settings


class TrackingSettings(Settings):
    """The settings of one tracking process; immutable."""

    @property
    def port(self) -> int:
        """Return the port that this service listens on."""
        return self.tracking_port

    @property
    def journal_dir(self) -> Path:
        """Return the folder of the journal slots."""
        return self.data_dir / "journal"

    @property
    def snapshot_file(self) -> Path:
        """Return the path of the catalog snapshot."""
        return self.data_dir / "tracking" / "catalog.snapshot"

    @property
    def is_https(self) -> bool:
        """Whether public links use https, so that the visitor's cookie can be `Secure`."""
        return self.short_base.startswith("https://")
