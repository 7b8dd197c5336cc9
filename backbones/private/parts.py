"""What is used of libraries beyond what they document: where each part is, and which versions were checked for it.

A new release may move such a part without a word. So `PARTS` says of each where it is and what it is called with, the
libraries' versions are bounded in `pyproject.toml` to what was checked, and `tests/backbones/test_private.py` names the
library, its version and the part where one has moved.
"""

from dataclasses import dataclass


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
        use: what it is used for, and by which function of this package.
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
        "transformers.cache_utils:DynamicLayer.batch_select_indices",
        "rows that have ended leave the key-value cache: select_rows",
        ("indices",),
    ),
    Part(
        TRANSFORMERS,
        "transformers.cache_utils:LinearAttentionCacheLayerMixin.reorder_cache",
        "the same for the states of linear attention and convolutions, which have no other method: select_rows",
        ("beam_idx",),
    ),
    Part(
        TRANSFORMERS,
        "transformers.processing_utils:ProcessorMixin.get_attributes",
        "a processor's parts are read off its `__init__`, so they can go without video: `backbones.qwen_processor`, "
        "images_and_text",
    ),
    Part(
        TRANSFORMERS,
        "transformers.tokenization_utils_base:generate_merges",
        "sentencepiece's merges in the order of their scores: merges_by_score",
        ("vocab", "vocab_scores"),
    ),
    Part(
        TRANSFORMERS,
        "transformers.core_model_loading:revert_weight_conversion",
        "tensors of a model without weights, by the names that they are published under: published_tensors",
        ("model", "state_dict"),
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
        "torch.utils._python_dispatch:TorchDispatchMode",
        "products become zeros of their shape or are made in 32 bits, what lives at a time and what is dispatched is "
        "counted, reads of values are refused: ShapesOnly, wide_products, LiveBytes, Counting, NoReads",
    ),
    Part(
        TORCH,
        "torch.utils._pytree:tree_leaves",
        "an operation's tensors, wherever they stand in what it takes and gives: LiveBytes, Counting",
        ("tree",),
    ),
    Part(
        TORCH,
        "torch.utils._pytree:tree_map",
        "an operation's tensors, wherever they stand among its arguments: ShapesOnly",
        ("func", "tree"),
    ),
    Part(
        TORCH,
        "torch.optim:AdamW",
        "its state is filled before its first step and from checkpoints, under its own keys: adamw_state",
        ("params",),
        ("lr", "weight_decay", "fused"),
    ),
    Part(
        TORCH,
        "torch._subclasses.fake_tensor:FakeTensorMode",
        "a few layers run without data, so that what they keep can be counted: fake_tensors",
    ),
    Part(
        TORCH,
        "torch:UntypedStorage._cdata",
        "tells whether tensors share their memory where it has no address: storage_key",
    ),
    Part(
        TORCH,
        "torch.ops:mkldnn._is_mkldnn_bf16_supported",
        "whether this processor has instructions for bfloat16: are_bfloat16_products_slow",
    ),
    Part(
        TORCH,
        "torch.ops:aten._scaled_dot_product_flash_attention_for_cpu_backward",
        "made on wide tensors: wide_products",
    ),
    Part(
        TORCH,
        "torch._ops:OpOverload.decompose",
        "composed operations as products: wide_products",
    ),
    Part(
        TORCH,
        "torch.ops:aten.silu_backward",
        "the derivative of silu, for a product that keeps no activation: silu_backward",
    ),
    Part(
        TORCH,
        "torch.ops:aten.gelu_backward",
        "the derivative of gelu: gelu_backward",
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
