"""Packed and sequential training from the same state, on the device, in its own kernels and number format."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from benchmark.forms.suite import Trial
from benchmark.gpu_check.found import Found
from benchmark.gpu_check.model import Difference
from benchmark.gpu_check.subject import Subject
from benchmark.results.store import TrialFolder
from benchmark.tuning.contract import TOLERANCE, unlike
from benchmark.tuning.interface import Engine
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.sequential import Sequential

ROUNDED = 2e-2
"""Relative difference of losses that is allowed in bfloat16, whose numbers are 2^-8 apart: each of a model's layers
rounds so, and batched products sum in another order. Gradients' norms may differ by twice as much."""
LATER = 10
"""Times that after the first step: AdamW divides by a gradient's size, so what rounding did to small ones grows."""
FEW = 2
"""Images that reports are written for."""
LOOKED_AT = 4
"""Layers whose dropout masks are compared: the first ones of the first step."""


def parity(subject: Subject) -> Found:
    """Compare losses, gradients' norms, adapters and texts of two trials in a pack with those of each alone."""
    return _compared(subject, dropout=0.0, texts=True)


def parity_with_dropout(subject: Subject) -> Found:
    """Compare losses, gradients' norms and masks with dropout: each trial has to draw those that it draws alone.

    Losses can't tell: before the first update an adapter adds nothing, and few values are dropped. A GPU draws by the
    number format, so a mask drawn in another one is another mask.
    """
    return _compared(subject, dropout=0.05, texts=False)


def _compared(subject: Subject, *, dropout: float, texts: bool) -> Found:
    sizes, low, high = subject.sizes, *subject.sizes.ranks
    settings = {"batch_size": sizes.parity_rows, "max_new_tokens": sizes.parity_tokens, "dropout": dropout}
    trials = subject.trials([(low, 0), (high, 1)], **settings)
    data = subject.data(sizes.report)
    alone, packed = (subject.folders(trials) for _ in range(2))
    masks_alone = []
    for trial in trials:
        with _masks_noted(LOOKED_AT) as noted:
            _train(Sequential(), subject, [trial], alone, sizes.report)
        masks_alone.append(noted)
    subject.release()
    with _masks_noted(LOOKED_AT * len(trials)) as noted:
        _train(Packed(), subject, trials, packed, sizes.report)
    found = Found(note=f"{sizes.parity_steps} steps of {sizes.parity_rows} reports, ranks {low} and {high}")
    exact = subject.dtype == "float32" and subject.quantization is None
    for column, factor in (("loss", 1), ("gradient_norm", 2)):
        allowed = (TOLERANCE if exact else ROUNDED) * factor
        found.differences += _steps(column, trials, alone, packed, allowed)
    found.differences.append(Difference(what="adapter", value=_adapters(trials, alone, packed)))
    if dropout:
        masks_packed = [noted[place :: len(trials)] for place in range(len(trials))]
        found.differences.append(Difference(what="masks", value=unlike_masks(masks_alone, masks_packed), allowed=0.0))
    if texts:
        images = data.features[:FEW]
        written = {t.id: texts for t, texts in Packed().generate(subject.backbone, trials, alone, images)}
        # In 16 bits the next best token is often no further than rounding: texts then part, and nothing is promised.
        parted = unlike(subject.backbone, trials, alone, images, written)
        share = len(parted) / (len(trials) * len(images))
        found.differences.append(Difference(what="texts", value=share, allowed=0.0 if exact else None))
    return found


Drawn = tuple[Tensor, Tensor]
"""Where a dropout's input isn't zero, and where its output isn't."""


@contextmanager
def _masks_noted(number: int) -> Iterator[list[Drawn]]:
    """Note, within, what the first calls of torch's dropout drop; both engines draw by it."""
    plain, noted = functional.dropout, list[Drawn]()

    def noting(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        output: Tensor = plain(input, p, training, inplace)
        if training and p > 0 and len(noted) < number:
            noted.append((input.detach() != 0, output.detach() != 0))
        return output

    module: Any = functional
    module.dropout = noting
    try:
        yield noted
    finally:
        module.dropout = plain


def unlike_masks(alone: Sequence[Sequence[Drawn]], packed: Sequence[Sequence[Drawn]]) -> float:
    """Return the share of values that one engine drops and the other doesn't; 1 where they draw other shapes."""
    unlike = total = 0
    for theirs, ours in zip(alone, packed, strict=True):
        if not theirs or [a.shape for a, _ in theirs] != [b.shape for b, _ in ours]:
            return 1.0
        for (there, kept), (also, drawn) in zip(theirs, ours, strict=True):
            compared = there & also
            unlike += int((compared & (kept != drawn)).sum())
            total += int(compared.sum())
    return unlike / total


def _train(
    engine: Engine, subject: Subject, trials: Sequence[Trial], folders: Mapping[str, TrialFolder], tokens: int
) -> None:
    outcomes = engine.train(subject.backbone, trials, folders, subject.data(tokens), lambda *_: None)
    if failed := [outcome.failure for outcome in outcomes.values() if outcome.failure]:
        raise RuntimeError(f"{engine.name} training failed: {failed[0]}")


def _steps(
    column: str,
    trials: Sequence[Trial],
    alone: Mapping[str, TrialFolder],
    packed: Mapping[str, TrialFolder],
    allowed: float,
) -> list[Difference]:
    """Return the greatest relative difference of the first step, and of those after it."""
    pairs = [[_column(folders[trial.id], column) for folders in (alone, packed)] for trial in trials]
    apart = [[abs(b - a) / abs(a) for a, b in zip(theirs, ours, strict=True)] for theirs, ours in pairs]
    name = column.replace("_", " ")
    first, later = max(steps[0] for steps in apart), max(max(steps[1:], default=0.0) for steps in apart)
    return [
        Difference(what=f"{name}, first step", value=first, allowed=allowed),
        Difference(what=f"{name}, later", value=later, allowed=LATER * allowed),
    ]


def _column(folder: TrialFolder, name: str) -> list[float]:
    with folder.losses.open(encoding="utf-8", newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def _adapters(trials: Sequence[Trial], alone: Mapping[str, TrialFolder], packed: Mapping[str, TrialFolder]) -> float:
    """Return the norm of the difference of all weights as a share of theirs, of the trial where it is greatest."""
    shares = []
    for trial in trials:
        theirs, ours = (load_file(f[trial.id].adapter / "adapter_model.safetensors") for f in (alone, packed))
        far = torch.stack([(ours[name] - weight).norm() for name, weight in theirs.items()]).norm()
        shares.append(float(far / torch.stack([weight.norm() for weight in theirs.values()]).norm()))
    return max(shares)
