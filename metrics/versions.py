"""Versions of the packages that compute scores, for signatures."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def installed(package: str) -> str:
    """Return `package-version` as installed, e.g. `rouge-score-0.1.2`; `package-unknown` of no distribution."""
    try:
        return f"{package}-{version(package)}"
    except PackageNotFoundError:
        return f"{package}-unknown"
