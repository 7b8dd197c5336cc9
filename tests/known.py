"""Values that may be missing elsewhere and have to be there in a test."""

from typing import TypeVar

Value = TypeVar("Value")


def known(value: Value | None) -> Value:
    """Return the value; a test fails where it is None."""
    assert value is not None
    return value
