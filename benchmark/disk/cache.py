"""Where this user's caches lie."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return the folder of all caches of `amrg`: `AMRG_CACHE_DIR`, or the platform's place. It may not exist yet."""
    configured = os.environ.get("AMRG_CACHE_DIR")
    return Path(configured) if configured else user_cache_path("amrg", appauthor=False)
