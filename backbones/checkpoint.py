"""Checkpoint: which weights, under which licence; and the fingerprint that tells one set from another."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from backbones.errors import UserError

# What decides a checkpoint's output: weights, configurations, tokenizer. Read-me files and the like don't.
FINGERPRINTED = ("*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt")
DESCRIPTION = "miniature.txt"
"""The file that says how a miniature was made. It isn't JSON by name, as it is no part of the checkpoint."""
INDEX = "model.safetensors.index.json"
"""Which shard holds which tensor, in the hub's layout."""


@dataclass(frozen=True)
class Checkpoint:
    """A published checkpoint, pinned.

    Attributes:
        hub_id: repository on the Hugging Face hub.
        revision: commit of that repository.
        licence: its name as the publisher gives it.
        gated: whether the licence has to be accepted on the hub before the weights can be read.
        parameters: number of parameters, the vision encoder included.
        image_size: side of the square image the processor makes, in pixels.
        image_tokens: tokens that one image takes in the decoder.
        tiles: pieces that an image is cut into, each encoded by itself.
    """

    hub_id: str
    revision: str
    licence: str
    gated: bool
    parameters: int
    image_size: int
    image_tokens: int
    tiles: int = 1

    @property
    def page(self) -> str:
        """The page where the licence is read and, where gated, accepted."""
        return f"https://huggingface.co/{self.hub_id}"

    @property
    def weights_bytes(self) -> int:
        """Bytes of the published weights, which come in 16-bit numbers."""
        return 2 * self.parameters


def locate(source: Path | None, checkpoint: Checkpoint) -> Path:
    """Return the folder that holds a checkpoint: `source` itself, or the pinned snapshot in the hub's cache.

    Downloads the pinned revision where it isn't whole in the cache, and asks no network where it is; never weights
    in pickle format. The hub's own settings hold: `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` for a mirror.

    Raises:
        UserError: the folder isn't a checkpoint, or the hub refuses, can't be reached or has only pickles.
    """
    if source is not None:
        if not (source / "config.json").is_file():
            if (source / "adapter_config.json").is_file():
                raise UserError(
                    f"{source}: an adapter, not a checkpoint. Merge it into its base (in peft: "
                    "`model.merge_and_unload()`), save the model, and name that folder."
                )
            raise UserError(
                f"{source}: not a checkpoint: there is no config.json in it. "
                "Give a folder in the hub's layout, or leave it out to use the pinned hub checkpoint."
            )
        return source
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(
                checkpoint.hub_id,
                revision=checkpoint.revision,
                allow_patterns=list(FINGERPRINTED),
                local_files_only=is_cached(checkpoint),
            )
        )
    except OSError as error:
        raise _refused(checkpoint, error) from error
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{checkpoint.hub_id} at {checkpoint.revision[:12]}: no weights in safetensors format. Pickle files, which "
            "can run code when read, are never fetched. Use a revision with safetensors, or a converted folder."
        )
    return folder


def _refused(checkpoint: Checkpoint, error: OSError) -> UserError:
    """Return why the hub gave nothing, and what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    where = f"{checkpoint.hub_id} at {checkpoint.revision[:12]}"
    fetch = f"`hf download {checkpoint.hub_id} --revision {checkpoint.revision}`"
    if isinstance(error, GatedRepoError):
        return UserError(
            f"{where}: gated under the licence '{checkpoint.licence}'. "
            f"Accept it at {checkpoint.page}, then log in here with `hf auth login`."
        )
    if isinstance(error, RevisionNotFoundError):
        return UserError(f"{where}: {constants.ENDPOINT} has no such revision. Is the mirror complete (HF_ENDPOINT)?")
    if isinstance(error, RepositoryNotFoundError):
        return UserError(
            f"{where}: {constants.ENDPOINT} has no such repository, or hides it from this account. "
            f"See {checkpoint.page}, and log in with `hf auth login`."
        )
    why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else f"the hub can't be reached ({type(error).__name__})"
    return UserError(
        f"{where}: not in the local cache ({constants.HF_HUB_CACHE}), and {why}. On a machine with network, run "
        f"{fetch}, then copy its cache here (HF_HOME); or set HF_ENDPOINT to a mirror."
    )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        UserError: it isn't there or isn't one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: can't be read as JSON ({str(error).strip().splitlines()[0]}). Fetch the checkpoint again."
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: a JSON object is expected.")
    return content


def is_miniature(folder: Path) -> bool:
    """Return whether a checkpoint folder was written here, so that no table mistakes it for published weights."""
    return (folder / DESCRIPTION).is_file()


def shipped(name: str) -> Path | None:
    """Return the folder of a backbone's miniature that comes with the project, or None where there is none."""
    folder = Path(str(files("backbones").joinpath("miniatures", name)))
    return folder if is_miniature(folder) else None


def is_cached(checkpoint: Checkpoint) -> bool:
    """Return whether the pinned snapshot lies whole in the hub's cache, every shard, without asking the network."""
    from huggingface_hub import try_to_load_from_cache

    def cached_file(name: str) -> str | None:
        path = try_to_load_from_cache(checkpoint.hub_id, name, revision=checkpoint.revision)
        return path if isinstance(path, str) else None

    if not cached_file("config.json"):
        return False
    if index := cached_file(INDEX):
        shards = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"].values()
        return all(cached_file(shard) for shard in set(shards))
    return cached_file("model.safetensors") is not None


def fingerprint(folder: Path, sha256: Callable[[Path], str] | None = None) -> str:
    """Return SHA-256 over the names and contents of the files that decide a checkpoint's output.

    A file of the hub's cache is a link to a blob named by its own SHA-256, which is taken as it stands;
    other files are read.

    Args:
        folder: the checkpoint's.
        sha256: returns a file's digest in hexadecimal, from memory say; by default the file is read.
    """
    read = sha256 or _sha256
    total = hashlib.sha256()
    for path in sorted({p for pattern in FINGERPRINTED for p in folder.glob(pattern)}):
        blob = path.resolve().name
        digest = blob if path.is_symlink() and re.fullmatch(r"[0-9a-f]{64}", blob) else read(path)
        total.update(f"{path.name} {digest}\n".encode())
    return total.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
