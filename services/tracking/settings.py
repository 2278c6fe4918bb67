"""What tracking reads from the environment: nothing beyond what every service may read.

What can go wrong: `ConfigurationError` from `load` or `require_…`, naming the variable.
"""

from pathlib import Path

from shared.settings import Settings


class TrackingSettings(Settings):
    """The settings of tracking; frozen."""

    @property
    def port(self) -> int:
        """The port that this service listens on."""
        return self.tracking_port

    @property
    def journal_dir(self) -> Path:
        """Where journal slots live."""
        return self.data_dir / "journal"

    @property
    def snapshot_file(self) -> Path:
        """Where the catalog's snapshot lives."""
        return self.data_dir / "tracking" / "catalog.snapshot"

    @property
    def is_https(self) -> bool:
        """Whether links are public by https, so the visitor's cookie may be `Secure`."""
        return self.short_base.startswith("https://")
