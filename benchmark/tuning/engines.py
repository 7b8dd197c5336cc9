"""Engines by the name that a suite calls them by."""

from benchmark.errors import unknown_name
from benchmark.tuning.interface import Engine
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.sequential import Sequential

ENGINES: dict[str, type[Engine]] = {"packed": Packed, "sequential": Sequential}


def engine_named(name: str) -> Engine:
    """Return the engine of that name.

    Raises:
        UserError: no engine has that name.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    return ENGINES[name]()
