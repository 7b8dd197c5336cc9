"""How fast a machine is: measured on it by an earlier sweep, or assumed from its data sheet."""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from backbones.structure import Structure
from benchmark.errors import UserError
from benchmark.forms.suite import Entry
from benchmark.planning.costs import training_operations
from benchmark.planning.devices import Target
from benchmark.results.store import TrialFolder

USE = 0.35
"""Assumed share of the peak rate that training, prompts and the vision encoder reach; without dropout packs of MedGemma
reached 34 % on an H100, see docs/gpu.md."""
BANDWIDTH_USE = 0.5
"""Assumed share of the memory's bandwidth that writing reaches, which reads all weights for each token."""
PASS_PACKED, PASS_ALONE = 0.002, 0.005
"""Seconds that the host takes to give a GPU one layer's work of a pass that writes a token, however many reports: of
MedGemma on an H100 1.5 to 3.6 ms for a pack, 5 by plain peft, see docs/gpu.md."""
CPU = (0.03, 0.02)
"""A processor core: TFLOP/s and TB/s, assumed."""


@dataclass(frozen=True)
class Rate:
    """Operations per second, bytes of memory per second, where they are from, and whether a host gives out the work."""

    operations: float
    bandwidth: float
    source: str
    by_host: bool = False


def assumed(target: Target, dtype: str) -> Rate:
    """Return the rate of a card by its data sheet for numbers of `dtype`, or of one processor core.

    Tensor cores take 16-bit numbers; where they don't take bfloat16, or numbers have more bits, the others do the work.
    """
    card = target.card
    if card is None:
        rate, bandwidth = CPU
        return Rate(rate * 1e12, bandwidth * 1e12, f"assumed: {rate} TFLOP/s, one processor core")
    by_tensor_cores = dtype == "bfloat16" and card.bfloat16
    peak = card.tensor if by_tensor_cores else card.single
    what = "dense bf16" if by_tensor_cores else f"32 bits: no tensor cores for {dtype}"
    return Rate(
        peak * USE * 1e12,
        card.bandwidth * BANDWIDTH_USE * 1e12,
        f"assumed: {USE:.0%} of {card.name}'s {peak:g} TFLOP/s ({what}) and {BANDWIDTH_USE:.0%} of its "
        f"{card.bandwidth:g} TB/s",
        by_host=True,
    )


def times(rate: Rate, cores: int) -> Rate:
    """Return the rate of several cores."""
    return replace(rate, operations=rate.operations * cores, bandwidth=rate.bandwidth * cores)


def measured(results: Path, entry: Entry, structure: Structure, target: Target) -> float | None:
    """Return operations per second that trials of a backbone trained at, on this kind of device; None where none has.

    A trial's seconds of training are its share of its pack's, so the median over trials is the rate of packs.

    Args:
        results: the folder of results.
        entry: the backbone, its number format and quantization: products with weights that are dequantised first take
            another time.
        structure: of its checkpoint; miniatures are told from published ones by it.
        target: the device.
    """
    rates = []
    for path in sorted(results.glob("*/trial.json")):
        folder = TrialFolder(path.parent)
        try:
            record = folder.read_trial()
            steps = len(folder.read_losses())
        except (UserError, OSError, ValueError, KeyError):
            continue  # a floor, or a record of another version: it says nothing about speed
        trial, seconds = record.trial, record.seconds.get("train", 0.0)
        same = (trial.backbone, trial.quantization, trial.dtype) == (entry.name, entry.quantization, entry.dtype)
        same &= record.checkpoint.parameters == structure.parameters and target.is_same(record.gpu)
        if same and seconds > 0:
            reports = steps * trial.protocol.batch_size
            again = trial.protocol.activation_checkpointing
            rates.append(
                reports * training_operations(structure, trial.rank, trial.targets, checkpointing=again) / seconds
            )
    return median(rates) if rates else None
