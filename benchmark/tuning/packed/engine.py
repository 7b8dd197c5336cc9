"""`engine: packed`: the trials of a backbone train and write at the same time, on one frozen base."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor, nn

from backbones.base import Backbone
from backbones.widths import inner_width
from benchmark.forms.suite import Trial
from benchmark.progress.events import Event, tell
from benchmark.results.store import TrialFolder
from benchmark.tuning import evaluating, kernels, memory, saving, staged
from benchmark.tuning.adapters import taken_out
from benchmark.tuning.generation import distinct
from benchmark.tuning.head import part_of
from benchmark.tuning.interface import Generated, Outcome, Picture, StepDone, TrainingSet
from benchmark.tuning.losses import in_parts
from benchmark.tuning.norms import fused_norms
from benchmark.tuning.packed import capacity
from benchmark.tuning.packed.decoding import write
from benchmark.tuning.packed.drafts import Drafts
from benchmark.tuning.packed.footprint import Footprint, padded
from benchmark.tuning.packed.kept import ADAPTERS, Pass, kept
from benchmark.tuning.packed.stacks import Stacks
from benchmark.tuning.packed.training import PackTraining, empty_stacks
from benchmark.tuning.protocol import fewer_rows, rows_at_once
from benchmark.tuning.sequential import NO_ROOM, Sequential
from benchmark.tuning.snapshots import SNAPSHOT_SECONDS, Pace, Snapshot, read_snapshot, remove_snapshot
from benchmark.tuning.spent import Meter


class Packed:
    """Trials at the same time; see `benchmark.tuning.interface.Engine`.

    Args:
        largest: trials a pack at most, where memory would hold more.
        merge: see `benchmark.tuning.packed.layers`; None for wherever it takes the part of
            free memory at most that `capacity.MERGED` says.
        snapshot_seconds: training time between two snapshots at least; see `benchmark.tuning.snapshots.Pace`.
    """

    name = "packed"

    def __init__(
        self, *, largest: int | None = None, merge: bool | None = None, snapshot_seconds: float = SNAPSHOT_SECONDS
    ) -> None:
        self.largest = largest
        self.merge = merge
        self.snapshot_seconds = snapshot_seconds

    def train(
        self,
        backbone: Backbone,
        trials: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        data: TrainingSet,
        step_done: StepDone,
        meter: Meter | None = None,
        until: int | None = None,
    ) -> dict[str, Outcome]:
        """See `Engine.train`. Trials that can't be packed train one after another, by plain peft."""
        meter = meter or Meter(folders)
        every, trials, others = trials, *parted(backbone, trials)
        alone = Sequential(snapshot_seconds=self.snapshot_seconds)
        outcomes = alone.train(backbone, others, folders, data, step_done, meter, until) if others else {}
        if not trials:
            return outcomes
        snapshots = [read_snapshot(trial, folders[trial.id]) for trial in trials]
        rows = max(rows_at_once(trial.protocol, len(data.of(trial))) for trial in trials)
        if self.largest:
            most, waiting = self.largest, capacity.plan(snapshots, self.largest, data)
        else:
            most, rows, waiting = self._planned(backbone, snapshots, rows, data)
        meter.lap("train", [trial.id for trial in trials])
        while waiting:
            pack = waiting.pop(0)
            rest = self._train_pack(backbone, pack, rows, folders, data, step_done, outcomes, meter, until)
            if not rest:
                continue
            memory.release(backbone.device)
            if len(rest) > 1:
                most = -(-len(rest) // 2)
                waiting = capacity.plan([*rest, *chain(*waiting)], most, data)
            elif fewer := fewer_rows(rows):
                # The next trial that is alone would run out as well, so it has fewer rows too.
                rows = fewer
                waiting.insert(0, rest)
            else:
                [snapshot] = rest
                if snapshot.steps:
                    snapshot.write(folders[snapshot.trial.id])  # more memory goes on from here
                    evaluating.store(folders[snapshot.trial.id], snapshot.evaluations)
                outcomes[snapshot.trial.id] = Outcome(failure=NO_ROOM)
        return {trial.id: outcomes[trial.id] for trial in every}

    def _planned(
        self, backbone: Backbone, snapshots: Sequence[Snapshot], rows: int, data: TrainingSet
    ) -> tuple[int, int, list[list[Snapshot]]]:
        """Return how many trials, and rows of each, fit into free memory, at most so many rows, and packs of them."""
        trials = [snapshot.trial for snapshot in snapshots]
        ranks = [trial.rank for trial in trials]
        needed = footprint(backbone, trials, data, merge=self.merges(backbone, trials))
        if needed.kept.assumed:
            detail = (
                f"can't be counted for {backbone.name}, so a formula with a margin is taken ({needed.kept.assumed})"
            )
            tell(Event("stage", "memory", detail=detail))
        free = capacity.free_memory(backbone.device)
        rows = capacity.rows_fitting(needed, max(ranks), rows, capacity.USABLE * free)
        most = capacity.largest(needed, ranks, rows, free)
        if backbone.device.type == "cpu":
            lengths = [len(backbone.report_tokens(report)) for report in data.reports]
            tokens = len(backbone.prompt_tokens(trials[0].protocol.prompt)) + sum(lengths) // len(lengths)
            text = backbone.model.config.get_text_config()
            width = max(text.hidden_size, inner_width(text))
            most = min(most, capacity.cached(width, rows * tokens))
        packs = capacity.plan(snapshots, most, data)
        return most, rows, capacity.parted(packs, needed, rows, capacity.USABLE * free)

    def merges(self, backbone: Backbone, trials: Sequence[Trial]) -> bool:
        """Return whether such a pack takes the merged way; see `benchmark.tuning.packed.layers`."""
        if self.merge is not None:
            return self.merge
        copies = len(trials) * sum(p.numel() * p.element_size() for p in backbone.model.parameters())
        return capacity.MERGED * copies <= capacity.free_memory(backbone.device)

    def _train_pack(
        self,
        backbone: Backbone,
        pack: Sequence[Snapshot],
        rows: int,
        folders: Mapping[str, TrialFolder],
        data: TrainingSet,
        step_done: StepDone,
        outcomes: dict[str, Outcome],
        meter: Meter,
        until: int | None,
    ) -> list[Snapshot]:
        """Train a pack and store what comes of it.

        Returns:
            Nothing, or the trials as they stand, to go on from, where memory ran out.
        """
        pace = Pace(self.snapshot_seconds)
        training: PackTraining | None = None
        memory.start(backbone.device)

        def passed(trials: Sequence[Trial]) -> None:
            meter.lap("train", [trial.id for trial in trials])

        def after(training: PackTraining) -> None:
            if pace.is_due() and training.step < training.total:
                pace.take(partial(_write_snapshots, training, folders))
                passed(training.trials)
                meter.keep([trial.id for trial in training.trials])

        rest: list[Snapshot] = []
        try:
            merge = self.merges(backbone, [snapshot.trial for snapshot in pack])
            training = PackTraining(backbone, pack, data, merge=merge, rows=rows)
            passed(training.trials)
            training.run(step_done, after, passed, until)
            _store(training, backbone, folders, outcomes, meter)
        except Exception as error:
            if not memory.ran_out(error):
                raise
            # The step that ran out has changed nothing: parameters change only at its end.
            rest = list(pack) if training is None else training.snapshots()
        finally:
            if training is not None:
                for trial_id, reason in training.failures.items():
                    outcomes[trial_id] = Outcome(failure=reason)
                    remove_snapshot(folders[trial_id])
                    meter.keep([trial_id])
                training.close()
        return rest

    @torch.inference_mode()
    def generate(
        self,
        backbone: Backbone,
        trials: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        features: Sequence[Tensor],
        meter: Meter | None = None,
        pictures: Sequence[Picture] = (),
        known: Sequence[str] = (),
    ) -> Iterator[tuple[Trial, list[Generated]]]:
        """See `Engine.generate`."""
        meter = meter or Meter(folders)
        trials, others = parted(backbone, trials)
        yield from Sequential().generate(backbone, others, folders, features, meter, pictures)
        if not trials:
            return
        shown, places = distinct(features)
        protocol = trials[0].protocol
        free, ranks = capacity.free_memory(backbone.device), [trial.rank for trial in trials]
        width, number = _adapters(backbone)
        most = self.largest or capacity.writing_trials(width * number, ranks, free)
        rows = capacity.rows_in_writing(backbone, protocol, free - width * number * sum(padded(sorted(ranks)[-most:])))
        most = min(most, rows)
        waiting = capacity.plan([Snapshot(trial) for trial in trials], most)
        drafts = Drafts.of(backbone, known)
        meter.lap("generate", [trial.id for trial in trials])
        while waiting:
            pack = [snapshot.trial for snapshot in waiting.pop(0)]
            images = max(1, rows // len(pack))
            written: dict[str, list[Generated]] | None = None
            try:
                written = self._write(backbone, pack, folders, shown, images, drafts, meter)
            except Exception as error:
                if not memory.ran_out(error) or rows == 1:
                    raise
            if written is None:
                rows //= 2
                memory.release(backbone.device)
                unwritten = [*pack, *(snapshot.trial for snapshot in chain(*waiting))]
                waiting = capacity.plan([Snapshot(trial) for trial in unwritten], min(most, rows))
                continue
            for trial in pack:
                yield trial, [written[trial.id][place] for place in places]

    def _write(
        self,
        backbone: Backbone,
        pack: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        features: Sequence[Tensor],
        images: int,
        drafts: Drafts,
        meter: Meter,
    ) -> dict[str, list[Generated]]:
        """Return reports by trial, for `images` images at a time."""
        protocol = pack[0].protocol
        names = [trial.id for trial in pack]
        with taken_out(backbone):
            model, stacks = _stored(backbone, pack, folders)
            written: dict[str, list[Generated]] = {name: [] for name in names}
            meter.lap("generate", names)
            for start in range(0, len(features), images):
                part = features[start : start + images]
                merge = self.merges(backbone, pack)
                with fused_norms(backbone.model):
                    together = write(backbone, model, stacks, protocol, [part] * len(pack), drafts, merge=merge)
                for name, reports in zip(names, together, strict=True):
                    written[name] += reports
                weights = [sum(report.tokens for report in written[name][start:]) for name in names]
                meter.lap("generate", names, weights)
                meter.keep(names)
            return written


def _stored(backbone: Backbone, pack: Sequence[Trial], folders: Mapping[str, TrialFolder]) -> tuple[PeftModel, Stacks]:
    """Return the model with peft's layers in it, and the stored adapters of a pack as stacks.

    peft puts in one adapter for each kind of targets, which shows where theirs go; the numbers of all are read from
    their files, which `misfit` has compared with their trials.
    """
    kinds: dict[str, str] = {}
    for trial in pack:
        kinds.setdefault(trial.targets, trial.id)
    first, *others = kinds.values()
    model = PeftModel.from_pretrained(backbone.model, str(folders[first].adapter), adapter_name=first)
    for name in others:
        model.load_adapter(str(folders[name].adapter), adapter_name=name)
    model.eval()
    stacks = empty_stacks(model, [kinds[trial.targets] for trial in pack], pack, trained=False)
    for place, trial in enumerate(pack):
        stacks.fill(place, load_file(folders[trial.id].adapter / "adapter_model.safetensors"))
    return model, stacks


def parted(backbone: Backbone, trials: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """Return trials that can be packed, and those that run one after another."""
    why = {targets: backbone.why_alone(targets) for targets in {trial.targets for trial in trials}}
    together = [trial for trial in trials if trial.alone is None and why[trial.targets] is None]
    return together, [trial for trial in trials if trial not in together]


def _store(
    training: PackTraining,
    backbone: Backbone,
    folders: Mapping[str, TrialFolder],
    outcomes: dict[str, Outcome],
    meter: Meter,
) -> None:
    """Store what a pack that has trained, or paused, has come to."""
    trials, peak = training.trials, memory.peak(backbone.device)
    paused = training.step < training.total
    if paused:
        _write_snapshots(training, folders)
    else:
        training.keep_best()
    for trial, losses, evaluations in zip(trials, training.losses, training.evaluations, strict=True):
        folder = folders[trial.id]
        into = folder if paused else staged.begin(folder)
        if not paused:
            saving.write(into, backbone, trial, partial(training.save_adapter, trial))
        meter.lap("train", [one.id for one in trials])
        meter.peak(trial.id, peak)
        meter.keep([trial.id])
        evaluating.store(into, evaluations)
        if not paused:
            into.write_losses(losses)
    if not paused:
        staged.put_all_in_place([folders[trial.id] for trial in trials])
    for trial in trials:
        outcomes[trial.id] = Outcome(
            trained_together=training.together, paused=paused, kernels=kernels.name() if training.by_kernels else None
        )


def _write_snapshots(training: PackTraining, folders: Mapping[str, TrialFolder]) -> None:
    for snapshot in training.snapshots():
        snapshot.write(folders[snapshot.trial.id])


def footprint(backbone: Backbone, trials: Sequence[Trial], data: TrainingSet, *, merge: bool) -> Footprint:
    """Return what training these trials takes beside the frozen model, of the longest report."""
    protocol = trials[0].protocol
    longest = max(len(backbone.report_tokens(report)) for report in data.reports)
    dtype = backbone.model.dtype
    prompt = len(backbone.prompt_tokens(protocol.prompt))
    dropout = max(trial.protocol.dropout for trial in trials)
    forward = Pass(dtype, prompt, longest, dropout, merged=merge and _plain(backbone))
    width, number = _adapters(backbone)
    return Footprint(
        weights=0,
        width=width,
        number=number,
        kept=kept(type(backbone), backbone.model.config, forward),
        checkpointing=protocol.activation_checkpointing,
        part=part_of(backbone.model.config.get_text_config()) if in_parts(backbone.model) else 0,
        keeps_best=any(trial.protocol.keep == "best" for trial in trials),
    )


def _adapters(backbone: Backbone) -> tuple[int, int]:
    """Return how many numbers an adapter has for each of its ranks, and the bytes of one."""
    adapted, dtype = _adapted(backbone), backbone.model.dtype
    return sum(m.in_features + m.out_features for m in adapted), ADAPTERS.get(dtype, dtype).itemsize


def _plain(backbone: Backbone) -> bool:
    """Return whether the weights are matrices; quantised ones are not, and aren't merged."""
    return all(type(module) is nn.Linear for module in _adapted(backbone))


def _adapted(backbone: Backbone) -> list[Any]:
    """Return the decoder's layers that get an adapter where a trial adapts all of them."""
    targets = backbone.targets()
    return [module for name, module in backbone.model.named_modules() if re.fullmatch(targets, name)]
