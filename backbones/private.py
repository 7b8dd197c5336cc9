"""What is used of other libraries beyond what they document: each part, and the only code that touches it.

A new release may move such a part without a word. So `PARTS` says of each where it is and what it is called with, the
libraries' versions are bounded in `pyproject.toml` to what was checked, and `tests/backbones/test_private.py` names the
library, its version and the part where one has moved. `backbones` and `benchmark` come here for them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import ModelOutput


@dataclass(frozen=True)
class Library:
    """A library, and the versions that its private parts were checked for, as `pyproject.toml` bounds them."""

    name: str
    versions: str


@dataclass(frozen=True)
class Part:
    """A private part of a library.

    Attributes:
        library: whose.
        place: `module:attribute`, the attribute dotted where it lies in a class.
        use: what it is used for, and by which function of this module.
        parameters: its first ones, which are given by place.
        keywords: those that are given by name.
    """

    library: Library
    place: str
    use: str
    parameters: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


BITSANDBYTES = Library("bitsandbytes", ">=0.50.2,<0.51")
PEFT = Library("peft", ">=0.21,<0.22")
TORCH = Library("torch", ">=2.13,<2.15")
TRANSFORMERS = Library("transformers", ">=5.23,<5.24")

QWEN = tuple(
    Part(
        TRANSFORMERS,
        f"transformers.models.{family}.modeling_{family}:{name}Model.get_rope_index",
        "rotary positions are made on the host, once a prompt: rotary_positions",
        ("input_ids",),
        ("mm_token_type_ids", "image_grid_thw"),
    )
    for family, name in (("qwen2_5_vl", "Qwen2_5_VL"), ("qwen3_vl", "Qwen3VL"))
)
GEMMA = tuple(
    Part(
        TRANSFORMERS,
        f"transformers.models.{family}.modeling_{family}:{name}ForConditionalGeneration.create_masks_for_generate",
        "one attention mask serves all rows: prefix_masks",
        ("config", "inputs_embeds", "attention_mask", "past_key_values", "position_ids", "token_type_ids"),
    )
    for family, name in (("gemma3", "Gemma3"), ("paligemma", "PaliGemma"))
)
CACHED_FEATURES = tuple(
    Part(
        TRANSFORMERS,
        f"transformers.models.{family}.modeling_{family}:{name}ForConditionalGeneration.forward",
        "cached image features stand in for pixels, and the head sees the report alone: ModelInputs, report_losses",
        keywords=("mm_encoder_outputs", "logits_to_keep"),
    )
    for family, name in (
        ("gemma3", "Gemma3"),
        ("idefics3", "Idefics3"),
        ("llava", "Llava"),
        ("paligemma", "PaliGemma"),
        ("qwen2_5_vl", "Qwen2_5_VL"),
        ("qwen3_vl", "Qwen3VL"),
    )
)
PARTS: tuple[Part, ...] = (
    *QWEN,
    *GEMMA,
    *CACHED_FEATURES,
    Part(
        TRANSFORMERS,
        "transformers.models.qwen3_vl.modeling_qwen3_vl:BaseModelOutputWithDeepstackFeatures",
        "DeepStack's features are cached beside the last layer's: deepstack_output",
        keywords=("pooler_output", "deepstack_features"),
    ),
    Part(
        TRANSFORMERS,
        "transformers.masking_utils:find_packed_sequence_indices",
        "replaced in training, where a GPU would be waited for: whole_rows",
        ("position_ids",),
    ),
    Part(
        TRANSFORMERS,
        "transformers.generation.utils:GenerationMixin._update_model_kwargs_for_generation",
        "the packed decoding loop goes on to the next token: next_state",
        ("outputs", "model_kwargs"),
    ),
    Part(
        TRANSFORMERS,
        "transformers.generation.utils:GenerationMixin.prepare_inputs_for_generation",
        "the packed decoding loop makes a step's inputs: first_inputs, next_inputs",
        ("input_ids",),
        ("next_sequence_length", "is_first_iteration"),
    ),
    Part(
        TRANSFORMERS,
        "transformers.generation.utils:GenerationMixin.generate",
        "takes the packed decoding loop in place of its own: `benchmark.tuning.packed.engine`",
        keywords=("custom_generate",),
    ),
    Part(
        TRANSFORMERS,
        "transformers.cache_utils:Cache.batch_select_indices",
        "rows that have ended leave the key-value cache: select_rows",
        ("indices",),
    ),
    Part(
        TRANSFORMERS,
        "transformers.processing_utils:ProcessorMixin.get_attributes",
        "a processor's parts are read off its `__init__`, so Qwen's can go without video: `backbones.qwen_vl`",
    ),
    Part(
        TRANSFORMERS,
        "transformers.tokenization_utils_base:generate_merges",
        "sentencepiece's merges in the order of their scores: merges_by_score",
        ("vocab", "vocab_scores"),
    ),
    Part(
        TORCH,
        "torch.nn:Module._compiled_call_impl",
        "cleared, so that a compiled layer runs as it is again: run_uncompiled",
    ),
    Part(
        TORCH,
        "torch.nn:Module._call_impl",
        "calls the `forward` that stands in an instance before its class's: replace_forward, restore_forward",
    ),
    Part(
        TORCH,
        "torch.optim:AdamW",
        "its state is filled before its first step and from checkpoints, under its own keys: adamw_state",
        ("params",),
        ("lr", "weight_decay", "fused"),
    ),
    Part(
        PEFT,
        "peft.tuners.tuners_utils:BaseTunerLayer.get_base_layer",
        "layers that peft wrapped are put back where putting in failed half way: take_out",
    ),
    Part(
        PEFT,
        "peft.tuners.lora:LoraLayer",
        "A, B, dropout, base layer and sizes of an adapted layer: lora_layers, lora_weight, replace_dropout",
    ),
    Part(
        PEFT,
        "peft:PeftModel.save_pretrained",
        "puts an adapter with a name into a folder of that name: save_adapter",
        ("save_directory",),
        ("selected_adapters",),
    ),
    Part(
        PEFT,
        "peft:PeftModel.get_base_model",
        "the decoder's last hidden states, without the head: last_hidden_states",
    ),
    Part(
        BITSANDBYTES,
        "bitsandbytes.nn:Linear4bit",
        "kept from packing its weight anew for AVX-512 BF16: forbid_repacking",
    ),
    Part(
        BITSANDBYTES,
        "bitsandbytes.backends.cpu.ops:logger",
        "its advice at import is about a path that isn't taken: a filter in `backbones`, which comes before any import",
    ),
    Part(
        BITSANDBYTES,
        "bitsandbytes.functional:QuantState",
        "shape of a weight that is packed two in a byte: unpacked_size",
        keywords=("shape",),
    ),
)
"""All of them."""

SCALED = ("logit_scale", "logits_scaling", "lm_head_multiplier")
"""Settings of transformers' decoders whose logits aren't the head's alone."""


# -- transformers: what a model is given


class ModelInputs(TypedDict, total=False):
    """Keyword arguments of a model's `forward`, of which a family takes some.

    Attributes:
        input_ids, labels, position_ids, token_type_ids, mm_token_type_ids: [rows, length].
        attention_mask: [rows, length], or a mask for each kind of layer.
        inputs_embeds: [rows, length, hidden].
        mm_encoder_outputs: the vision encoder's output, by which a model takes cached features instead of pixels.
        image_grid_thw: patches of each image in time, height and width.
    """

    input_ids: Tensor
    attention_mask: Tensor | dict[str, Tensor]
    labels: Tensor
    position_ids: Tensor
    token_type_ids: Tensor
    mm_token_type_ids: Tensor
    inputs_embeds: Tensor
    mm_encoder_outputs: "dict[str, ModelOutput]"
    image_grid_thw: Tensor


def image_features(model: "PreTrainedModel", inputs: Mapping[str, Tensor]) -> "ModelOutput":
    """Return what a model's vision encoder and projector make of pixels."""
    encode: Any = model.get_image_features
    return encode(**inputs)


def deepstack_output(last: Sequence[Tensor], deeper: Sequence[Sequence[Tensor]]) -> "ModelOutput":
    """Return Qwen3-VL's vision output: the last layer's features, one tensor an image, and the same of DeepStack's."""
    from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

    return BaseModelOutputWithDeepstackFeatures(pooler_output=last, deepstack_features=deeper)  # type: ignore[arg-type]


def rotary_positions(model: "PreTrainedModel", tokens: Tensor, types: Tensor, grid: Tensor) -> Tensor:
    """Return the positions of a Qwen model's tokens in time, height and width, [3, rows, length].

    Args:
        model: the one with the head.
        tokens, types: ids, and which of them are an image's, [rows, length].
        grid: patches of each image in time, height and width.
    """
    positions, _ = model.model.get_rope_index(tokens, image_grid_thw=grid, mm_token_type_ids=types)
    return positions


def prefix_masks(model: "PreTrainedModel", embeddings: Tensor, types: Tensor) -> dict[str, Tensor]:
    """Return a Gemma model's attention mask of each kind of layer, [rows, 1, length, length].

    Args:
        model: the one with the head.
        embeddings: [rows, length, hidden].
        types: token types, [rows, length].
    """
    make: Any = model.create_masks_for_generate
    return make(model.config, embeddings, None, None, None, types)


def embeddings_of(model: "PreTrainedModel") -> nn.Embedding:
    """Return a model's embeddings of tokens, which transformers types as any module."""
    return cast(nn.Embedding, model.get_input_embeddings())


@contextmanager
def whole_rows() -> Iterator[None]:
    """Let models, within, take each row for one sequence.

    transformers looks for several in the rows' positions, which the host would have to read at every step.
    """
    from transformers import masking_utils

    looks_for_more = masking_utils.find_packed_sequence_indices
    masking_utils.find_packed_sequence_indices = lambda position_ids: None
    try:
        yield
    finally:
        masking_utils.find_packed_sequence_indices = looks_for_more


def time_vision(model: "PreTrainedModel", timed: Callable[[Any], Any]) -> None:
    """Put `timed` around the vision encoder of a model, which its inner model calls by itself."""
    model.get_image_features = model.model.get_image_features = timed(model.model.get_image_features)


def merges_by_score(vocabulary: Mapping[str, int], scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return the merges of sentencepiece's pieces in the order of their scores."""
    from transformers.tokenization_utils_base import generate_merges

    return generate_merges(vocabulary, dict(scores))


# -- transformers: decoding


GenerationState = dict[str, Any]
"""What `generate` keeps from step to step, by names of its own: masks, positions, the key-value cache."""


def first_inputs(model: "PreTrainedModel", tokens: Tensor, state: GenerationState) -> ModelInputs:
    """Return the model's inputs for the whole prompt."""
    prepare: Any = model.prepare_inputs_for_generation
    return prepare(tokens, is_first_iteration=True, **state)


def next_inputs(model: "PreTrainedModel", tokens: Tensor, state: GenerationState) -> ModelInputs:
    """Return the model's inputs for the token written last."""
    prepare: Any = model.prepare_inputs_for_generation
    return prepare(tokens, next_sequence_length=1, **state)


def next_state(model: "PreTrainedModel", outputs: "ModelOutput", state: GenerationState) -> GenerationState:
    """Return `generate`'s state after a step."""
    update: Any = model._update_model_kwargs_for_generation
    return update(outputs, state)


def select_rows(state: GenerationState, rows: Tensor) -> GenerationState:
    """Return `generate`'s state for some of its rows."""
    chosen = dict(state)
    chosen["past_key_values"].batch_select_indices(rows)
    # Features of the images have gone into the cache.
    for name in ("mm_encoder_outputs", "image_grid_thw", "inputs_embeds"):
        chosen.pop(name, None)
    for name in ("attention_mask", "token_type_ids", "mm_token_type_ids", "position_ids"):
        value = chosen.get(name)
        if isinstance(value, Tensor):
            # Positions in three dimensions have rows second.
            chosen[name] = value[rows] if value.ndim == 2 else value[:, rows]
    return chosen


# -- transformers: inside a model


def norm_settings(module: nn.Module) -> tuple[Tensor, float] | None:
    """Return weight and eps of a module that calls itself an RMSNorm; None for others, and where they aren't found.

    Families name eps differently, and some add 1 to the weight: what it computes has to be tried.
    """
    weight = getattr(module, "weight", None)
    eps = getattr(module, "eps", getattr(module, "variance_epsilon", None))
    if not type(module).__name__.endswith("RMSNorm") or weight is None or not isinstance(eps, float):
        return None
    return weight, eps


def head_alone(model: "PreTrainedModel | PeftModel") -> bool:
    """Return whether a model's logits are its head's product with its inner model's last hidden states."""
    text = model.config.get_text_config()
    return hasattr(_base(model), "model") and not any(getattr(text, name, None) not in (None, 1.0) for name in SCALED)


def last_hidden_states(model: "PreTrainedModel | PeftModel", inputs: ModelInputs) -> Tensor:
    """Return what the head is given, [rows, length, hidden]."""
    return _base(model).model(**inputs, use_cache=False).last_hidden_state


def softcap(model: "PreTrainedModel | PeftModel") -> float | None:
    """Return the bound that the decoder squeezes its logits into, where it has one."""
    return getattr(model.config.get_text_config(), "final_logit_softcapping", None)


def _base(model: Any) -> Any:
    """Return the backbone's own model, without peft's wrapper."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


# -- torch


def run_uncompiled(layer: nn.Module) -> None:
    """Undo `layer.compile()`, which torch itself can't."""
    layer._compiled_call_impl = None


def replace_forward(module: nn.Module, forward: Callable[..., Any]) -> None:
    """Have a module run by `forward`, its hooks around it, until `restore_forward`."""
    module.forward = forward


def forward_is_replaced(module: nn.Module) -> bool:
    """Return whether it runs by another `forward` than its class's."""
    return "forward" in vars(module)


def restore_forward(module: nn.Module) -> None:
    """Have a module run by its class's `forward` again."""
    del module.forward


def adamw_state(steps: int, first: Tensor, second: Tensor, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Return the state that AdamW keeps of a parameter after some steps.

    Args:
        steps: taken.
        first, second: the moments; used as they are, not copied.
        device: of the count of steps: the parameter's where the optimiser is fused.
    """
    return {"step": torch.tensor(float(steps), device=device), "exp_avg": first, "exp_avg_sq": second}


def adamw_moments(state: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the first and the second moment of a parameter's state."""
    return state["exp_avg"], state["exp_avg_sq"]


def host_memory_ran_out(error: BaseException) -> bool:
    """Return whether torch says so of the host's memory, for which it has no error class of its own."""
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


# -- peft


def lora_layers(model: nn.Module) -> "dict[str, LoraLayer]":
    """Return peft's LoRA layers by their name in `model`, in the order that peft injected them."""
    from peft.tuners.lora import LoraLayer

    return {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}


def lora_sizes(layer: "LoraLayer") -> tuple[int, int]:
    """Return the inputs and outputs of an adapted layer."""
    return int(layer.in_features or 0), int(layer.out_features or 0)


def lora_weight(layer: "LoraLayer", part: str, adapter: str) -> nn.Parameter:
    """Return a weight of an adapter in a layer; `part` is `lora_A` or `lora_B`."""
    return getattr(layer, part)[adapter].weight


def without_adapter_name(parameter: str) -> str:
    """Return the name of a trained parameter without that of peft's only adapter, as in its files."""
    return parameter.replace(".default", "")


def replace_dropout(layer: "LoraLayer", dropout: nn.Module) -> None:
    """Put another dropout before A of peft's only adapter in a layer."""
    layer.lora_dropout["default"] = dropout


def take_out(model: nn.Module) -> None:
    """Put the layers that peft wrapped back where they were, in place."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    wrapped = {name: module for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)}
    for name, module in wrapped.items():
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, module.get_base_layer())
    if hasattr(model, "peft_config"):
        del model.peft_config


def save_adapter(model: "PeftModel", adapter: str, folder: Path) -> None:
    """Write one of several adapters as `PeftModel.save_pretrained` writes a model's only one."""
    model.save_pretrained(str(folder), selected_adapters=[adapter])
    # peft puts an adapter with a name of its own into a folder of that name.
    named = folder / adapter
    for path in named.iterdir():
        path.rename(folder / path.name)
    named.rmdir()


# -- bitsandbytes


def forbid_repacking(model: nn.Module) -> None:
    """Make 4-bit layers compute alike on every processor.

    Where a processor has AVX-512 BF16, bitsandbytes (0.50) packs a weight anew at the first inference on a CPU. That
    rounds its scales and its products to bfloat16, so the same adapter would write other reports there than
    elsewhere; and a packed weight passes no gradient on, so a model that has written couldn't be trained again. The
    other path, which dequantises and multiplies, is the one that training takes anyway.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


def unpacked_size(parameter: nn.Parameter) -> int:
    """Return how many numbers a parameter is; those that bitsandbytes packs, two in a byte, count one each."""
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else prod(state.shape)
