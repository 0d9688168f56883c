"""The faults, by kind. Each is a function of a `Run`: it waits for the load to be under way, does its harm, and puts it right again."""

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Imports every module here, which registers its faults."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
