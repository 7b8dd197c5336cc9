"""The clause of the plugins' contract that needs the engines: packed training is sequential training."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor

from backbones.base import Backbone
from backbones.contract import REPORTS, Broken, Check, Subject
from benchmark.store import Store, TrialFolder
from benchmark.suite import ImagePart, Protocol, Trial
from benchmark.tuning import checkpoints
from benchmark.tuning.checkpoints import Snapshot
from benchmark.tuning.engines import ENGINES
from benchmark.tuning.generation import cut, settings
from benchmark.tuning.interface import Engine, Generated, TrainingSet
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.protocol import precision
from benchmark.tuning.sequential import Sequential

STEPS = 4
TOLERANCE = 1e-4
"""Greatest relative difference of losses, gradients' norms and adapters that count as equal after a step from the same
state, in 32-bit numbers: plain peft's own gradients are up to 2e-6 from the same step's in 64 bits."""
TIE = 1e-4
"""Logits that are closer than this are a tie, in 32-bit numbers: rounding decides which token is written."""


def clauses() -> Sequence[Check]:
    """Return the clause, where there is a packed engine to hold it against."""
    return (packed_as_sequential,) if "packed" in ENGINES else ()


def packed_as_sequential(subject: Subject) -> None:
    """trials that are packed take the steps and write the texts that they do alone."""
    backbone, trials = subject.backbone, _trials(subject.backbone)
    data = TrainingSet(REPORTS, subject.features)
    with tempfile.TemporaryDirectory() as folder:
        alone, states = _alone(backbone, trials, data, Path(folder) / "alone")
        # A step from the same state each time: rounding of earlier ones would grow along a trajectory, by how much
        # depends on the processor.
        for number, begun in enumerate(states):
            packed = _folders(trials, Path(folder) / f"from{number}")
            for snapshot in begun:
                if snapshot.steps:
                    snapshot.write(packed[snapshot.trial.id])
            _train(Packed(), backbone, trials, packed, data)
            for trial in trials:
                _compare_step(number, alone[trial.id], packed[trial.id])
        for trial in trials:
            _compare_adapters(alone[trial.id], packed[trial.id])  # the last step's, which was one from the same state
        written = {t.id: texts for t, texts in Packed().generate(backbone, trials, packed, subject.features)}
        if wrong := unlike(backbone, trials, packed, subject.features, written):
            raise Broken(f"generated texts differ: {wrong[0]}")


def _trials(backbone: Backbone) -> list[Trial]:
    protocol = Protocol(steps=STEPS, batch_size=2, learning_rate=1e-3, warmup_steps=1, max_new_tokens=8)
    return [
        Trial(
            backbone=backbone.name,
            checkpoint=backbone.fingerprint,
            quantization=None,
            dtype="float32",
            data="",
            image=ImagePart(),
            split="",
            protocol=protocol,
            rank=rank,
            alpha=8,
            seed=seed,
        )
        for rank, seed in ((2, 0), (4, 1))
    ]


def _folders(trials: Sequence[Trial], folder: Path) -> dict[str, TrialFolder]:
    store = Store(folder)
    return {trial.id: store.of(trial) for trial in trials}


def _train(
    engine: Engine,
    backbone: Backbone,
    trials: Sequence[Trial],
    folders: Mapping[str, TrialFolder],
    data: TrainingSet,
    states: list[list[Snapshot]] | None = None,
) -> None:
    """Train trials; collect their states in `states` where an engine leaves one after each step."""

    def step_done(trial: Trial, number: int, total: int, loss: float) -> None:
        # Called before this step's snapshot is written: what lies there is the state that the step began from.
        if states is not None:
            states[number - 1].append(checkpoints.read(trial, folders[trial.id]))

    outcomes = engine.train(backbone, trials, folders, data, step_done)
    for trial in trials:
        if reason := outcomes[trial.id].failure:
            raise Broken(f"{engine.name} training failed: {reason}")


def _alone(
    backbone: Backbone, trials: Sequence[Trial], data: TrainingSet, folder: Path
) -> tuple[dict[str, TrialFolder], list[list[Snapshot]]]:
    """Return what plain peft makes of the trials, and the state that each step began from, by step and trial."""
    folders = _folders(trials, folder)
    states: list[list[Snapshot]] = [[] for _ in range(STEPS)]
    _train(Sequential(checkpoint_seconds=0), backbone, trials, folders, data, states)
    return folders, states


def _compare_step(number: int, alone: TrialFolder, packed: TrialFolder) -> None:
    import pandas as pd

    theirs, ours = (pd.read_csv(folder.losses).iloc[number] for folder in (alone, packed))
    for column in ("loss", "gradient_norm"):
        difference = abs(ours[column] - theirs[column]) / abs(theirs[column])
        if not difference <= TOLERANCE:
            what = column.replace("_", " ")
            raise Broken(f"step {number + 1}: {what} is {ours[column]:.6g} packed and {theirs[column]:.6g} alone")


def _compare_adapters(alone: TrialFolder, packed: TrialFolder) -> None:
    theirs, ours = (load_file(folder.adapter / "adapter_model.safetensors") for folder in (alone, packed))
    if theirs.keys() != ours.keys():
        raise Broken(f"adapters have other tensors: {sorted(theirs.keys() ^ ours.keys())[0]}")
    for name, weight in theirs.items():
        difference = float((ours[name] - weight).norm() / weight.norm())
        if not difference <= TOLERANCE:
            raise Broken(f"the adapter's {name} differs by {difference:.2g} after the same step")


@dataclass(frozen=True)
class Greedy:
    """A text that plain peft writes.

    Attributes:
        generated: the text.
        open: its beginnings after which two tokens tie, so that another's text may go on otherwise.
    """

    generated: Generated
    open: Sequence[str]

    def admits(self, other: Generated) -> bool:
        """Return whether the other is this text, or parts from it at a tie."""
        return other == self.generated or any(other.text.startswith(beginning) for beginning in self.open)


def unlike(
    backbone: Backbone,
    trials: Sequence[Trial],
    folders: Mapping[str, TrialFolder],
    features: Sequence[Tensor],
    written: Mapping[str, Sequence[Generated]],
) -> list[str]:
    """Return texts that plain peft would not write with the trials' adapters, beside those that it would.

    Args:
        features: [image_tokens, hidden] an image.
        written: by trial, a text an image.
    """
    found = []
    for trial in trials:
        model = PeftModel.from_pretrained(backbone.model, str(folders[trial.id].adapter))
        try:
            right = greedy(backbone, model, trial.protocol, features)
        finally:
            model.unload()
        for ours, theirs in zip(written[trial.id], right, strict=True):
            if not theirs.admits(ours):
                found.append(f"{ours.text!r} instead of {theirs.generated.text!r}")
    return found


@torch.inference_mode()
def greedy(backbone: Backbone, model: PeftModel, protocol: Protocol, features: Sequence[Tensor]) -> list[Greedy]:
    """Return what `generation.greedy` writes, with its ties; a few images at most, since all logits are kept."""
    model.eval()
    text = backbone.encode_text([protocol.prompt] * len(features))
    start = text["input_ids"].shape[1]
    options = settings(backbone, protocol) | {"output_logits": True, "return_dict_in_generate": True}
    with precision(backbone):
        made = model.generate(**backbone.model_inputs(text, list(features)), **options)
    best = torch.stack(made.logits).float().topk(2, dim=-1).values  # [tokens, images, 2]
    ties = (best[..., 0] - best[..., 1] < TIE).T.tolist()
    found = []
    for row, tied in zip(made.sequences[:, start:].tolist(), ties, strict=True):
        generated = cut(backbone, row)
        places = [place for place in range(generated.tokens) if tied[place]]
        # A character of several tokens may be cut in two: its half says nothing yet.
        found.append(Greedy(generated, [backbone.decode(row[:place]).rstrip("\ufffd") for place in places]))
    return found
