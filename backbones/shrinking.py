"""A published configuration → a miniature's of the same classes: few layers of each kind, and small widths.

Settings are told by their names in transformers' configurations. What names another setting's value (a projector's
width, an index of a layer, a section of a rotary embedding, a token's id) follows that value, so that the parts still
fit each other. Whether they do is shown by building the model: `backbones.automatic`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from backbones.miniature import ENCODER_LAYERS, LAYERS, PATCH, SIDE, WIDTH
from backbones.timm_encoders import is_of_timm, small_encoder

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

POSITIONS = 1024
"""Tokens that a miniature's decoder has positions for."""
DEPTHS = ("num_hidden_layers", "depth", "num_layers", "n_layers", "n_layer")
"""What families call a number of layers."""
WIDTHS = r"hidden_size|d_model|embed_dim|n_embd|hidden_dim|embedding_dim"
HEADS = r"(num_|n_)?(attention_heads|heads)|num_attention_heads|n_head"
WIDE = r".*(dim|dims|size|width|hidden|features)$"
"""Names of settings that are a width, where their value is another width's or a large number."""
NOT_WIDE = r".*(kernel|image|img|patch|window|tile|crop|merge|vocab|chunk|block|position|batch|grid|conv_kernel).*"
OUTPUTS = r"out_hidden_size|text_hidden_size|lm_hidden_size|projection_output_dim|projector_output_dim"
"""Names of settings of an encoder or projector that are the decoder's width."""
COUNTS = r"image_seq_len(gth)?|mm_tokens_per_image|num_image_tokens|vision_soft_tokens_per_image|resampler_n_latents"
"""Names of settings that say how many tokens an image takes."""
TOKEN_IDS = r".*_(token_ids?|token_index|ids?|token_idx)$"
NAMED_IDS = ("bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id")
"""Tokens that a model may do without."""
NOT_OF_A_MODEL = ("dtype", "_name_or_path")
"""What configurations say of the weights and of the folder that they were read from."""
SMALLEST = 16
"""Least of a width that is made smaller by the same share as its neighbours."""


@dataclass
class Part:
    """One part of a configuration, and what becomes of its sizes.

    Attributes:
        settings: as published; its own, without those of parts within it.
        width, heads, layers: of the miniature.
        kept: layers of the published model that the miniature's stand for, by their index.
        widths: published width → the miniature's.
    """

    settings: Mapping[str, Any]
    width: int
    heads: int
    layers: int
    kept: tuple[int, ...] = ()
    widths: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        depth = _first(self.settings, DEPTHS)
        self.kept = of_each_kind(self.settings, depth, self.layers) if depth else ()
        hidden = next((v for k, v in self.settings.items() if re.fullmatch(WIDTHS, k) and isinstance(v, int)), None)
        if hidden:
            self.widths[hidden] = self.width
        for name, value in self.settings.items():
            if isinstance(value, int) and re.search(r"intermediate_size|ffn_dim", name):
                self.widths.setdefault(value, 2 * self.width)

    @property
    def head(self) -> int:
        """Width of a head of the miniature."""
        return self.width // self.heads

    @property
    def published_head(self) -> int | None:
        """Width of a head as published; None where nothing says it."""
        stated = self.settings.get("head_dim")
        heads = next((v for k, v in self.settings.items() if re.fullmatch(HEADS, k) and isinstance(v, int)), None)
        hidden = next((v for k, v in self.settings.items() if re.fullmatch(WIDTHS, k) and isinstance(v, int)), None)
        return stated or (hidden // heads if hidden and heads else None)


def shrunk(
    config: "PreTrainedConfig", ids: Mapping[int, int], vocabulary: int, image_tokens: int
) -> "PreTrainedConfig":
    """Return a miniature's configuration of the same class.

    Args:
        config: as published.
        ids: token ids that the published tokenizer has → those of the miniature's.
        vocabulary: tokens of the miniature's; its embeddings have a row more, which none of them has.
        image_tokens: that an image takes in it.
    """
    values = config.to_dict()
    text = config.get_text_config()
    inner = {name: value for name, value in values.items() if isinstance(value, dict) and _is_part(config, name)}
    own = {name: value for name, value in values.items() if name not in inner}
    if text is config:  # one flat configuration
        parts = {"": Part(own, WIDTH, 4, LAYERS)}
    else:
        parts = {name: _part(value, config, name, text) for name, value in inner.items()}
        parts[""] = Part({k: v for k, v in own.items() if k not in DEPTHS}, WIDTH, 4, LAYERS)
    decoders = [part for name, part in parts.items() if name and getattr(config, name) is text]
    # Later ones win where two parts have one width: what joins the encoder to the decoder is the decoder's.
    shared: dict[int, int] = {}
    for part in [*(p for p in parts.values() if p not in decoders), *decoders]:
        shared |= part.widths
    context = _Context(ids, vocabulary, image_tokens, shared)
    small: dict[str, Any] = {}
    for name, value in values.items():
        if name in NOT_OF_A_MODEL:
            continue
        if name in inner and is_of_timm(value):
            small[name] = {
                key: one for key, one in small_encoder(value, image_tokens).items() if key not in NOT_OF_A_MODEL
            }
        elif name in inner:
            within = context.within(parts[name], is_text=getattr(config, name) is text)
            small[name] = {key: within(key, setting) for key, setting in value.items() if key not in NOT_OF_A_MODEL}
        else:
            small[name] = context.within(parts[""], is_text=text is config)(name, value)
    made = type(config).from_dict(small)
    for part in (made, *(getattr(made, name) for name in inner)):
        part.dtype = "float32"  # some classes' defaults have another, in which a processor trains nothing
    return made


def _is_part(config: "PreTrainedConfig", name: str) -> bool:
    from transformers import PreTrainedConfig

    return isinstance(getattr(config, name, None), PreTrainedConfig)


def _part(settings: Mapping[str, Any], config: "PreTrainedConfig", name: str, text: "PreTrainedConfig") -> Part:
    if getattr(config, name) is text:
        return Part(settings, WIDTH, 4, LAYERS)
    return Part(settings, WIDTH // 2, 4, ENCODER_LAYERS)


def of_each_kind(settings: Mapping[str, Any], depth: int, layers: int) -> tuple[int, ...]:
    """Return the indexes of a model's layers that a miniature keeps: the first of each kind, and at least `layers`.

    Args:
        settings: of the part that has the layers; lists as long as it is deep say of each layer of which kind it is,
            lists of indexes and first or last so many which are special.
        depth: how many layers it has.
        layers: kept at least, where there are so many.
    """
    kinds: dict[Any, int] = {}
    for index in range(depth):
        kinds.setdefault(_kind(settings, depth, index), index)
    kept = set(kinds.values())
    for index in range(depth):
        if len(kept) >= layers:
            break
        kept.add(index)
    return tuple(sorted(kept))


def _kind(settings: Mapping[str, Any], depth: int, index: int) -> tuple[Any, ...]:
    """Return what a layer's kind is made of."""
    kind: list[Any] = []
    for name, value in settings.items():
        if _names_layers(name, value, depth):
            kind.append(index in value)
        elif _is_list(value) and len(value) == depth:
            kind.append(str(value[index]))
        elif name in ("first_k_dense_replace", "num_dense_layers") and isinstance(value, int):
            kind.append(index < value)
        elif name == "num_kv_shared_layers" and isinstance(value, int):
            kind.append(index >= depth - value)
    return tuple(kind)


def _names_layers(name: str, value: Any, depth: int) -> bool:
    """Return whether a setting is a list of layers' indexes, which ascend."""
    told = re.search(r"layers?$|index(es)?$|indices|idxs", name) is not None
    if not told or not _is_list(value) or not value or not all(_is_index(v, depth) for v in value):
        return False
    return all(later > earlier for earlier, later in pairwise(value))


def _is_index(value: Any, depth: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < depth


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _first(settings: Mapping[str, Any], names: Sequence[str]) -> int | None:
    return next((settings[name] for name in names if isinstance(settings.get(name), int)), None)


@dataclass(frozen=True)
class _Context:
    """What settings of all parts are made from."""

    ids: Mapping[int, int]
    vocabulary: int
    image_tokens: int
    widths: Mapping[int, int]

    def within(self, part: Part, *, is_text: bool) -> Callable[[str, Any], Any]:
        """Return the function that makes a part's settings, by name and published value, a miniature's."""

        def small(name: str, value: Any) -> Any:
            for rule in RULES:
                replaced = rule(name, value, part, self, is_text)
                if replaced is not UNTOUCHED:
                    return replaced
            return value

        return small


def _is_output(name: str, part: Part) -> bool:
    """Return whether a vision encoder's hidden size is what it hands to the decoder: Qwen2-VL's own is `embed_dim`."""
    return name == "hidden_size" and "embed_dim" in part.settings and part.width != WIDTH


UNTOUCHED = object()
Rule = Callable[[str, Any, Part, _Context, bool], Any]


def _token_ids(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    if not re.fullmatch(TOKEN_IDS, name) or isinstance(value, bool):
        return UNTOUCHED
    if isinstance(value, int):
        # One that the miniature's tokenizer doesn't know, a video's say, is the row that no token has.
        return context.ids.get(value, None if name in NAMED_IDS else context.vocabulary)
    if _is_list(value) and value and all(isinstance(v, int) for v in value):
        return [context.ids[v] for v in value if v in context.ids]
    return UNTOUCHED


def _vocabulary(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    if "vocab_size" not in name or not isinstance(value, int):
        return UNTOUCHED
    return context.vocabulary + 1 if is_text or value > SIDE**2 else min(value, 64)


def _layers(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    """A number of layers, and everything that is said of each or names some."""
    depth = _first(part.settings, DEPTHS)
    if depth is None:
        return UNTOUCHED
    kept = part.kept
    if name in DEPTHS:
        return len(kept)
    if name == "per_layer_config" and isinstance(value, dict):
        places = {str(index): place for place, index in enumerate(kept)}
        return {places[str(index)]: one for index, one in value.items() if str(index) in places}
    if _names_layers(name, value, depth):
        positions = [place for place, index in enumerate(kept) if index in value]
        return positions or list(range(len(kept) - min(len(value), len(kept) - 1), len(kept)))
    if _is_list(value) and len(value) == depth:
        return [_plain(part, name, value[index]) for index in kept]
    if name in ("first_k_dense_replace", "num_dense_layers") and isinstance(value, int):
        return sum(index < value for index in kept)
    if name == "num_kv_shared_layers" and isinstance(value, int):
        return sum(index >= depth - value for index in kept)
    if re.search(r"(interval|step|freq|pattern)$", name) and isinstance(value, int) and value > len(kept):
        return len(kept)
    return UNTOUCHED


def _plain(part: Part, name: str, value: Any) -> Any:
    """Return a layer's own value of a setting; widths are made small."""
    if isinstance(value, int) and not isinstance(value, bool) and re.search(r"intermediate_size|ffn", name):
        return 2 * part.width
    return value


def _rotary(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    """Rotary sections share half of what a head turns, and lists of factors have one for each pair."""
    if not isinstance(value, dict) or not re.search("rope|rotary", name):
        return UNTOUCHED
    share = value.get("partial_rotary_factor") or part.settings.get("partial_rotary_factor") or 1.0
    pairs = int(part.head * share) // 2

    def small(key: str, one: Any) -> Any:
        if isinstance(one, dict):
            return {inner: small(inner, v) for inner, v in one.items()}
        if key == "mrope_section":
            return sections(one, pairs)
        if key in ("long_factor", "short_factor") and _is_list(one):
            return list(one[:pairs])
        return one

    return {key: small(key, one) for key, one in value.items()}


def sections(published: Sequence[int], pairs: int) -> list[int]:
    """Return rotary sections in about the published proportions, each at least one, that share so many pairs."""
    total = sum(published)
    shares = [max(1, round(section * pairs / total)) for section in published]
    while sum(shares) != pairs:
        step = 1 if sum(shares) < pairs else -1
        shares[shares.index(max(shares))] += step
    return shares


def _image(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    """Sides of an image and of a patch, in pixels, and how many of them there are."""
    if re.fullmatch(r"(image|img|input|crop|tile)_size|window_size", name) and not is_text:
        return _like(value, SIDE)
    if name == "patch_size":
        return _like(value, PATCH)
    if name in ("num_position_embeddings", "num_patches") and isinstance(value, int):
        return (SIDE // PATCH) ** 2
    if name == "position_embedding_size" and isinstance(value, int):
        return min(value, 256)
    if re.fullmatch(COUNTS, name) and isinstance(value, int):
        return context.image_tokens
    if name in ("scale_factor", "downsample_factor") and isinstance(value, int):
        return min(value, 2)
    if name in ("vision_feature_layer", "vision_feature_layers") and value is not None:
        # Hidden states are one more than layers, the embeddings' first.
        return [_state(v) for v in value] if _is_list(value) else _state(value)
    if name == "image_grid_pinpoints" and value:
        return [[SIDE, SIDE]]
    return UNTOUCHED


def _state(index: int) -> int:
    """Return the place of an encoder's hidden state that is as near to the last, or the first, as it can be.

    From the first counted it may be a layer's index (Molmo2), which ends one before that of hidden states.
    """
    return max(index, -ENCODER_LAYERS) if index < 0 else min(index, ENCODER_LAYERS - 1)


def _like(value: Any, side: int) -> Any:
    """Return a side in the form of a published one: a number, height and width, or None."""
    if isinstance(value, int):
        return side
    if _is_list(value):
        return [side] * len(value)
    return dict.fromkeys(value, side) if isinstance(value, dict) else value


def _heads(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        return UNTOUCHED
    if re.fullmatch(r".*key_value_heads|n_head_kv|num_global_key_value_heads", name):
        heads = next((v for k, v in part.settings.items() if re.fullmatch(HEADS, k)), None)
        return 1 if value == 1 else part.heads if value == heads else 2
    if re.fullmatch(r"linear_num_(key|value)_heads|mamba_n(um)?_heads", name):
        return value  # few as they are; their width is made small
    if re.fullmatch(rf"({HEADS})|.*_(num_|n_)?heads", name):
        return part.heads
    if name in ("query_pre_attn_scalar", "attention_multiplier"):
        return part.head if value == part.published_head else value
    if re.fullmatch(r"linear_(key|value)_head_dim|mamba_d_head|mamba_head_dim", name):
        return 8
    if re.fullmatch(r"(qk_rope|qk_nope|v|qk|resampler)_head_dim", name):
        return part.head
    if name == "head_dim":
        return part.head
    if name == "global_head_dim":
        return part.head * max(1, value // (part.published_head or value))
    return UNTOUCHED


def _experts(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        return UNTOUCHED
    if re.fullmatch(r"num_experts|num_local_experts|n_routed_experts|moe_num_experts", name):
        return min(value, 4)
    if re.fullmatch(r"num_experts_per_tok|top_k_experts|moe_k|moe_top_?k|num_selected_experts", name):
        return min(value, 2)
    if name in ("n_group", "topk_group"):
        return min(value, 1)
    return UNTOUCHED


def _positions(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        return UNTOUCHED
    if re.search(r"max_(position_embeddings|seq(uence)?_len(gth)?)$|^n_positions$", name):
        return min(value, POSITIONS)
    if name in ("sliding_window", "attention_chunk_size"):
        return min(value, POSITIONS // 2)
    if name == "block_multiple_of":
        return min(value, 32)
    return UNTOUCHED


def _widths(name: str, value: Any, part: Part, context: _Context, is_text: bool) -> Any:
    if not isinstance(value, int) or isinstance(value, bool) or re.fullmatch(NOT_WIDE, name):
        return UNTOUCHED
    if re.fullmatch(OUTPUTS, name) or _is_output(name, part):
        return WIDTH
    if re.fullmatch(WIDTHS, name) and value in part.widths:
        return part.widths[value]
    if re.search(r"intermediate_size|ffn_dim|mlp_dim", name):
        return 2 * part.width
    if re.search("lora_rank|laurel_rank", name):
        return min(value, 64)
    if not re.fullmatch(WIDE, name) or value <= WIDTH // 2:
        return UNTOUCHED
    if value in context.widths:
        return context.widths[value]
    published = next(iter(part.widths), None) or next(iter(context.widths), value)
    return max(SMALLEST, round(value * part.width / published / SMALLEST) * SMALLEST)


RULES: tuple[Rule, ...] = (
    _token_ids,
    _vocabulary,
    _layers,
    _rotary,
    _image,
    _heads,
    _experts,
    _positions,
    _widths,
)
"""Tried in order; the first that knows a setting makes it small."""
