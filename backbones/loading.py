"""A checkpoint folder → a frozen model, with every mismatch named before anything is trained."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from backbones.errors import UserError
from backbones.private.inputs import embeddings_of
from backbones.private.quantization import forbid_repacking
from backbones.quantization import decoder_widths, misfit, quantization_config

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.processing_utils import ProcessorMixin

    from backbones.base import Backbone

CONFIGURATIONS = ("config.json", "processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def load_model(
    plugin: "type[Backbone]", folder: Path, *, device: str, dtype: torch.dtype, quantization: str | None
) -> "PreTrainedModel":
    """Load the plugin's model with the folder's weights, frozen and in evaluation mode; see `Backbone.load`.

    Raises:
        UserError: what is in the folder isn't this plugin's model, isn't whole, or isn't safe to read.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText

    check_folder(plugin, folder)
    try:
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=dtype,
            device_map={"": device},
            use_safetensors=True,
            quantization_config=quantization_config(plugin, quantization, dtype),
            output_loading_info=True,
        )
    except SafetensorError as error:
        raise UserError(f"{folder}: a weights file is damaged or cut short ({error}). Fetch it again.") from error
    except (OSError, RuntimeError) as error:
        raise UserError(f"{folder}: {plugin.name}'s weights can't be loaded: {_first_line(error)}") from error
    model, report = loaded
    if missing := sorted(report["missing_keys"]):
        raise UserError(
            f"{folder}: {_several(missing, 'tensor')} of {plugin.name} missing from the weights. "
            "Fetch the checkpoint again, or name the backbone that it belongs to."
        )
    if quantization is not None:
        if wrong := misfit(decoder_widths(plugin, model)):
            raise UserError(f"{folder}: {plugin.name} can't be run in 4 bits: {wrong}. Leave `quantization` out.")
        forbid_repacking(model)
    return model.requires_grad_(False).eval()


def load_processor(plugin: "type[Backbone]", folder: Path) -> "ProcessorMixin":
    """Load the plugin's processor with the folder's tokenizer and settings.

    Raises:
        UserError: they are missing, or another class's.
    """
    try:
        return plugin.load_processor(folder)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{folder}: {plugin.name}'s processor can't be loaded: {_first_line(error)}. "
            "Its tokenizer's and processor's files have to be those of this checkpoint."
        ) from error


def check_folder(plugin: "type[Backbone]", folder: Path) -> None:
    """Refuse a folder of another model class, with weights in pickle format only, or with code of its own.

    Raises:
        UserError: it is one of these.
    """
    for name in CONFIGURATIONS:
        if "auto_map" in (read_json(folder / name) if (folder / name).is_file() else {}):
            raise UserError(
                f"{folder / name}: asks for code of the checkpoint's own (auto_map), which amrg never runs. "
                "Use a checkpoint for transformers' own classes, or remove that entry if it is one."
            )
    found = read_json(folder / "config.json").get("model_type")
    if found != plugin.model_type:
        raise UserError(
            f"{folder}: holds a model of type {found!r}, but {plugin.name} needs {plugin.model_type!r}. "
            "Give the checkpoint of this backbone, or choose the backbone of this checkpoint."
        )
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        raise UserError(
            f"{folder}: no weights in safetensors format"
            + (f", only pickle files ({', '.join(pickles)}), which can run code when read" if pickles else "")
            + ". Use a revision with safetensors, or convert it on a machine that you can lose."
        )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        UserError: it isn't there or isn't one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: can't be read as JSON ({_first_line(error)}). Fetch the checkpoint again.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: a JSON object is expected.")
    return content


def check_fit(backbone: "Backbone") -> None:
    """Refuse a tokenizer or image processor that isn't this checkpoint's, before anything is trained with it.

    A blank image goes through the vision encoder: its features have to be as many as the prompt's image tokens, and
    as wide as the decoder.

    Raises:
        UserError: they don't fit; what is wrong is named.
    """
    name, folder, tokenizer = backbone.name, backbone.source, backbone.tokenizer
    vocabulary = tokenizer.get_vocab()
    if backbone.end_token not in vocabulary:
        raise UserError(f"{folder}: the tokenizer has no {backbone.end_token!r}, which ends {name}'s reports.")
    rows = embeddings_of(backbone.model).weight.shape[0]
    if len(tokenizer) > rows:
        raise UserError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens, but the model has embeddings of {rows}. "
            "It is another checkpoint's tokenizer."
        )
    try:
        features = backbone.encode_images([np.zeros((64, 64), np.uint8)])[0]
        places = backbone.prompt_tokens("").count(backbone.image_token)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:
        raise UserError(
            f"{folder}: {name}'s image processor doesn't fit its vision encoder: {_first_line(error)} "
            "Use the processor's files of the same checkpoint."
        ) from error
    if places == 0:
        raise UserError(
            f"{folder}: the prompt holds no image token (id {backbone.image_token} of the model's configuration). "
            "The tokenizer or the processor is another checkpoint's."
        )
    if len(features) != places:
        raise UserError(
            f"{folder}: an image gives {len(features)} features, but the prompt has {places} image tokens. "
            "The image processor has another image size than the vision encoder."
        )


def _several(names: list[str], what: str) -> str:
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''} ({listed}) {'are' if len(names) > 1 else 'is'}"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
