"""Checkpoint: which weights, under which licence; and the fingerprint that tells one set from another."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from backbones.errors import UserError

# What decides a checkpoint's output: weights, configurations, tokenizer. Read-me files and the like don't.
FINGERPRINTED = ("*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt")


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
    """

    hub_id: str
    revision: str
    licence: str
    gated: bool
    parameters: int
    image_size: int
    image_tokens: int

    @property
    def page(self) -> str:
        """The page where the licence is read and, where gated, accepted."""
        return f"https://huggingface.co/{self.hub_id}"


def locate(source: Path | None, checkpoint: Checkpoint) -> Path:
    """The folder that holds a checkpoint: `source` itself, or the pinned snapshot in the hub's cache.

    Downloads the pinned revision where it isn't in the cache; never weights in pickle format.

    Raises:
        UserError: the folder isn't a checkpoint, or the hub refuses or can't be reached.
    """
    if source is not None:
        if not (source / "config.json").is_file():
            raise UserError(
                f"{source}: not a checkpoint: there is no config.json in it. "
                "Give a folder in the hub's layout, or leave it out to use the pinned hub checkpoint."
            )
        return source
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(checkpoint.hub_id, revision=checkpoint.revision, allow_patterns=list(FINGERPRINTED))
        )
    except GatedRepoError as error:
        raise UserError(
            f"{checkpoint.hub_id}: gated under the licence '{checkpoint.licence}'. "
            f"Accept it at {checkpoint.page}, then log in with `hf auth login`."
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"{checkpoint.hub_id} at {checkpoint.revision[:12]}: not in the local cache and the hub "
            f"can't be reached ({type(error).__name__}). On a machine with network, run "
            f"`hf download {checkpoint.hub_id} --revision {checkpoint.revision}`, then copy its cache "
            "here (HF_HOME), or set HF_ENDPOINT to a mirror."
        ) from error


def is_cached(checkpoint: Checkpoint) -> bool:
    """Whether the pinned snapshot lies in the hub's cache, without asking the network."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(checkpoint.hub_id, "config.json", revision=checkpoint.revision), str)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and contents of the files that decide a checkpoint's output.

    A file of the hub's cache is a link to a blob named by its own SHA-256, which is taken as it stands;
    other files are read.
    """
    total = hashlib.sha256()
    for path in sorted({p for pattern in FINGERPRINTED for p in folder.glob(pattern)}):
        blob = path.resolve().name
        if path.is_symlink() and re.fullmatch(r"[0-9a-f]{64}", blob):
            digest = blob
        else:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.name} {digest}\n".encode())
    return total.hexdigest()
