"""The clauses of the plugins' contract that need the benchmark: adapters that reload, and packed training.

What they try goes the way of a sweep's trials (`benchmark.pack`, which is above this room): features by the store,
training and writing by the engines, adapters by `saving` and `adapters`.
"""

import math
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from peft import PeftModel, get_peft_model
from safetensors.torch import load_file
from torch import Tensor

from backbones.base import Backbone
from backbones.contract import REPORTS, Broken, Check, Subject
from benchmark.forms.suite import ImagePart, Protocol, Trial
from benchmark.results.store import Store, TrialFolder
from benchmark.tuning import generation, losses, saving
from benchmark.tuning.adapters import taken_out, tuned
from benchmark.tuning.engines import engine_named
from benchmark.tuning.features import FeatureStore
from benchmark.tuning.interface import Engine, Generated, TrainingSet
from benchmark.tuning.protocol import lora_config
from benchmark.tuning.sequential import Sequential
from benchmark.tuning.snapshots import Snapshot, read_snapshot

STEPS = 4
TOLERANCE = 1e-4
"""Greatest relative difference of losses, gradients' norms and adapters that count as equal after a step from the same
state, in 32-bit numbers: plain peft's own gradients are up to 2e-6 from the same step's in 64 bits."""
TENSOR_TOLERANCE = 2e-3
"""The same of one tensor of an adapter. Adam divides each gradient by its own size, so a weight whose gradient is
hardly more than rounding moves by rounding as far as others do by what they learn: in the decay of linear attention,
2.5e-4 by other kernels. All A and all B together keep to `TOLERANCE`; a gradient of another size shows in its norm."""
TIE = 1e-4
"""Logits that are closer than this are a tie, in 32-bit numbers: rounding decides which token is written."""


def reloads(subject: Subject) -> None:
    """a saved adapter reloads to the same text."""
    backbone, [*_, trial] = subject.backbone, _trials(subject.backbone)
    with tempfile.TemporaryDirectory() as results:
        folders = _folders([trial], Path(results))
        features = _features(subject, Path(results))
        with taken_out(backbone):
            # Large random weights in place of training: a few steps may change no text.
            torch.manual_seed(0)
            model = get_peft_model(backbone.model, lora_config(backbone, trial))
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(parameter)
            before = generation.greedy(backbone, model, trial.protocol, features)
            saving.write(folders[trial.id], backbone, trial, model.save_pretrained)
        loaded_anew = type(backbone).load(backbone.source)
        [(_, after)] = engine_named("sequential").generate(loaded_anew, [trial], folders, features)
    if before != after:
        raise Broken("the text of the reloaded adapter differs")
    if before == generation.greedy(backbone, backbone.model, trial.protocol, features):
        raise Broken("an adapter of large random weights changes no text: it isn't used")


def packed_as_sequential(subject: Subject) -> None:
    """trials that are packed take the steps and write the texts that they do alone."""
    backbone, trials, engine = subject.backbone, _trials(subject.backbone), engine_named("packed")
    with tempfile.TemporaryDirectory() as results:
        data = TrainingSet(REPORTS, _features(subject, Path(results)))
        alone, states = _train_alone(backbone, trials, data, Path(results) / "alone")
        # A step from the same state each time: rounding of earlier ones would grow along a trajectory, by how much
        # depends on the processor.
        for number, snapshots in enumerate(states):
            packed = _folders(trials, Path(results) / f"from{number}")
            for snapshot in snapshots:
                if snapshot.steps:
                    snapshot.write(packed[snapshot.trial.id])
            _train(engine, backbone, trials, packed, data)
            for trial in trials:
                _compare_step(number, alone[trial.id], packed[trial.id])
        for trial in trials:
            _compare_adapters(alone[trial.id], packed[trial.id])  # the last step's, which was one from the same state
        known: list[str] = []
        for guesses in ("wrong guesses", "right guesses"):
            texts = {
                t.id: written for t, written in engine.generate(backbone, trials, packed, data.features, known=known)
            }
            if differences := unlike(backbone, trials, packed, data.features, texts):
                raise Broken(f"texts that are written by {guesses} differ: {differences[0]}")
            known = [one.text for written in texts.values() for one in written]


def loss_by_parts(subject: Subject) -> None:
    """the loss of head and cross-entropy in one, as a GPU computes it, is that of the model's own logits."""
    backbone = subject.backbone
    prompt = Protocol.model_fields["prompt"].default
    text = backbone.training_text(prompt, REPORTS[:2])
    features = torch.cat([*backbone.encode_images(subject.images[:2])])
    start = len(backbone.prompt_tokens(prompt))

    def losses_of(way: AbstractContextManager[None]) -> list[float]:
        with torch.no_grad(), way:
            return losses.report_losses(backbone.model, backbone.training_inputs(text, features), start, 2).tolist()

    for ours, own in zip(losses_of(losses.by_parts()), losses_of(losses.by_head()), strict=True):
        if not abs(ours - own) <= TOLERANCE * abs(ours):
            raise Broken(f"a report's loss is {ours:.6g} by parts and {own:.6g} by the model: it changes its logits")


def _features(subject: Subject, folder: Path) -> list[Tensor]:
    """Return features of the subject's images as the store keeps them, [image_tokens, hidden] an image."""
    store = FeatureStore(folder / "features", subject.backbone)
    images = {str(number): partial(subject.images.__getitem__, number) for number in range(len(subject.images))}
    store.get(images)
    return list(store.get(images).values())


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
            states[number - 1].append(read_snapshot(trial, folders[trial.id]))

    outcomes = engine.train(backbone, trials, folders, data, step_done)
    for trial in trials:
        if reason := outcomes[trial.id].failure:
            raise Broken(f"{engine.name} training failed: {reason}")


def _train_alone(
    backbone: Backbone, trials: Sequence[Trial], data: TrainingSet, folder: Path
) -> tuple[dict[str, TrialFolder], list[list[Snapshot]]]:
    """Return what plain peft makes of the trials, and the state that each step began from, by step and trial."""
    folders = _folders(trials, folder)
    states: list[list[Snapshot]] = [[] for _ in range(STEPS)]
    # Not by its name, as a sweep has it: a sweep's engine puts down a snapshot a minute, this one after each step.
    _train(Sequential(snapshot_seconds=0), backbone, trials, folders, data, states)
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
    apart: dict[bool, float] = {}
    whole: dict[bool, float] = {}
    for name, weight in theirs.items():
        distance, size = float((ours[name] - weight).norm()), float(weight.norm())
        if not distance <= TENSOR_TOLERANCE * size:
            raise Broken(f"the adapter's {name} differs by {distance / size:.2g} after the same step")
        # Apart, since A begins large and B from nothing: a step of another length would be lost in A.
        begins_large = "lora_A" in name
        apart[begins_large] = math.hypot(apart.get(begins_large, 0.0), distance)
        whole[begins_large] = math.hypot(whole.get(begins_large, 0.0), size)
    for matrices, distance in apart.items():
        if not distance <= TOLERANCE * whole[matrices]:
            what = f"{'A' if matrices else 'B'} of its layers"
            raise Broken(
                f"the adapter differs by {distance / whole[matrices]:.2g} after the same step, all {what} together"
            )


@dataclass(frozen=True)
class TextWithTies:
    """A text that plain peft writes.

    Attributes:
        generated: the text.
        tied: its beginnings after which two tokens tie, so that another's text may go on otherwise.
    """

    generated: Generated
    tied: Sequence[str]

    def admits(self, other: Generated) -> bool:
        """Return whether the other is this text, or parts from it at a tie."""
        return other == self.generated or any(other.text.startswith(beginning) for beginning in self.tied)


def unlike(
    backbone: Backbone,
    trials: Sequence[Trial],
    folders: Mapping[str, TrialFolder],
    features: Sequence[Tensor],
    texts: Mapping[str, Sequence[Generated]],
) -> list[str]:
    """Return texts that plain peft would not write with the trials' adapters, beside those that it would.

    Args:
        backbone: without adapters.
        trials, folders: which, and where their adapters lie, by id.
        features: [image_tokens, hidden] an image.
        texts: by trial, one an image.
    """
    differences = []
    for trial in trials:
        with tuned(backbone, folders[trial.id]) as model:
            expected = texts_with_ties(backbone, model, trial.protocol, features)
        for text, plain in zip(texts[trial.id], expected, strict=True):
            if not plain.admits(text):
                differences.append(f"{text.text!r} instead of {plain.generated.text!r}")
    return differences


@torch.inference_mode()
def texts_with_ties(
    backbone: Backbone, model: PeftModel, protocol: Protocol, features: Sequence[Tensor]
) -> list[TextWithTies]:
    """Return what `generation.greedy` writes, with its ties; a few images at most, since all logits are kept.

    `greedy` itself gives texts alone, which don't say where another token would have been as good.
    """
    model.eval()
    output = generation.generate(backbone, model, protocol, features, output_logits=True, return_dict_in_generate=True)
    start = len(backbone.prompt_tokens(protocol.prompt))
    best = torch.stack(output.logits).float().topk(2, dim=-1).values  # [tokens, images, 2]
    ties = (best[..., 0] - best[..., 1] < TIE).T.tolist()
    texts = []
    for row, tied in zip(output.sequences[:, start:].tolist(), ties, strict=True):
        generated = generation.cut(backbone, row)
        places = [place for place in range(generated.tokens) if tied[place]]
        # A character of several tokens may be cut in two: its half says nothing yet.
        beginnings = [backbone.decode(row[:place]).rstrip("\ufffd") for place in places]
        texts.append(TextWithTies(generated, beginnings))
    return texts


CLAUSES: tuple[Check, ...] = (reloads, packed_as_sequential, loss_by_parts)
"""Tried after `backbones.contract.CLAUSES`."""
