"""Functions that remember what they returned, and that can be told what another process found."""

from collections.abc import Callable, Hashable
from functools import lru_cache, update_wrapper
from typing import Generic, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Remembered(Generic[Arguments, Result]):
    """A function with a memory of its latest results, as by `functools.lru_cache`.

    Args:
        function: of hashable arguments, given by place.
        size: how many results it remembers.
    """

    def __init__(self, function: Callable[Arguments, Result], size: int) -> None:
        self._told: dict[tuple[Hashable, ...], Result] = {}

        def find(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
            return self._told.pop(arguments) if arguments in self._told else function(*arguments, **named)

        self._found = lru_cache(maxsize=size)(find)
        update_wrapper(self, function)

    def __call__(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        """Return the function's result, computed where it isn't remembered."""
        return self._found(*arguments, **named)  # type: ignore[arg-type]  # hashable, or it says so

    def tell(self, result: Result, *arguments: Hashable) -> None:
        """Remember what the function returns for some arguments; found by the same code, or it would be another's."""
        self._told[arguments] = result
        self._found(*arguments)
        self._told.pop(arguments, None)  # it was remembered already

    def cache_clear(self) -> None:
        """Forget everything."""
        self._found.cache_clear()


def remembered(size: int) -> Callable[[Callable[Arguments, Result]], Remembered[Arguments, Result]]:
    """Return what makes a function remember its latest `size` results."""
    return lambda function: Remembered(function, size)
