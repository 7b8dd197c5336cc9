"""Files that are stored: written whole or not at all, read as typed models with what is wrong in a sentence.

Who may read them follows one rule. What holds a report, or a picture of a patient, is its owner's alone, folders
(0700) and files (0600); with `AMRG_SHARED=group` the owner's group's too. Everything else gets the rights of the folder
that it lies in.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from backbones.manifest import settle
from benchmark.errors import UserError

Model = TypeVar("Model", bound=BaseModel)
MOST_LISTED = 5
"""Mistakes of a file, or trials, that are listed, at most."""
TEMPORARY = ".amrg-"
"""How the names of temporary files and folders begin."""
SHARED = "AMRG_SHARED"
"""The setting that shares private files with the owner's group."""


@contextmanager
def atomic_file(path: Path, *, private: bool = False, durable: bool = False) -> Iterator[Path]:
    """Yield a place beside `path` to write to; what was written takes `path` when the block ends without an error.

    So the file is there whole or not at all, whatever interrupts the writing. The name keeps the file's suffix, by
    which some libraries choose the format; it is drawn at random, so that no two writers meet, on any machine. While
    it is written it is locked, which tells it from one whose writer is dead: `remove_stale`.

    Args:
        path: of the file; its folder is made where there is none.
        private: whether a report or a picture is in it.
        durable: whether the disk holds it, and its name, when the block has ended: after a power cut it is there.
    """
    make_folder(path.parent)
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}.{path.name}")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _lock(descriptor)
        yield temporary
        temporary.chmod(_private(0o600) if private else _of_folder(path.parent, 0o664))
        if durable:
            settle(temporary)
        temporary.replace(path)
        if durable:
            settle(path.parent)
    except OSError as error:
        if error.filename is None:  # a write that fails says nothing of where
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


def make_folder(path: Path) -> Path:
    """Return a folder, made where there is none with the rights, and the group, of the one that it comes to lie in."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(_of_folder(path.parent, 0o2775))
    return path


def private_folder(path: Path) -> Path:
    """Return a folder for reports: made for its owner alone where there is none, left as it is where there is one."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(_private(0o700) | (path.parent.stat().st_mode & 0o2000))
    return path


def _private(mode: int) -> int:
    """Return the rights of what is private: the owner's, and the group's where that is set."""
    return mode | (mode >> 3 if os.environ.get(SHARED) == "group" else 0)


def _of_folder(folder: Path, mode: int) -> int:
    """Return the rights that something gets by the folder that it lies in: no more than its owner's where all write."""
    rights = folder.stat().st_mode
    return rights & mode & (~0o022 if rights & 0o1000 else ~0)


def remove_stale(folder: Path) -> None:
    """Remove temporary files of a folder that nobody writes any more; those of folders below it aren't looked for."""
    for path in folder.glob(f"{TEMPORARY}*"):
        with suppress(OSError):
            if is_free(path):
                path.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a stored file, or the folder that lies in its place; nothing where there is neither."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _lock(descriptor: int) -> bool:
    """Return whether a file is locked by this process now; True too on systems and disks without such locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return True
    return True


def is_free(path: Path) -> bool:
    """Return whether nobody writes a temporary file any more."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        return _lock(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str, *, private: bool = False, durable: bool = False) -> None:
    """Write a text file in UTF-8, whole or not at all; `private` and `durable` as `atomic_file` takes them."""
    with atomic_file(path, private=private, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object, *, durable: bool = False) -> None:
    """Write JSON, indented, with a newline at its end; a model as `model_dump` gives it."""
    if isinstance(content, BaseModel):
        content = content.model_dump(mode="json")
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", durable=durable)


def write_lines(path: Path, records: Iterable[Mapping[str, object] | BaseModel]) -> None:
    """Write JSON lines, for the owner's eyes: they hold reports."""
    plain = (r.model_dump(mode="json") if isinstance(r, BaseModel) else r for r in records)
    write_text(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in plain), private=True)


def read_model(path: Path, model: type[Model]) -> Model:
    """Return the content of a JSON file as a model.

    Raises:
        UserError: names the file and what is wrong: missing, unreadable, not JSON, or not such content.
    """
    return validated(path, _adapter(model))


def read_models(path: Path, model: type[Model]) -> list[Model]:
    """Return the lines of a file of JSON lines as models.

    Raises:
        UserError: names the file, and the first line that isn't such a record.
    """
    models = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            try:
                models.append(model.model_validate_json(line))
            except ValidationError as error:
                raise UserError(f"{path}, line {number}: {_mistakes(error)}") from None
    return models


def validated(path: Path, adapter: TypeAdapter[Model]) -> Model:
    """Return the content of a JSON file as an adapter validates it; raises what `read_model` does."""
    try:
        return adapter.validate_json(_text(path))
    except ValidationError as error:
        raise UserError(f"{path}: {_mistakes(error)}") from None


@cache
def _adapter(model: type[Model]) -> TypeAdapter[Model]:
    """Return what validates a model; to make it takes as long as to use it."""
    return TypeAdapter(model)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}.") from None


def _mistakes(error: ValidationError) -> str:
    """Return what is wrong, place by place, without the content, which may be a report's."""
    mistakes = error.errors(include_input=False, include_url=False)
    listed = [f"{'.'.join(map(str, m['loc']))}: {m['msg']}" if m["loc"] else m["msg"] for m in mistakes[:MOST_LISTED]]
    more = f" and {len(mistakes) - MOST_LISTED} more" if len(mistakes) > MOST_LISTED else ""
    return f"damaged, or written by another version: {'; '.join(listed)}{more}. Remove it and run its sweep again."
