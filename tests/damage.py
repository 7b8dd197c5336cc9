"""Ways in which a stored file comes to harm."""

import random
import shutil
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path


def _empty(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


def _cut(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(1, len(content))])


def _flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _other_type(path: Path, chance: random.Random) -> None:
    path.write_text(chance.choice(["[]\n", "3\n", "null\n", '{"id": []}\n', '"text"\n']))


def _remove(path: Path, chance: random.Random) -> None:
    path.unlink()


def _folder_in_its_place(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").write_text("else")


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "emptied": _empty,
    "cut": _cut,
    "a bit flipped": _flip,
    "of another type": _other_type,
    "missing": _remove,
    "a folder in its place": _folder_in_its_place,
}


def damage(path: Path, kind: str, seed: int) -> None:
    """Harm a file in one of the ways; the same seed does the same harm."""
    DAMAGES[kind](path, random.Random(f"{path.name} {kind} {seed}"))


def restore(broken: Path, sound: Path) -> None:
    """Put a folder back as it was."""
    shutil.rmtree(broken)
    shutil.copytree(sound, broken)


def attempt(arguments: Sequence[str]) -> tuple[int, str]:
    """Run a verb in this process as `amrg` does; exit code and what was said. Fails where it ends in a traceback."""
    from typer.testing import CliRunner

    from benchmark.cli.verbs import app
    from benchmark.disk.faults import fault_of

    result = CliRunner().invoke(app, list(arguments))
    error = result.exception
    if error is None or isinstance(error, SystemExit):
        return result.exit_code, result.output
    if not hasattr(error, "exit_code"):
        fault = fault_of(error)
        assert fault is not None, f"amrg {' '.join(arguments)}: {''.join(traceback.format_exception(error))}"
        error = fault
    return error.exit_code, f"{result.output}{error}"
