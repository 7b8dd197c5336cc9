"""An adapter from elsewhere: found in a folder or on the hub, and held against a backbone before anything is written.

peft warns of tensors that are missing and goes on, and one that fits nothing changes nothing: reports would be those of
the untuned backbone under another name. Here both are errors.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones.checkpoint import read_json
from backbones.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from backbones.base import Backbone

CONFIGURATION = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
LISTED = 5
"""Tensors that are named, at most."""
LAYOUTS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    # transformers 4.50 and before: the decoder is a model with a head of its own, and no module holds both.
    (
        (r"^base_model\.model\.language_model\.lm_head", "base_model.model.lm_head"),
        (r"^base_model\.model\.language_model\.model\.", "base_model.model.model.language_model."),
        (r"^base_model\.model\.(vision_tower|multi_modal_projector)\.", r"base_model.model.model.\1."),
    ),
    # Qwen2-VL and Qwen2.5-VL of the same time.
    (
        (r"^base_model\.model\.visual\.", "base_model.model.model.visual."),
        (r"^base_model\.model\.model\.(layers|embed_tokens|norm)\b", r"base_model.model.model.language_model.\1"),
    ),
)
"""How modules were called, from the layout of today back: patterns and what they are called today."""


@dataclass(frozen=True)
class AdapterFolder:
    """An adapter in peft's own files.

    Attributes:
        folder: where they lie.
        name: of its repository on the hub, or of its folder.
        revision: commit of the repository; None for a folder.
        rank, alpha: as its configuration has them.
        base: name of the base that it states, where it states one; no path.
        fingerprint: SHA-256 over configuration and weights, in hexadecimal.
    """

    folder: Path
    name: str
    revision: str | None
    rank: int
    alpha: float
    base: str | None
    fingerprint: str


@dataclass(frozen=True)
class Fitting:
    """An adapter that fits a backbone.

    Attributes:
        tensors: its own, by the names that the backbone's modules have today.
        image_modules: modules that it changes on the image's way to the decoder; features of before don't hold then.
        renamed: whether its tensors were named as earlier versions of transformers did.
    """

    tensors: Mapping[str, "Tensor"] = field(repr=False)
    image_modules: tuple[str, ...]
    renamed: bool


def find_adapter(source: str, revision: str | None = None) -> AdapterFolder:
    """Return an adapter from a folder or, where there is no folder of that name, from the hub.

    Args:
        source: the folder, or the repository's id.
        revision: branch, tag or commit of the repository; its main branch where None.

    Raises:
        UserError: there is neither; it is no LoRA adapter; or its weights aren't in safetensors format.
    """
    path = Path(source)
    if path.is_dir():
        folder, name, commit = path, path.resolve().name, None
    else:
        folder = _fetched(source, revision)
        name, commit = source, folder.name
    return _read(folder, name, commit)


def _fetched(hub_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=[CONFIGURATION, WEIGHTS]))
    except HFValidationError:
        raise UserError(f"{hub_id}: neither a folder nor a repository's id on the hub.") from None
    except OSError as error:
        raise UserError(
            f"{hub_id}: no such folder, and the hub doesn't give it ({type(error).__name__}). Check the name and "
            "--revision; where it is gated, accept its licence and log in with `hf auth login`; without a network, "
            f"fetch it elsewhere (`hf download {hub_id}`) and give its folder."
        ) from error


def _read(folder: Path, name: str, revision: str | None) -> AdapterFolder:
    configuration, weights = folder / CONFIGURATION, folder / WEIGHTS
    if not configuration.is_file():
        raise UserError(f"{name}: not an adapter: there is no {CONFIGURATION} in it. Give the folder that peft wrote.")
    if not weights.is_file():
        pickled = " Pickle files, which can run code when read, are never loaded." if _pickles(folder) else ""
        raise UserError(f"{name}: there is no {WEIGHTS} in it.{pickled} Save it again with a current version of peft.")
    content = read_json(configuration)
    kind = content.get("peft_type")
    if kind != "LORA":
        raise UserError(f"{name}: a {kind or 'nameless'} adapter; only those of peft_type LORA are evaluated.")
    rank, alpha = content.get("r"), content.get("lora_alpha")
    if not isinstance(rank, int) or not isinstance(alpha, int | float):
        raise UserError(f"{name}: {CONFIGURATION} states no rank `r` or no `lora_alpha` as a number.")
    digest = hashlib.sha256(json.dumps(_deciding(content), sort_keys=True).encode())
    with weights.open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    base = _without_path(str(content.get("base_model_name_or_path") or ""))
    return AdapterFolder(folder, name, revision, rank, alpha, base or None, digest.hexdigest())


def _without_path(base: str) -> str:
    """Return a hub id as it is; of a folder on its maker's machine, its own name."""
    parts = [part for part in re.split(r"[\\/]", base) if part]
    return base if len(parts) == 2 and "/".join(parts) == base else (parts[-1] if parts else "")


def _pickles(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.bin"))


def _deciding(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a configuration can change a result: not what the base was called, or by which version."""
    spare = ("base_model_name_or_path", "revision", "peft_version", "inference_mode", "task_type", "auto_mapping")
    return {key: value for key, value in content.items() if key not in spare}


def fit(backbone: "Backbone", adapter: AdapterFolder) -> Fitting:
    """Return an adapter's tensors by the names of a backbone's modules, each of which has to be there.

    Args:
        backbone: with no adapter in its model; none is left in it.
        adapter: as it was found.

    Raises:
        UserError: it targets no module of the backbone, or tensors are missing, left over, or of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        stored = load_file(adapter.folder / WEIGHTS)
    except SafetensorError as error:
        raise UserError(f"{adapter.name}: {WEIGHTS} is damaged or cut short ({error}). Fetch it again.") from error
    expected = _expected(backbone, adapter)
    tensors, renamed = _in_layout_of_today(stored, expected)
    _check(tensors, expected, backbone, adapter)
    modules = sorted({re.sub(r"\.(lora_\w+|weight|bias|modules_to_save)\b.*$", "", name) for name in tensors})
    of_image = tuple(name for name in modules if not _is_of_text(name, backbone.decoder))
    return Fitting(tensors, of_image, renamed)


def _is_of_text(module: str, decoder: str) -> bool:
    parts = module.split(".")
    return decoder in parts or "lm_head" in parts


def _expected(backbone: "Backbone", adapter: AdapterFolder) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the tensors that the adapter has to have in this backbone."""
    from peft import PeftConfig, get_peft_model, get_peft_model_state_dict

    from backbones.private.lora import take_out

    try:
        configuration: Any = PeftConfig.from_pretrained(str(adapter.folder))
        configuration.inference_mode = True
        configuration.base_model_name_or_path = None  # what it is called elsewhere says nothing
        # First weights drawn by a decomposition of the base, as PiSSA has it, take long and are replaced at once.
        configuration.init_lora_weights = True
        model = get_peft_model(backbone.model, configuration, low_cpu_mem_usage=True)
        return {name: tuple(t.shape) for name, t in get_peft_model_state_dict(model).items()}
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{adapter.name} fits no module of {backbone.name}{_stated(adapter)}: {str(error).strip().splitlines()[0]}"
        ) from error
    finally:
        take_out(backbone.model)


def _stated(adapter: AdapterFolder) -> str:
    return f" (it states the base {adapter.base})" if adapter.base else ""


def _in_layout_of_today(stored: Mapping[str, "Tensor"], expected: Collection[str]) -> tuple[dict[str, "Tensor"], bool]:
    """Return tensors by the names that fit the most of those expected, and whether they had others."""
    best: dict[str, Tensor] = dict(stored)
    for layout in LAYOUTS:
        named = {_renamed(name, layout): tensor for name, tensor in stored.items()}
        if len(named.keys() & set(expected)) > len(best.keys() & set(expected)):
            best = named
    return best, best.keys() != stored.keys()


def _renamed(name: str, layout: Sequence[tuple[str, str]]) -> str:
    for pattern, today in layout:
        name, count = re.subn(pattern, today, name)
        if count:
            break
    return name


def _check(
    tensors: Mapping[str, "Tensor"],
    expected: Mapping[str, tuple[int, ...]],
    backbone: "Backbone",
    adapter: AdapterFolder,
) -> None:
    missing, left_over = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    wrong = [
        f"{name} is {list(tensors[name].shape)}, not {list(shape)}"
        for name, shape in sorted(expected.items())
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    problems = [
        f"{what}: {len(listed)} ({', '.join(listed[:LISTED])}{' …' if len(listed) > LISTED else ''})"
        for what, listed in (
            ("tensors missing", missing),
            (f"tensors that fit no module of {backbone.name}", left_over),
            ("tensors of another shape or rank", wrong),
        )
        if listed
    ]
    if problems:
        raise UserError(
            f"{adapter.name} doesn't fit {backbone.name}{_stated(adapter)}: {'; '.join(problems)}. Name the backbone "
            "that it was trained on, or save the adapter again."
        )
