"""The templates of the dashboard: every text is escaped, and a missing value is an error.

Names are paths below this service: `layout/base.html`, `pages/orders/orders.html`.
"""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER: Final = Path(__file__).parents[1]


def environment() -> Environment:
    """Return the environment that all pages share."""
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
