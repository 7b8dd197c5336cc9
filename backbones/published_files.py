"""The files that say what a checkpoint is, without its weights: found in a folder or the hub's cache, or fetched.

And the kinds of checkpoint that can't be a backbone, each refused with the reason and what to do.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backbones.checkpoint import read_json
from backbones.errors import UserError, first_line
from backbones.kinds import refuse_encoder_decoder

FILES = (
    "config.json",
    "generation_config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
)
"""All that is read of a published checkpoint before its weights are: some megabytes."""
NEEDED = "config.json, tokenizer.json (or tokenizer.model), tokenizer_config.json, preprocessor_config.json"
INCLUDED = "'*.json' '*.jinja' merges.txt tokenizer.model"
"""The same as patterns for the hub's command line."""
HUB_ID = r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*"
OWN_CODE = ("config.json", "processor_config.json", "preprocessor_config.json", "tokenizer_config.json")


@dataclass(frozen=True)
class PublishedFiles:
    """A checkpoint's files.

    Attributes:
        name: what messages call the checkpoint: a hub id, or a folder's name in a suite.
        folder: where they lie.
        hub_id, revision: on the hub, the revision as a commit; None for a folder.
    """

    name: str
    folder: Path
    hub_id: str | None = None
    revision: str | None = None

    def read(self, name: str) -> dict[str, Any]:
        """Return a file's JSON object, {} where the checkpoint has no such file."""
        path = self.folder / name
        return read_json(path) if path.is_file() else {}

    @property
    def has_weights(self) -> bool:
        """Whether weights lie beside them."""
        return any(self.folder.glob("*.safetensors"))


def is_hub_id(name: str) -> bool:
    """Return whether a name has the form of a repository on the hub."""
    return re.fullmatch(HUB_ID, name) is not None


def in_folder(name: str, folder: Path) -> PublishedFiles:
    """Return a folder's files.

    Raises:
        UserError: there is no configuration in it.
    """
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: there is no config.json in it. Give a folder with {NEEDED} of {name}.")
    return PublishedFiles(name, folder)


def of_hub(hub_id: str, revision: str | None = None) -> PublishedFiles:
    """Return a hub repository's files, fetched where the cache doesn't have them: these alone, and no weights.

    The hub's own settings hold: `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` for a mirror.

    Args:
        hub_id: owner/model.
        revision: a commit, tag or branch; the main branch where None.

    Raises:
        UserError: the hub refuses or can't be reached; says which files to put where.
    """
    from huggingface_hub import snapshot_download, try_to_load_from_cache

    # A configuration alone may lie there from elsewhere.
    cached = [
        try_to_load_from_cache(hub_id, name, revision=revision) for name in ("config.json", "tokenizer_config.json")
    ]
    if all(isinstance(path, str) for path in cached):
        folder = Path(str(cached[0])).parent
    else:
        try:
            folder = Path(snapshot_download(hub_id, revision=revision, allow_patterns=list(FILES)))
        except (OSError, ValueError) as error:
            raise _not_there(hub_id, revision, error) from error
        if not (folder / "config.json").is_file():
            raise UserError(f"{hub_id}: has no config.json on the hub, so it is no checkpoint of transformers.")
    return PublishedFiles(hub_id, folder, hub_id, folder.name)


def _not_there(hub_id: str, revision: str | None, error: Exception) -> UserError:
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    at = f" --revision {revision}" if revision else ""
    if isinstance(error, GatedRepoError):
        return UserError(
            f"{hub_id}: gated. Accept its licence at https://huggingface.co/{hub_id}, then log in with `hf auth login`."
        )
    if isinstance(error, RepositoryNotFoundError):
        return UserError(
            f"{hub_id}: {constants.ENDPOINT} has no such repository, or hides it from this account. See "
            f"https://huggingface.co/{hub_id}, and log in with `hf auth login`."
        )
    why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else f"the hub can't be reached ({type(error).__name__})"
    return UserError(
        f"{hub_id}: its files aren't in the local cache ({constants.HF_HUB_CACHE}), and {why}. On a machine with "
        f"network, run `hf download {hub_id}{at} --include {INCLUDED}` "
        f"and copy its cache here (HF_HOME); or put {NEEDED} into a folder, and give that folder."
    )


def check_files(files: PublishedFiles) -> None:
    """Refuse what no plugin made of its files can run.

    Raises:
        UserError: it has code of its own, transformers doesn't know its class, it is an encoder-decoder, or it takes
            no images.
    """
    from transformers import AutoConfig, AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    at = f"{files.name} ({files.folder})"
    config = files.read("config.json")
    kind = config.get("model_type")
    for name in OWN_CODE:
        if "auto_map" in files.read(name):
            raise UserError(
                f"{at}: {name} asks for code of the checkpoint's own (auto_map), which amrg never runs. Use a port to "
                f"a class of transformers: often a repository whose name ends in `-hf`.{_class_is_known(kind)}"
            )
    if not kind:
        raise UserError(f"{at}: config.json says no model_type. Fetch the file again.")
    try:
        parsed = AutoConfig.from_pretrained(files.folder)
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise UserError(
            f"{at}: the installed transformers has no class for model_type {kind!r}, or can't read this config.json "
            f"({type(error).__name__}: {first_line(error)}). A newer release may know it; else it takes a plugin."
        ) from error
    if type(parsed) not in AutoModelForImageTextToText._model_mapping:
        text_only = " It is a language model without images." if kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES else ""
        raise UserError(
            f"{at}: model_type {kind!r} is no model of transformers that writes text for an image and a text "
            f"(AutoModelForImageTextToText).{text_only} Choose a vision-language model."
        )
    refuse_encoder_decoder(parsed, at)


def _class_is_known(kind: Any) -> str:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    if kind in CONFIG_MAPPING_NAMES:
        return (
            f" This transformers has a class for model_type {kind!r} of its own: remove auto_map from a copy of the "
            "folder if the weights are in its layout."
        )
    return ""
