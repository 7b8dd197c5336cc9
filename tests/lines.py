"""JSON lines as tests read them: without the project's own models."""

import json
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The object of each line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
