"""A checkpoint folder → a frozen model, with every mismatch named before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones.checkpoint import read_json
from backbones.errors import UserError
from backbones.kinds import check_kind
from backbones.private.inputs import embeddings_of
from backbones.private.quantization import forbid_repacking
from backbones.quantization import decoder_widths, misfit, quantization_config

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel
    from transformers.processing_utils import ProcessorMixin

CONFIGURATIONS = ("config.json", "processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
ADAPTER_TENSORS = r"\.(lora_|base_layer\.|modules_to_save\.|ia3_|hada_|lokr_|oft_|vera_|adapter_)|^base_model\.model\."
"""Regular expression for names that peft gives to an adapter's tensors, and to those that it is put around."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def load_model(
    folder: Path,
    *,
    name: str,
    model_type: str,
    decoder: str,
    device: str,
    dtype: torch.dtype,
    quantization: str | None,
    spare_tensors: Sequence[str] = (),
) -> PreTrainedModel:
    """Load a plugin's model with the folder's weights, frozen and in evaluation mode.

    Args:
        folder: the checkpoint's.
        name, model_type, decoder, spare_tensors: of the plugin; see `Backbone`.
        device, dtype, quantization: see `Backbone.load`.

    Raises:
        UserError: what is in the folder isn't this plugin's model, isn't whole, or isn't safe to read.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForImageTextToText, GenerationConfig

    check_folder(folder, name=name, model_type=model_type)
    try:
        check_kind(AutoConfig.from_pretrained(folder), str(folder))
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=dtype,
            device_map={"": device},
            use_safetensors=True,
            quantization_config=quantization_config(folder, decoder, quantization, dtype),
            output_loading_info=True,
            # What the checkpoint would have of generation (penalties, suppressed tokens, time limits, beams) is not its
            # to decide, and `generate` fills in from there whatever the protocol leaves open; its file isn't read.
            generation_config=GenerationConfig(),
        )
    except SafetensorError as error:
        raise UserError(f"{folder}: a weights file is damaged or cut short ({error}). Fetch it again.") from error
    except torch.OutOfMemoryError:
        raise
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{folder}: {name}'s weights can't be loaded: {_first_line(error)}") from error
    model, report = loaded
    check_tensors(folder, report["missing_keys"], report["unexpected_keys"], name=name, spare_tensors=spare_tensors)
    if quantization is not None:
        if wrong := misfit(decoder_widths(model, decoder)):
            raise UserError(f"{folder}: {name} can't be run in 4 bits: {wrong}. Leave `quantization` out.")
        forbid_repacking(model)
    model.generation_config = GenerationConfig()
    return model.requires_grad_(False).eval()


def check_tensors(
    folder: Path, missing: Iterable[str], unexpected: Iterable[str], *, name: str, spare_tensors: Sequence[str]
) -> None:
    """Refuse weights that aren't this plugin's model, tensor by tensor: a part left unused is as wrong as one unfilled.

    Args:
        folder: the checkpoint's.
        missing, unexpected: tensors of the model that the weights lack, and of the weights that the model lacks.
        name, spare_tensors: of the plugin; see `Backbone`.

    Raises:
        UserError: names both.
    """
    unfilled = sorted(missing)
    unused = sorted(key for key in unexpected if not any(re.fullmatch(spare, key) for spare in spare_tensors))
    wrong = [f"{_several(unfilled, 'tensor')} of {name} missing from the weights"] if unfilled else []
    wrong += [f"{_several(unused, 'tensor')} in the weights, but not in the model of {name}"] if unused else []
    if wrong:
        named = " A plugin can name such as its model does without, in `spare_tensors`." if unused else ""
        if any(re.search(ADAPTER_TENSORS, key) for key in unused):
            raise UserError(
                f"{folder}: {'; '.join(wrong)}. They are an adapter's that was never merged into the weights, which by "
                "themselves are its base. Merge it (in peft: `model.merge_and_unload()`), save the model again, and "
                "name that folder."
            )
        raise UserError(
            f"{folder}: {'; '.join(wrong)}. Fetch the checkpoint again, or name the backbone that it belongs to.{named}"
        )


def load_processor(folder: Path, load: Callable[[Path], ProcessorMixin], *, name: str) -> ProcessorMixin:
    """Load a plugin's processor with the folder's tokenizer and settings.

    Args:
        folder: the checkpoint's.
        load: the plugin's own `load_processor`.
        name: the plugin's.

    Raises:
        UserError: they are missing, or another class's.
    """
    try:
        return load(folder)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{folder}: {name}'s processor can't be loaded: {_first_line(error)}. "
            "Its tokenizer's and processor's files have to be those of this checkpoint."
        ) from error


def check_folder(folder: Path, *, name: str, model_type: str) -> None:
    """Refuse a folder of another model class, with weights in pickle format only, or with code of its own.

    Args:
        folder: the checkpoint's.
        name, model_type: of the plugin.

    Raises:
        UserError: it is one of these.
    """
    for path in [folder / file for file in CONFIGURATIONS]:
        if "auto_map" in (read_json(path) if path.is_file() else {}):
            raise UserError(
                f"{path}: asks for code of the checkpoint's own (auto_map), which amrg never runs. "
                "Use a checkpoint for transformers' own classes, or remove that entry if it is one."
            )
    if (folder / "adapter_config.json").is_file():
        # transformers would load the adapter's base from wherever that file says, and put the adapter into it.
        raise UserError(
            f"{folder}: holds an adapter (adapter_config.json) beside or instead of a model's own weights. Merge it "
            "(in peft: `model.merge_and_unload()`), save the model, and name that folder; or remove these files."
        )
    stored_type = read_json(folder / "config.json").get("model_type")
    if stored_type != model_type:
        raise UserError(
            f"{folder}: holds a model of type {stored_type!r}, but {name} needs {model_type!r}. "
            "Give the checkpoint of this backbone, or choose the backbone of this checkpoint."
        )
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        raise UserError(
            f"{folder}: no weights in safetensors format"
            + (f", only pickle files ({', '.join(pickles)}), which can run code when read" if pickles else "")
            + ". Use a revision with safetensors, or convert it on a machine that you can lose."
        )


def check_tokenizer(folder: Path, tokenizer: Any, model: PreTrainedModel, *, name: str, end_token: str) -> None:
    """Refuse a tokenizer that isn't this checkpoint's, before anything is trained with it.

    Args:
        folder: the checkpoint's.
        tokenizer, model: as loaded from it.
        name, end_token: of the plugin.

    Raises:
        UserError: it doesn't know the end token, or knows more tokens than the model.
    """
    if end_token not in tokenizer.get_vocab():
        raise UserError(f"{folder}: the tokenizer has no {end_token!r}, which ends {name}'s reports.")
    rows = embeddings_of(model).weight.shape[0]
    if len(tokenizer) > rows:
        raise UserError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens, but the model has embeddings of {rows}. "
            "It is another checkpoint's tokenizer."
        )


def check_image_tokens(folder: Path, count: Callable[[], tuple[int, int]], *, name: str, image_token: int) -> None:
    """Refuse an image processor that isn't this checkpoint's, before anything is trained with it.

    A blank image goes through the vision encoder: its features have to be as many as the prompt's image tokens.

    Args:
        folder: the checkpoint's.
        count: `Backbone.blank_image_tokens`.
        name: the plugin's.
        image_token: id of the token that an image's features take the place of.

    Raises:
        UserError: they don't fit; what is wrong is named.
    """
    import torch

    try:
        features, places = count()
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:
        raise UserError(
            f"{folder}: {name}'s image processor doesn't fit its vision encoder: {_first_line(error)} "
            "Use the processor's files of the same checkpoint."
        ) from error
    if places == 0:
        raise UserError(
            f"{folder}: the prompt holds no image token (id {image_token} of the model's configuration). "
            "The tokenizer or the processor is another checkpoint's, or its chat template is for text alone."
        )
    if features != places:
        raise UserError(
            f"{folder}: an image gives {features} features, but the prompt has {places} image tokens. "
            "The image processor has another image size than the vision encoder, or cuts pictures into tiles by their "
            "size: a plugin's `switched_off` names the switches that do."
        )


def _several(names: list[str], what: str) -> str:
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''} ({listed}) {'are' if len(names) > 1 else 'is'}"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
