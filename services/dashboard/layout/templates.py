"""The templates of pages: Jinja2, escaped, with the macros of `parts.html`.

Promise: a template of a page is `<page>/<page>.html`, in the folder of the page. A name that a
template uses and nobody gave is an error, never an empty text.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HOME: Final = Path(__file__).parent
PAGES: Final = HOME.parent / "pages"


@cache
def environment() -> Environment:
    """Return the one environment."""
    made = Environment(
        loader=FileSystemLoader([HOME, PAGES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["svg"] = Markup
    return made


def rendered(template: str, **values: Any) -> str:
    """Return a page as HTML."""
    return environment().get_template(template).render(**values)
