"""nltk imported without scikit-learn, which takes it a second and which no score here uses."""

import sys
from contextlib import suppress
from functools import cache


@cache
def import_nltk() -> None:
    """Import nltk; where nothing has imported scikit-learn before, as where it isn't installed.

    nltk imports all of its parts at once. One wraps scikit-learn's classifiers if there are any, which brings pandas.
    A name that is None in `sys.modules` can't be imported, as the import system's documentation has it.
    """
    hidden = "sklearn" not in sys.modules
    if hidden:
        sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        import nltk  # noqa: F401
    finally:
        if hidden:
            with suppress(KeyError):
                del sys.modules["sklearn"]
