"""What tuning a backbone costs, by arithmetic from its structure: weights, operations, and time at a given rate.

An operation is a multiplication or an addition of 16-bit numbers, as vendors count them: 2 per weight and token.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backbones.structure import Structure

BYTES = {"float32": 4, "bfloat16": 2, "float64": 8}
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes per weight in NF4: 4 bits, an 8-bit scale for 64 weights, a 32-bit one for 256 scales (arXiv 2305.14314)."""
PROMPT_TOKENS = 40
"""Assumed: instruction and turn markers."""
REPORT_TOKENS = 93
"""Mean tokens of a DMID report with its end token, by Mistral's tokenizer (Qwen's needs 72); counted on all 510."""
TUNED_VISION = "vision+decoder"
"""The targets with which images go through the vision encoder at every step and with every report."""
LONGEST_REPORT_TOKENS = 175
"""Of DMID's reports, by Mistral's tokenizer."""


@dataclass(frozen=True)
class Workload:
    """What a suite, or a part of it, asks of one backbone.

    Attributes:
        images: images that go through the vision encoder, once each.
        reports_trained: reports that one trial learns from, counted each time.
        reports_evaluated: reports whose loss is taken within the training of one trial, counted each time.
        checkpointing: whether activations are computed anew in the backward pass.
        written: reports that each trial writes, one for each different image.
        new_tokens: of a report at most.
        ranks: rank of each trial that is trained.
        targets: which layers each of those adapts; all of the decoder's where it is empty.
        seen_anew: images that go through a tuned vision encoder where reports are written.
        shown: reports in the prompt of each trial that writes, as examples; none where left out.
    """

    images: int
    reports_trained: int
    checkpointing: bool
    written: Sequence[int]
    new_tokens: int
    ranks: Sequence[int]
    targets: Sequence[str] = ()
    seen_anew: int = 0
    shown: Sequence[int] = ()
    reports_evaluated: int = 0

    @property
    def writers(self) -> list[tuple[int, int]]:
        """Reports that each trial writes, and reports that its prompt shows."""
        return list(zip(self.written, self.shown or [0] * len(self.written), strict=True))

    @property
    def targets_of_each(self) -> Sequence[str]:
        """Which layers each trial that is trained adapts."""
        return self.targets or ["all"] * len(self.ranks)

    @property
    def report_tokens(self) -> int:
        """Tokens of a written report, on average."""
        return min(REPORT_TOKENS, self.new_tokens)


def weights_in_memory(structure: Structure, dtype: str, quantization: str | None) -> float:
    """Return the bytes of the frozen model."""
    decoder = structure.decoder_weights * (NF4_BYTES if quantization == "nf4" else BYTES[dtype])
    return decoder + (structure.parameters - structure.decoder_weights) * BYTES[dtype]


def vision_operations(structure: Structure) -> float:
    """Count operations of one image through the vision encoder and the projector."""
    weights = structure.encoder_weights * structure.patches + structure.projector_weights * structure.image_tokens
    return 2 * (weights + structure.encoder_attention)


def training_operations(structure: Structure, rank: int, targets: str = "all", *, checkpointing: bool = False) -> float:
    """Count operations of one report forward and backward, from cached image features.

    Where the vision encoder is tuned too, its image goes through it forward and backward as well.

    The frozen weights get no gradient, so backward costs them once more what forward did; attention twice, adapters
    twice. The head sees the report's positions only. With activation checkpointing layers go forward once more.
    """
    layers, small, head = _forward(structure, rank, targets)
    once_more = layers + small if checkpointing else 0.0
    vision = 0.0
    if targets == TUNED_VISION:
        once, adapters = _vision_forward(structure, rank)
        vision = (3 if checkpointing else 2) * once + adapters
    return 2 * (layers + head) + 3 * small + once_more + vision


def evaluation_operations(structure: Structure, rank: int, targets: str = "all") -> float:
    """Count operations of one report whose loss is taken, and nothing learned: forward alone."""
    vision = _vision_forward(structure, rank)[0] if targets == TUNED_VISION else 0.0
    return sum(_forward(structure, rank, targets)) + vision


def _forward(structure: Structure, rank: int, targets: str) -> tuple[float, float, float]:
    """Count operations of a report forward: of the layers' weights, of attention and adapters, and of the head."""
    tokens = structure.image_tokens + PROMPT_TOKENS + REPORT_TOKENS
    head = 2 * structure.hidden * structure.vocabulary * REPORT_TOKENS
    decoders = "all" if targets == TUNED_VISION else targets
    adapters = 2 * structure.trainable(rank, decoders) * tokens
    return 2 * structure.met_weights * tokens, _attention(structure, tokens) + adapters, head


def _vision_forward(structure: Structure, rank: int) -> tuple[float, float]:
    """Count operations of an image through a tuned vision encoder, and those of its adapters among them."""
    others = structure.trainable(rank, TUNED_VISION) - structure.trainable(rank)
    adapters = 2 * others * structure.patches
    return vision_operations(structure) + adapters, adapters


def prompt_operations(structure: Structure, shown: int = 0) -> float:
    """Count operations of image and prompt through the decoder, before the first word is written.

    Args:
        structure: of the backbone.
        shown: reports that the prompt shows as examples.
    """
    tokens = structure.image_tokens + PROMPT_TOKENS + shown * REPORT_TOKENS
    return 2 * structure.met_weights * tokens + _attention(structure, tokens)


def word_operations(structure: Structure, shown: int = 0) -> float:
    """Count operations of one token written, with a key-value cache; `shown` as `prompt_operations` takes it."""
    seen = structure.image_tokens + PROMPT_TOKENS + (shown + 1) * REPORT_TOKENS
    head = 2 * structure.hidden * structure.vocabulary
    return 2 * structure.met_weights + head + 4 * structure.layers * structure.query_width * seen


def _attention(structure: Structure, tokens: int) -> float:
    """Count operations of scores and weighted sums of all layers, forward."""
    return 4 * structure.layers * tokens**2 * structure.query_width


def feature_bytes(structure: Structure, images: int, dtype: str) -> float:
    """Return the bytes of disk that the image features take."""
    return images * structure.image_tokens * structure.hidden * structure.kept_layers * BYTES[dtype]


@dataclass(frozen=True)
class Operations:
    """Operations of all trials of a backbone, by stage."""

    vision: float
    train: float
    write: float


def operations(structure: Structure, work: Workload) -> Operations:
    """Return what a suite asks of a backbone."""
    trained = (
        training_operations(structure, rank, targets, checkpointing=work.checkpointing)
        for rank, targets in zip(work.ranks, work.targets_of_each, strict=True)
    )
    evaluated = work.reports_evaluated * sum(
        evaluation_operations(structure, rank, targets)
        for rank, targets in zip(work.ranks, work.targets_of_each, strict=True)
    )
    written = sum(
        reports * (prompt_operations(structure, k) + work.report_tokens * word_operations(structure, k))
        for reports, k in work.writers
    )
    return Operations(
        vision=work.images * vision_operations(structure),
        train=work.reports_trained * sum(trained) + evaluated,
        write=written + work.seen_anew * vision_operations(structure),
    )
