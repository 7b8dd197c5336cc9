"""Miniatures: tiny checkpoints of a plugin's own model and processor classes, in the hub's layout.

A miniature is a folder (configuration, safetensors, tokenizer, processor, chat template) that the plugin's `load`
reads with the same calls as the real checkpoint. `backbones.pretraining` trains it from a fixed seed.

Those of the main families lie in `backbones/miniatures`, made once by `make miniatures`, so that every machine starts
from the same weights: training them anew on another processor gives other ones, and with them other results.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from backbones.base import Backbone
from backbones.checkpoint import DESCRIPTION
from backbones.locks import temporary_folder
from backbones.made_after import miniature_of
from backbones.manifest import write_manifest
from backbones.miniature import MiniatureSpec, train_tokenizer
from backbones.pretraining import READING_PROMPT, Example, Recipe, train_language, train_vision

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.processing_utils import ProcessorMixin

MINIATURES = 2
"""Version of the miniatures: raised when what this module or `backbones.pretraining` does makes other ones."""
ROLES = ("user", "model", "assistant")
"""Who speaks in chat templates; the tokenizer knows them as words."""


def untrained(
    spec: MiniatureSpec, texts: Sequence[str], seed: int, decoder: str
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """Build a freshly initialised model of the family, whose decoder is the module of that name, and its processor."""
    from transformers import AutoModelForImageTextToText

    tokenizer = train_tokenizer(spec, texts)
    processor = spec.processor(tokenizer)  # may add tokens of its own, so the configuration comes after
    config = spec.config(processor.tokenizer)
    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_config(config)
    for name, parameter in model.named_parameters():
        # The published initialisations presume pretraining: a projector of zeros, an encoder of tiny weights.
        if not (decoder in name or "lm_head" in name or parameter.ndim < 2):
            inputs = parameter[0].numel() if "position" not in name else parameter.shape[-1]
            nn.init.normal_(parameter, std=inputs**-0.5)
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    return model, processor


def write_miniature(
    backbone: type[Backbone],
    folder: Path,
    examples: Sequence[Example],
    *,
    prompt: str,
    texts: Sequence[str] = (),
    recipe: Recipe | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Train a miniature of `backbone` and write it to `folder`, which appears whole or not at all.

    Args:
        examples: what it is trained on.
        prompt: the prompt it is trained with.
        texts: further texts for the tokenizer, which the decoder reads without an image: reports of a style that it
            is to be tuned to later.
        recipe: how long it is trained.
        progress: called with steps done and steps in all.
    """
    recipe = recipe or Recipe()
    spec = miniature_of(backbone)
    corpus = [report for example in examples for report in example.reports]
    with torch.random.fork_rng():
        # Every row begins with a prompt, so its words are tokens.
        prompts = [prompt, READING_PROMPT, *ROLES] * len(examples)
        model, processor = untrained(spec, [*corpus, *texts, *prompts], recipe.seed, backbone.decoder)
        miniature = backbone(model, processor, source=folder, fingerprint="")
        total = recipe.vision_steps + recipe.language_steps
        report = progress or (lambda done, total: None)
        train_vision(miniature, examples, recipe, lambda done: report(done, total))
        train_language(
            miniature, examples, prompt, recipe, lambda done: report(recipe.vision_steps + done, total), texts
        )
    description = Description(
        version=MINIATURES,
        backbone=backbone.name,
        specification=specification(backbone),
        prompt=prompt,
        recipe=recipe,
        examples=len(examples),
    )
    temporary = temporary_folder(folder)
    try:
        # Stored as published checkpoints are, in 16 bits.
        model.to(torch.bfloat16).save_pretrained(temporary)  # type: ignore[arg-type]
        processor.save_pretrained(temporary)
        (temporary / DESCRIPTION).write_text(json.dumps(asdict(description), indent=1) + "\n", encoding="utf-8")
        write_manifest(temporary)
        open_to_readers(temporary)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


@dataclass(frozen=True)
class Description:
    """How a miniature was made.

    Attributes:
        version: of the miniatures, `MINIATURES`.
        backbone: whose it is.
        specification: digest of what the plugin says of it.
        prompt: that it was trained with.
        recipe: how long it was trained.
        examples: number of pictures that it was trained on.
    """

    version: int
    backbone: str
    specification: str
    prompt: str
    recipe: Recipe
    examples: int


def specification(backbone: type[Backbone]) -> str:
    """Return a digest of what a plugin says of its miniature: tokens, template, configuration, processor.

    They are asked for with a tokenizer that knows no word, and without the version of transformers.
    """
    spec = miniature_of(backbone)
    processor = spec.processor(train_tokenizer(spec, []))
    config = spec.config(processor.tokenizer).to_dict()
    images = processor.image_processor.to_dict()
    stated = [backbone.decoder, dict(spec.tokens), dict(spec.extra_tokens), spec.chat_template, config, images]
    text = json.dumps(_without_version(stated), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_version(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_version(v) for k, v in value.items() if k != "transformers_version"}
    return [_without_version(v) for v in value] if isinstance(value, list | tuple) else value


def open_to_readers(folder: Path) -> None:
    """Give a temporary folder and its files the modes that new ones get; some libraries make theirs private."""
    mask = os.umask(0)
    os.umask(mask)
    folder.chmod(0o777 & ~mask)
    for path in folder.iterdir():
        path.chmod(0o666 & ~mask)
