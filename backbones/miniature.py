"""Miniatures: tiny checkpoints of a plugin's own model and processor classes, in the hub's layout.

A miniature is a folder (configuration, safetensors, tokenizer, processor, chat template) that the plugin's `load`
reads with the same calls as the real checkpoint. It is trained here from a fixed seed until it reads its pictures:
first the vision encoder, by small auxiliary heads that name what is in the image; then the decoder, on the frozen
image features, to write it down in several styles.
"""

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from backbones.base import Backbone

SIDE = 112
"""Side of a miniature's square image, in pixels."""
PATCH = 14
"""Side of a vision encoder's patch, in pixels, as in all families here."""
WIDTH = 128
"""Hidden size of a miniature's decoder."""
LAYERS = 3
"""Layers of a miniature's decoder, and of its vision encoder."""
VOCABULARY = 640
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
    config: Callable[[Any], Any]
    processor: Callable[[Any], Any]


@dataclass(frozen=True)
class Example:
    """A picture to train a miniature on.

    Attributes:
        image: uint8 [side, side].
        reports: the same content in several styles.
        labels: what is in the image, as class numbers by attribute; −1 where an attribute doesn't apply.
    """

    image: np.ndarray
    reports: tuple[str, ...]
    labels: Mapping[str, int]


@dataclass(frozen=True)
class Recipe:
    """How long a miniature is trained.

    Attributes:
        vision_steps: steps of the vision encoder with its auxiliary heads.
        language_steps: steps of the decoder on the image features.
        vision_batch, language_batch: examples a step.
        seed: of initialisation and order.
    """

    vision_steps: int = 300
    language_steps: int = 500
    vision_batch: int = 64
    language_batch: int = 16
    vision_rate: float = 1e-3
    language_rate: float = 2e-3
    seed: int = 0


def square(side: int) -> dict[str, int]:
    """An image processor's `size` of a square."""
    return {"height": side, "width": side}


def decoder(tokenizer: Any, **own: Any) -> dict[str, Any]:
    """The text configuration that miniatures share, and what is a family's `own`; None leaves a key out."""
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
    left_out = [key for key, value in own.items() if value is None and key in shared]
    return {k: v for k, v in (shared | own).items() if k not in left_out}


def encoder(model_type: str, **own: Any) -> dict[str, Any]:
    """The vision configuration that miniatures with a plain vision transformer share, and what is a family's own."""
    shared = {
        "model_type": model_type,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "image_size": SIDE,
        "patch_size": PATCH,
    }
    return shared | own


def train_tokenizer(spec: MiniatureSpec, texts: Sequence[str]) -> Any:
    """A byte-level BPE tokenizer trained on `texts`, with the family's special tokens."""
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


def untrained(spec: MiniatureSpec, texts: Sequence[str], seed: int) -> tuple[Any, Any]:
    """A freshly initialised model of the family and its processor."""
    from transformers import AutoModelForImageTextToText

    tokenizer = train_tokenizer(spec, texts)
    processor = spec.processor(tokenizer)  # may add tokens of its own, so the configuration comes after
    config = spec.config(processor.tokenizer)
    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_config(config)
    for name, parameter in model.named_parameters():
        # The published initialisations presume pretraining: a projector of zeros, an encoder of tiny weights.
        if not ("language_model" in name or "lm_head" in name or parameter.ndim < 2):
            inputs = parameter[0].numel() if "position" not in name else parameter.shape[-1]
            nn.init.normal_(parameter, std=inputs**-0.5)
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    return model, processor


def write_miniature(
    backbone: "type[Backbone]",
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
        texts: further texts for the tokenizer, e.g. reports of a style it is to be tuned to later.
        recipe: how long it is trained.
        progress: called with steps done and steps in all.
    """
    recipe = recipe or Recipe()
    spec = backbone.miniature()
    corpus = [report for example in examples for report in example.reports]
    with torch.random.fork_rng():
        model, processor = untrained(spec, [*corpus, *texts, *[prompt] * 50], recipe.seed)
        miniature = backbone(model, processor, source=folder, fingerprint="")
        total = recipe.vision_steps + recipe.language_steps
        report = progress or (lambda done, total: None)
        train_vision(miniature, examples, recipe, lambda done: report(done, total))
        train_language(
            miniature, examples, prompt, recipe, lambda done: report(recipe.vision_steps + done, total)
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    model.save_pretrained(temporary)
    processor.save_pretrained(temporary)
    described = {
        "backbone": backbone.name,
        "prompt": prompt,
        "recipe": asdict(recipe),
        "examples": len(examples),
    }
    (temporary / "miniature.txt").write_text(json.dumps(described, indent=1) + "\n")
    if folder.exists():
        shutil.rmtree(folder)
    temporary.rename(folder)
    return folder


def is_miniature(folder: Path) -> bool:
    """Whether a checkpoint folder was written here, so that no table mistakes it for published weights."""
    return (folder / "miniature.txt").is_file()


def rate(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine down to 5 %."""
    decay = 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))
    return min(1.0, (step + 1) / warmup) * (0.05 + 0.95 * decay)


def optimise(
    parameters: Sequence[nn.Parameter],
    steps: int,
    peak: float,
    loss_of_step: Callable[[int], Tensor],
    progress: Callable[[int], None],
) -> None:
    """AdamW with clipping to norm 1 for `steps` steps of `loss_of_step`."""
    optimizer = torch.optim.AdamW(parameters, lr=peak, weight_decay=0.02, betas=(0.9, 0.98))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = peak * rate(step, steps, warmup=30)
        loss = loss_of_step(step)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 10 == 9 or step == steps - 1:
            progress(step + 1)


def batches(total: int, size: int, seed: int) -> Callable[[int], Tensor]:
    """Step → indices of its examples: every example once an epoch, in an order drawn from `seed`."""
    generator = torch.Generator().manual_seed(seed)
    waiting: list[int] = []

    def draw(_: int) -> Tensor:
        while len(waiting) < size:
            waiting.extend(torch.randperm(total, generator=generator).tolist())
        taken, waiting[:] = waiting[:size], waiting[size:]
        return torch.tensor(taken)

    return draw


def train_vision(
    miniature: "Backbone", examples: Sequence[Example], recipe: Recipe, progress: Callable[[int], None]
) -> None:
    """Teach the vision encoder and projector to name what is in the image, by one linear head an attribute."""
    model = miniature.model
    inputs = [miniature.feature_inputs([example.image]) for example in examples]
    pixels = torch.stack([i["pixel_values"] for i in inputs]).flatten(1, 1)
    labels = {a: torch.tensor([e.labels[a] for e in examples]) for a in examples[0].labels}
    heads = nn.ModuleDict({a: nn.Linear(2 * WIDTH, int(y.max()) + 1) for a, y in labels.items()})
    parameters = [p for n, p in model.named_parameters() if "language_model" not in n and "lm_head" not in n]
    draw = batches(len(examples), recipe.vision_batch, recipe.seed)

    def loss(step: int) -> Tensor:
        rows = draw(step)
        batch = pixels[rows].flatten(0, 1)
        noisy = {"pixel_values": batch + 0.03 * torch.randn_like(batch)}
        if "image_grid_thw" in inputs[0]:
            noisy["image_grid_thw"] = torch.cat([inputs[0]["image_grid_thw"]] * len(rows))
        tokens = torch.stack(tuple(model.get_image_features(**noisy).pooler_output))
        pooled = torch.cat([tokens.mean(1), tokens.amax(1)], dim=1)
        return torch.stack(
            [
                functional.cross_entropy(heads[a](pooled), y[rows], ignore_index=-1, reduction="sum")
                / len(rows)
                for a, y in labels.items()
            ]
        ).sum()

    model.train()
    optimise([*parameters, *heads.parameters()], recipe.vision_steps, recipe.vision_rate, loss, progress)
    model.eval()


def train_language(
    miniature: "Backbone",
    examples: Sequence[Example],
    prompt: str,
    recipe: Recipe,
    progress: Callable[[int], None],
) -> None:
    """Teach the decoder to write the examples' reports from the vision encoder's frozen features."""
    model = miniature.model
    features: list[Tensor] = []
    for start in range(0, len(examples), 100):
        features += miniature.encode_images([e.image for e in examples[start : start + 100]])
    parameters = [p for n, p in model.named_parameters() if "language_model" in n or "lm_head" in n]
    draw = batches(len(examples), recipe.language_batch, recipe.seed + 1)
    epoch = max(1, len(examples) // recipe.language_batch)

    def loss(step: int) -> Tensor:
        rows = draw(step).tolist()
        styles = [(row + step // epoch) % len(examples[row].reports) for row in rows]
        reports = [examples[row].reports[style] for row, style in zip(rows, styles, strict=True)]
        text = miniature.encode_text([prompt] * len(rows), reports)
        return model(**miniature.model_inputs(text, [features[row] for row in rows])).loss

    model.train()
    optimise(parameters, recipe.language_steps, recipe.language_rate, loss, progress)
    model.eval()
