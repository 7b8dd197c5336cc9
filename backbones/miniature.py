"""What a plugin says of its miniature, and what all miniatures have in common: sizes, and settings of their halves.

`backbones.miniature_checkpoint` makes one of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase
    from transformers.processing_utils import ProcessorMixin

SIDE = 112
"""Side of a miniature's square image, in pixels."""
PATCH = 14
"""Side of a vision encoder's patch, in pixels, as in all families here."""
WIDTH = 128
"""Hidden size of a miniature's decoder: a multiple of the blocks that 4-bit weights are held in."""
LAYERS = 2
"""Layers of a miniature's decoder."""
ENCODER_LAYERS = 3
"""Layers of its vision encoder, one more than LLaVA uses."""

VOCABULARY = 1024
"""Tokens of a miniature's tokenizer, the 256 bytes and the special tokens included."""


@dataclass(frozen=True)
class MiniatureSpec:
    """What a plugin says of its miniature.

    Attributes:
        tokens: the tokenizer's pad, eos, bos and unk tokens, by transformers' names.
        extra_tokens: further special tokens, by the names the processor knows them under.
        chat_template: Jinja text, or None where the family has none.
        config: tokenizer → configuration of the family's own class.
        processor: tokenizer → processor of the family's own class.
    """

    tokens: Mapping[str, str]
    extra_tokens: Mapping[str, str]
    chat_template: str | None
    config: "Callable[[PreTrainedTokenizerBase], PreTrainedConfig]"
    processor: "Callable[[PreTrainedTokenizerBase], ProcessorMixin]"


def square(side: int) -> dict[str, int]:
    """Return an image processor's `size` of a square."""
    return {"height": side, "width": side}


def token_id(tokenizer: "PreTrainedTokenizerBase", token: str) -> int:
    """Return the id of a token."""
    return cast(int, tokenizer.convert_tokens_to_ids(token))


def decoder(tokenizer: "PreTrainedTokenizerBase", **further: Any) -> dict[str, Any]:
    """Return the text configuration that miniatures share, and what a family has `further`; None leaves a key out."""
    shared = {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": WIDTH // 4,
        "max_position_embeddings": 1024,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
    }
    left_out = [key for key, value in further.items() if value is None and key in shared]
    return {k: v for k, v in (shared | further).items() if k not in left_out}


def encoder(model_type: str, **further: Any) -> dict[str, Any]:
    """Return the vision configuration of miniatures with a plain vision transformer, with what is a family's own."""
    shared = {
        "model_type": model_type,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": ENCODER_LAYERS,
        "num_attention_heads": 4,
        "image_size": SIDE,
        "patch_size": PATCH,
    }
    return shared | further


def train_tokenizer(spec: MiniatureSpec, texts: Sequence[str]) -> "PreTrainedTokenizerBase":
    """Train a byte-level BPE tokenizer on `texts`, with the family's special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=list(dict.fromkeys([*spec.tokens.values(), *spec.extra_tokens.values()])),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **spec.tokens,
        extra_special_tokens=dict(spec.extra_tokens),
        chat_template=spec.chat_template,
    )
