"""How fast a machine is: measured on it by an earlier sweep, or assumed from its data sheet."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from backbones.structure import Structure
from benchmark.errors import UserError
from benchmark.planning.costs import training_operations
from benchmark.store import TrialFolder

USE = 0.35
"""Assumed share of the peak rate that training, prompts and the vision encoder reach."""
BANDWIDTH_USE = 0.5
"""Assumed share of the memory's bandwidth that writing reaches, which reads all weights for each token."""
CPU = (0.03, 0.02)
"""A processor core: TFLOP/s and TB/s, assumed."""
GPUS = {
    "B200": (2250, 8.0),
    "H200": (989, 4.8),
    "H100": (989, 3.35),
    "A100": (312, 2.0),
    "L40S": (362, 0.86),
    "A6000": (155, 0.77),
    "4090": (165, 1.0),
    "L4": (121, 0.3),
    "A10": (125, 0.6),
    "V100": (125, 0.9),
    "T4": (65, 0.32),
}
"""Dense 16-bit TFLOP/s and memory bandwidth in TB/s by NVIDIA's data sheets; a longer name is looked for first."""


@dataclass(frozen=True)
class Rate:
    """Operations per second, bytes of memory per second, and where they are from."""

    operations: float
    bandwidth: float
    source: str


def assumed(gpu: str | None) -> Rate:
    """Return a GPU's rate by name, an A100's where the name is unknown, one processor core's where there is none."""
    if gpu is None:
        rate, bandwidth = CPU
        return Rate(rate * 1e12, bandwidth * 1e12, "assumed: 0.03 TFLOP/s, one processor core")
    model = next((name for name in sorted(GPUS, key=len, reverse=True) if name in gpu), "A100")
    peak, bandwidth = GPUS[model]
    match = model if model in gpu else f"as an {model}"
    return Rate(
        peak * USE * 1e12,
        bandwidth * BANDWIDTH_USE * 1e12,
        f"assumed: {USE:.0%} of {peak} TFLOP/s and {BANDWIDTH_USE:.0%} of {bandwidth} TB/s ({match})",
    )


def measured(
    results: Path, backbone: str, structure: Structure, gpu: str | None, quantization: str | None = None
) -> float | None:
    """Return operations per second that trials of `backbone` trained at, on this kind of GPU; None where none has.

    A trial's seconds of training are its share of its pack's, so the median over trials is the rate of packs.

    Args:
        results: the folder of results.
        backbone: its name; miniatures are told from published checkpoints.
        structure: of its checkpoint.
        gpu: the GPU's name; None for a processor.
        quantization: of the base: products with weights that are dequantised first take another time.
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
        same = (trial.backbone, record.gpu, trial.quantization) == (backbone, gpu, quantization)
        if same and record.checkpoint.parameters == structure.parameters and seconds > 0:
            reports = steps * trial.protocol.batch_size
            rates.append(reports * training_operations(structure, trial.rank) / seconds)
    return median(rates) if rates else None
