"""Stand-ins for a published tokenizer and processor that aren't at hand: the miniature's, in published sizes."""

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones.made_after import miniature_of
from backbones.miniature import SIDE, train_tokenizer
from backbones.miniature_checkpoint import ROLES

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from backbones.base import Backbone

IDS = ("pad_token_id", "eos_token_id", "bos_token_id")
"""Of a decoder's configuration, those that name tokens."""
SETTINGS = ("processor_config.json", "preprocessor_config.json")


def write_processor(
    plugin: "type[Backbone]", config: "PreTrainedConfig", folder: Path, texts: Sequence[str]
) -> "PreTrainedTokenizerBase":
    """Write a processor of the plugin's class, with the published image size and a full vocabulary.

    Args:
        plugin: whose.
        config: of the checkpoint.
        folder: where its files go.
        texts: that the tokenizer learns its words from; the rest of the vocabulary are words that no text has.

    Returns:
        The tokenizer.
    """
    spec = miniature_of(plugin)
    learned = train_tokenizer(spec, [*texts, *ROLES] * 2)
    # PaliGemma's adds 1,152 places and shapes of objects, which the published vocabulary has in it.
    added = len(spec.processor(deepcopy(learned)).tokenizer) - len(learned)
    processor = spec.processor(_filled(learned, config.get_text_config().vocab_size - added))
    processor.save_pretrained(folder)
    for name in SETTINGS:
        if (path := folder / name).is_file():
            settings = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(_published(settings, plugin, config), indent=1) + "\n", encoding="utf-8")
    return processor.tokenizer


def _filled(tokenizer: "PreTrainedTokenizerBase", size: int) -> "PreTrainedTokenizerBase":
    """Return the tokenizer with so many tokens: words that no merge makes, so that texts are split as before."""
    from tokenizers import Tokenizer

    backend: Any = tokenizer
    content = json.loads(backend.backend_tokenizer.to_str())
    vocabulary = content["model"]["vocab"]
    vocabulary |= {f"Ġword{number}": number for number in range(len(tokenizer), size)}
    backend._tokenizer = Tokenizer.from_str(json.dumps(content))
    return tokenizer


def take_token_ids(plugin: "type[Backbone]", config: "PreTrainedConfig", tokenizer: "PreTrainedTokenizerBase") -> None:
    """Give a published configuration the ids that a stand-in's tokenizer knows its special tokens by."""
    small = miniature_of(plugin).config(tokenizer)
    for name in small.to_dict():
        if name.endswith(("_token_id", "_token_index")) and isinstance(getattr(small, name, None), int):
            setattr(config, name, getattr(small, name))
    for name in IDS:
        setattr(config.get_text_config(), name, getattr(small.get_text_config(), name, None))


def _published(settings: Any, plugin: "type[Backbone]", config: "PreTrainedConfig") -> Any:
    """Return a processor's settings with a miniature's sizes replaced by the published ones, by their names."""
    side, vision = plugin.checkpoint.image_size, config.vision_config
    whole = {"height": side, "width": side, "shortest_edge": side, "longest_edge": side}
    tile = getattr(vision, "image_size", side)
    others = {
        "patch_size": vision.patch_size,
        "image_seq_length": plugin.checkpoint.image_tokens,
        "image_seq_len": plugin.checkpoint.image_tokens // plugin.checkpoint.tiles,
        "do_image_splitting": plugin.checkpoint.tiles > 1,
        "max_image_size": {"longest_edge": tile},
    }

    def replaced(name: str, value: Any) -> Any:
        if name in others:
            return others[name]
        if isinstance(value, dict):
            return {key: replaced(key, inner) for key, inner in value.items()}
        if name in whole and value in (SIDE, SIDE**2):
            return whole[name] if value == SIDE else whole[name] ** 2
        return value

    return replaced("", settings)
