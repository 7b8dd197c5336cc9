"""What a plugin states of a library, imported when it is first asked for: names are listed without torch."""

from importlib import import_module
from typing import Any


class Later:
    """A class's attribute that is imported whenever it is read.

    Args:
        where: "module:name".
    """

    def __init__(self, where: str) -> None:
        self.where = where

    def __get__(self, instance: object, owner: type) -> Any:
        """Return what is there."""
        module, _, name = self.where.partition(":")
        return getattr(import_module(module), name)


def later(where: str) -> Any:
    """Return an attribute of a class that is imported when it is read, typed as whatever the class says it is.

    Args:
        where: "module:name".
    """
    return Later(where)
