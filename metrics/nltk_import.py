"""nltk imported without scikit-learn and `scipy.stats`, which take a second each and which no score here uses."""

import sys
from contextlib import suppress
from functools import cache

SPARED = ("sklearn", "scipy.stats")


@cache
def import_nltk() -> None:
    """Import nltk; where nothing has imported `SPARED` before, as where they aren't installed.

    nltk imports all of its parts at once. One wraps scikit-learn's classifiers if there are any, which brings pandas;
    others take a test of `scipy.stats` where it is there. A name that is None in `sys.modules` can't be imported, as
    the import system's documentation has it.
    """
    hidden = [name for name in SPARED if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import nltk  # noqa: F401
    finally:
        for name in hidden:
            with suppress(KeyError):
                del sys.modules[name]
