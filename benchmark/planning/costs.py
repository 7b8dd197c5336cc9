"""What tuning a backbone costs, by arithmetic from its structure: memory, operations, and time at a given rate.

An operation is a multiplication or an addition of 16-bit numbers, as vendors count them: 2 per weight and token.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backbones.structure import Structure

BYTES = {"float32": 4, "bfloat16": 2, "float64": 8}
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes per weight in NF4: 4 bits, an 8-bit scale for 64 weights, a 32-bit one for 256 scales (arXiv 2305.14314)."""
ADAM_BYTES = 4 * 4
"""Bytes per trainable parameter: itself, its gradient and AdamW's two moments, in 32 bits."""
PROMPT_TOKENS = 40
"""Assumed: instruction and turn markers."""
REPORT_TOKENS = 93
"""Mean tokens of a DMID report with its end token, by Mistral's tokenizer (Qwen's needs 72); counted on all 510."""
LONGEST_REPORT_TOKENS = 175
"""Of DMID's reports, by Mistral's tokenizer."""


@dataclass(frozen=True)
class Workload:
    """What a suite, or a part of it, asks of one backbone.

    Attributes:
        images: images that go through the vision encoder, once each.
        reports_trained: reports that one trial learns from, counted each time.
        checkpointing: whether activations are computed anew in the backward pass.
        written: reports that each trial writes, one for each different image.
        new_tokens: of a report at most.
        ranks: rank of each trial.
    """

    images: int
    reports_trained: int
    checkpointing: bool
    written: Sequence[int]
    new_tokens: int
    ranks: Sequence[int]

    @property
    def report_tokens(self) -> int:
        """Tokens of a written report, on average."""
        return min(REPORT_TOKENS, self.new_tokens)


@dataclass(frozen=True)
class Memory:
    """Bytes of GPU memory: of the frozen model, of a trial's adapter in training, of one report in training."""

    weights: float
    trial: float
    report: float

    def pack(self, trials: int, batch_size: int) -> float:
        """Return the bytes that a pack takes."""
        return self.weights + trials * (self.trial + batch_size * self.report)

    def largest_pack(self, trials: int, batch_size: int, available: float) -> int:
        """Return how many trials fit as a pack into `available` bytes, at most `trials`; 0 where not even one does."""
        room = available - self.weights
        return max(0, min(trials, int(room // (self.trial + batch_size * self.report))))


def memory(
    structure: Structure, rank: int, dtype: str, quantization: str | None, *, checkpointing: bool = False
) -> Memory:
    """Return the memory of tuning with adapters of `rank`, the longest DMID report counted for each.

    A layer keeps for its backward pass: inputs of both norms, of attention, of the output projection and of the MLP;
    queries, keys, values; and of the MLP gate, its activation, and the product. Where attention isn't fused, its
    capped scores and their softmax too. The head keeps logits of the report's positions, their softmax and its
    gradient in 32 bits. Measured on miniatures, it is right to a quarter. With activation checkpointing each layer
    keeps its input only, and one layer at a time what it else keeps.
    """
    size = BYTES[dtype]
    decoder = structure.decoder_weights * (NF4_BYTES if quantization == "nf4" else size)
    rest = (structure.parameters - structure.decoder_weights) * size
    saved = (
        5 * structure.hidden
        + 2 * structure.query_width
        + 2 * structure.key_value_width
        + 4 * structure.intermediate
    )  # fmt: skip
    tokens = structure.image_tokens + PROMPT_TOKENS + LONGEST_REPORT_TOKENS
    saved += 2 * structure.eager_heads * tokens
    values = structure.hidden * structure.layers + saved if checkpointing else saved * structure.layers
    logits = LONGEST_REPORT_TOKENS * structure.vocabulary * 4 * 3
    return Memory(
        weights=decoder + rest,
        trial=structure.trainable(rank) * ADAM_BYTES,
        report=tokens * values * size + logits,
    )


def vision_operations(structure: Structure) -> float:
    """Count operations of one image through the vision encoder and the projector."""
    weights = structure.encoder_weights * structure.patches + structure.projector_weights * structure.image_tokens
    return 2 * (weights + structure.encoder_attention)


def training_operations(structure: Structure, rank: int, *, checkpointing: bool = False) -> float:
    """Count operations of one report forward and backward, from cached image features.

    The frozen weights get no gradient, so backward costs them once more what forward did; attention twice, adapters
    twice. The head sees the report's positions only. With activation checkpointing layers go forward once more.
    """
    tokens = structure.image_tokens + PROMPT_TOKENS + REPORT_TOKENS
    head = 2 * structure.hidden * structure.vocabulary * REPORT_TOKENS
    adapters = 2 * structure.trainable(rank) * tokens
    layers, small = 2 * structure.decoder_weights * tokens, _attention(structure, tokens) + adapters
    once_more = layers + small if checkpointing else 0.0
    return 2 * (layers + head) + 3 * small + once_more


def prompt_operations(structure: Structure) -> float:
    """Count operations of image and prompt through the decoder, before the first word is written."""
    tokens = structure.image_tokens + PROMPT_TOKENS
    return 2 * structure.decoder_weights * tokens + _attention(structure, tokens)


def word_operations(structure: Structure) -> float:
    """Count operations of one token written, with a key-value cache."""
    seen = structure.image_tokens + PROMPT_TOKENS + REPORT_TOKENS
    head = 2 * structure.hidden * structure.vocabulary
    return 2 * structure.decoder_weights + head + 4 * structure.layers * structure.query_width * seen


def _attention(structure: Structure, tokens: int) -> float:
    """Count operations of scores and weighted sums of all layers, forward."""
    return 4 * structure.layers * tokens**2 * structure.query_width


def feature_bytes(structure: Structure, images: int, dtype: str) -> float:
    """Return the bytes of disk that the image features take."""
    return images * structure.image_tokens * structure.hidden * BYTES[dtype]


@dataclass(frozen=True)
class Operations:
    """Operations of all trials of a backbone, by stage."""

    vision: float
    train: float
    write: float


def operations(structure: Structure, work: Workload) -> Operations:
    """Return what a suite asks of a backbone."""
    trained = (training_operations(structure, rank, checkpointing=work.checkpointing) for rank in work.ranks)
    report = prompt_operations(structure) + work.report_tokens * word_operations(structure)
    return Operations(
        vision=work.images * vision_operations(structure),
        train=work.reports_trained * sum(trained),
        write=sum(work.written) * report,
    )
