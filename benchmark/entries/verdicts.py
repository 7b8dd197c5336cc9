"""What came of holding a plugin that is made of a checkpoint's files to the contract: once, and kept in the cache."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from benchmark.disk.cache import cache_folder
from benchmark.provenance import versions
from benchmark.results.store import atomic_file

if TYPE_CHECKING:
    from backbones.generic import GenericBackbone
    from backbones.published_files import PublishedFiles

SCHEMA = 2


class Verdict(BaseModel):
    """How a checkpoint's plugin keeps the contract.

    Attributes:
        packed: whether its trials may run together; where not, `why_alone` is the clause's reason.
        broken: clauses without which it can't run, each with its reason.
        four_bits: why it can't be held in 4 bits; None where it can.
        own_head: why its loss is computed by the model's own head, on a GPU too; None where it need not be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA
    packed: bool
    why_alone: str | None = None
    broken: tuple[str, ...] = ()
    four_bits: str | None = None
    own_head: str | None = None

    def put_on(self, plugin: "type[GenericBackbone]") -> None:
        """Let the plugin say what was found out about it."""
        plugin.packable, plugin.plain_logits = self.packed, self.own_head is None


def verdict_of(files: "PublishedFiles", plugin: "type[GenericBackbone]") -> Verdict | None:
    """Return what is known of a plugin; None where it was never checked."""
    path = _path(files, plugin)
    try:
        return Verdict.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def keep(verdict: Verdict, files: "PublishedFiles", plugin: "type[GenericBackbone]") -> None:
    """Store a plugin's verdict, and let the plugin say it."""
    with atomic_file(_path(files, plugin)) as temporary:
        temporary.write_text(verdict.model_dump_json(indent=1) + "\n", encoding="utf-8")
    verdict.put_on(plugin)


def _path(files: "PublishedFiles", plugin: "type[GenericBackbone]") -> Path:
    """Return where a verdict lies: named by the files, what was stated, and the libraries that ran them."""
    from backbones.published_files import FILES

    total = hashlib.sha256(repr((sorted(versions().items()), plugin.reading.statements.stated(), SCHEMA)).encode())
    for name in FILES:
        path = files.folder / name
        if path.is_file():
            total.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return cache_folder() / "checked" / f"{total.hexdigest()[:32]}.json"
