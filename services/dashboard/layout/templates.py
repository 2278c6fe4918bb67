"""The templates of pages: Jinja2, escaped, with the macros of `parts.html`.

Promise: a template of a page is `<page>/<page>.html`, in the folder of the page; those that pages
share are `layout/<name>.html`. A name that a template uses and nobody gave is an error, never an
empty text.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.dashboard.tables.texts import plain_words

HOME: Final = Path(__file__).parents[1]


@cache
def environment() -> Environment:
    """Return the one environment."""
    made = Environment(
        loader=FileSystemLoader([HOME, HOME / "pages"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["words"] = plain_words
    return made


def rendered(template: str, **values: Any) -> str:
    """Return a page as HTML."""
    return environment().get_template(template).render(**values)
