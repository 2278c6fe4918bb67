"""The functions of the credit models: one file for each model, `<name>.py` with `shares`.

Promise: `FUNCTIONS` holds the function of every model of `shared/models.py`. A scan of this package
finds them, so a new model is one entry there and one file here.
What can go wrong: `ModelsDiffer` at import when a model has no file, a file has no model, or a file
has no function `shares`. The service then does not start.
"""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Final

from services.attribution.domain.steps import ModelInput, Shares
from shared.extensions import module_names
from shared.models import CREDIT_MODELS

Model = Callable[[ModelInput], Shares]


class ModelsDiffer(Exception):
    """The files of the package are not the models of `shared/models.py`."""


def find_functions(package: str, names: Collection[str]) -> Mapping[str, Model]:
    """Return the function `shares` of each module of a package.

    Raises `ModelsDiffer` unless the modules are exactly `names`.
    """
    found = set(module_names(package))
    if found != set(names):
        missing, extra = sorted(set(names) - found), sorted(found - set(names))
        raise ModelsDiffer(f"{package}: models without a file {missing}, without an entry {extra}")
    functions: dict[str, Model] = {}
    for name in names:
        function = getattr(import_module(f"{package}.{name}"), "shares", None)
        if not callable(function):
            raise ModelsDiffer(f"{package}.{name} has no function named shares")
        functions[name] = function
    return functions


FUNCTIONS: Final[Mapping[str, Model]] = find_functions(__name__, CREDIT_MODELS)
