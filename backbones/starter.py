"""A starter package for a backbone of one's own."""

import re
from importlib.resources import files
from pathlib import Path

from backbones.errors import UserError

NAME = r"[a-z0-9][a-z0-9._-]*"
FILES = {
    "pyproject.toml": "pyproject.toml.jinja",
    "{module}.py": "plugin.py.jinja",
    "tests/test_plugin.py": "test_plugin.py.jinja",
    "README.md": "README.md.jinja",
}
"""Files of the package, and the templates they are made from."""


def write_starter(name: str, folder: Path) -> list[Path]:
    """Write a package with a plugin of that name to fill in, its entry point and its test.

    Args:
        name: the backbone's, as suites will call it.
        folder: a new or empty folder.

    Returns:
        The files, the plugin's first.

    Raises:
        UserError: the name can't be one, or is taken; or the folder holds something.
    """
    from jinja2 import Environment, StrictUndefined

    from backbones.registry import locations

    if not re.fullmatch(NAME, name):
        raise UserError(
            f"backbone {name!r}: a name is small letters, digits, '.', '_' and '-', and begins with neither."
        )
    if name in locations():
        raise UserError(f"backbone {name!r} is there already, at {locations()[name]}. Choose another name.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: isn't empty. Give a new folder with --folder.")
    module = "amrg_" + re.sub(r"[.-]", "_", name)
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    written = []
    for target, template in FILES.items():
        text = files("backbones").joinpath("starter_files", template).read_text(encoding="utf-8")
        path = folder / target.format(module=module)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.from_string(text).render(name=name, module=module), encoding="utf-8")
        written.append(path)
    return sorted(written, key=lambda path: path.stem != module)
