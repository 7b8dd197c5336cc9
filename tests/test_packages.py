"""A wheel holds every package of the source tree: an editable install doesn't notice one that isn't listed."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_folder_with_code_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    tops = ("amrg", "backbones", "benchmark", "metrics")
    folders = [path.parent for top in tops for path in (ROOT / top).rglob("__init__.py")]
    assert listed == sorted(".".join(folder.relative_to(ROOT).parts) for folder in folders)
