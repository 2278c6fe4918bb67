"""The group of the commands `laurel import …`: each file `…_command.py` of this folder is one.

Promise: `orders_command.py` has the function `orders`, which is `laurel import orders`. A new
import is a new file; no list is edited.
"""

from importlib import import_module
from typing import Final

import typer

from shared.extensions import module_names

_PACKAGE: Final = "services.cli.imports"
_SUFFIX: Final = "_command"

app = typer.Typer(no_args_is_help=True)


@app.callback()
def imports() -> None:
    """Bring in what is known already, from CSV files."""


for _module in module_names(_PACKAGE):
    if _module.endswith(_SUFFIX):
        _name = _module.removesuffix(_SUFFIX)
        app.command(_name)(getattr(import_module(f"{_PACKAGE}.{_module}"), _name))
