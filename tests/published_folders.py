"""Folders in the hub's layout of families that no plugin speaks for: configuration, tokenizer, processor, no weights.

Each configuration is transformers' own default for the class, at its published size, with the ids of the tokenizer
beside it; each processor is the class's own, as it comes.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, PreTrainedTokenizerFast


@dataclass(frozen=True)
class Family:
    """What a family's folder is made of.

    Attributes:
        model_type: of the configuration; its sizes are transformers' defaults.
        processor, images: classes of transformers.
        template: chat template.
        tokens, extra: special tokens, by the names that tokenizer and processor know them under.
        ends: tokens that generation stops at, for `generation_config.json`; none where empty.
        settings, image_settings, config: of the processor, its image processor, and the configuration.
        ids: tokens of the configuration's ids, where their names differ.
        stated: what its files don't say.
    """

    model_type: str
    processor: str
    images: str
    template: str | None
    tokens: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    ends: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    image_settings: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, Any] = field(default_factory=dict)


IDS = ("bos_token_id", "eos_token_id", "pad_token_id")


def tokenizer_of(family: Family, *, further: Callable[[dict[str, int]], None] = lambda words: None) -> Any:
    """Return a byte-level tokenizer with a family's special tokens."""
    words = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    further(words)
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **family.tokens,
        extra_special_tokens=dict(family.extra),
        chat_template=family.template,
    )


def write_folder(family: Family, folder: Path) -> Path:
    """Write a family's folder; return it."""
    from backbones.private.processors import images_and_text

    tokenizer = tokenizer_of(family)
    images = getattr(transformers, family.images)(**family.image_settings)
    kind: Any = images_and_text(getattr(transformers, family.processor))
    processor = kind(
        image_processor=images, tokenizer=tokenizer, chat_template=tokenizer.chat_template, **family.settings
    )
    processor.save_pretrained(folder)
    config = AutoConfig.for_model(family.model_type, **family.config)
    _take_ids(config, processor.tokenizer, family)
    config.save_pretrained(folder)
    if family.ends:
        ends = processor.tokenizer.convert_tokens_to_ids(list(family.ends))
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}), encoding="utf-8")
    return folder


def _take_ids(config: Any, tokenizer: Any, family: Family) -> None:
    """Give a configuration the ids of the tokenizer's tokens, by their names."""
    named = {**family.extra, **family.tokens}
    for name, stated in family.ids.items():
        setattr(config, name, tokenizer.convert_tokens_to_ids(stated))
    for part in (config, config.get_text_config()):
        for name in vars(part).copy():
            base = name.removesuffix("_index").removesuffix("_id")
            if name.endswith(("_token_id", "_token_index")):
                token = family.ids.get(name) or named.get(base)
                if (
                    token
                    or not isinstance(part, type(config))
                    or name in ("bos_token_id", "eos_token_id", "pad_token_id")
                ):
                    setattr(part, name, tokenizer.convert_tokens_to_ids(token) if token else None)
