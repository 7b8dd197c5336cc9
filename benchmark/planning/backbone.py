"""What one backbone of a suite will cost on a device: memory, packs, bytes, operations, hours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.executors.execute import available_memory, default_processes
from benchmark.forms.suite import Entry, Suite, Trial
from benchmark.forms.untuned import FewShot
from benchmark.planning.dealing import dealt, dealt_by_fold, trials_of
from benchmark.planning.devices import Target
from benchmark.planning.machine import GB
from benchmark.planning.missing import processes_in_memory
from benchmark.planning.model import (
    BackbonePlan,
    BackboneSize,
    PlannedAlone,
    PlannedBytes,
    PlannedHours,
    PlannedMemory,
    PlannedOperations,
)
from benchmark.planning.sizes import Sizes

if TYPE_CHECKING:
    from backbones.base import Backbone
    from backbones.structure import Structure
    from benchmark.planning.costs import Workload
    from benchmark.planning.fit import Fit
    from benchmark.planning.hours import Seconds, Speed, Writing, Written

PAINTINGS = 2
"""Images more of a test study with a lesion, where a suite asks for lesions: painted over, and as much elsewhere."""

UNTUNED_NOTE = (
    "untuned trials write and train nothing; an image that several folds show to one prompt is counted each time"
)


@dataclass(frozen=True)
class Planner:
    """Plans one backbone after another.

    Attributes:
        suite, target, sizes: what is planned for what, and how many studies there are.
        results: of earlier sweeps.
    """

    suite: Suite
    target: Target
    sizes: Sizes
    results: Path

    @property
    def processes(self) -> int:
        """How many work at the same time: one a GPU, or as many as cores and memory allow."""
        if not self.target.is_cpu:
            return self.target.count
        return processes_in_memory(self.suite, min(default_processes(), max(1, self.suite.count_trials())))

    @property
    def memory(self) -> float:
        """Bytes of memory that one process plans with."""
        return available_memory() / self.processes if self.target.is_cpu else self.target.memory * GB

    def row(self, entry: Entry, plugin: "type[Backbone]") -> "tuple[BackbonePlan | BackboneSize, list[Seconds]]":
        """Return a backbone's plan, and the seconds of each of its packs on a device."""
        from benchmark.planning.disk import Trained, bytes_of, host_memory
        from benchmark.planning.fit import Fit, mode_of, modes
        from benchmark.planning.hours import written_of
        from benchmark.planning.structures import footprint_of, structure_of

        protocol, images = self.suite.protocol, self.sizes.studies + 1
        structure, footprint = (
            structure_of(entry, plugin),
            footprint_of(
                entry,
                plugin,
                self.suite.largest_protocol,
                packed=self.suite.engine != "sequential",
                gpu=not self.target.is_cpu,
            ),
        )
        trials = self._trials(entry)
        ranks = [trial.rank for trial in trials if trial.is_trained_here]
        if structure is None or footprint is None:
            size = bytes_of(entry, plugin, images, None)
            note = (
                "its plugin states no configuration, or its vision encoder is one of timm's, whose work can't be "
                "counted: only its size is known"
            )
            return _size(entry, plugin, len(trials), plugin.checkpoint.parameters, size, [note]), []
        fit, memory = Fit(footprint, max(ranks)), self.memory
        most = min(protocol.micro_batch_size or protocol.batch_size, self.sizes.train)
        rows = fit.rows(most, memory)
        parts = self._parts(trials)
        packs = [pack for part in parts for pack in self._packs(structure, fit, part, rows, memory)]
        size = bytes_of(entry, plugin, images, Trained(structure, footprint, packs))
        speed = self._speed(entry, structure)
        writing = self._writing(entry, fit, ranks, memory)
        seconds = [self._seconds(structure, part, speed, writing) for part in parts]
        notes = [*speed.sources, *self._notes()]
        if any(trial.tunes_vision for trial in trials):
            notes.append(f"{entry.name}: what a vision encoder that is tuned keeps in training isn't in the memory")
        if rows < most and fit.needed(rows) <= memory:
            notes.append(f"{entry.name}: {most} reports don't fit at once: micro_batch_size {rows}")
        if footprint.kept.assumed:
            notes.append(
                f"{entry.name}: memory of training can't be counted, so a formula with a margin is taken "
                f"({footprint.kept.assumed})"
            )
        greatest = sorted(ranks)[-writing.trials :]
        taken = _memory(fit, packs, rows, greatest, written_of(structure, self._work(trials), writing))
        host = host_memory(size) / GB + (taken.pack_gb if self.target.is_cpu else 0.0)
        planned = BackbonePlan(
            **dict(_size(entry, plugin, len(trials), structure.parameters, size, notes)),
            trainable_parameters={rank: structure.trainable(rank) for rank in sorted(set(ranks))},
            alone=tuple(self._alone(structure, trials)),
            memory=taken,
            modes=modes(fit, structure, entry, mode_of(entry, protocol), ranks, most, memory),
            pack_size=max(map(len, packs)),
            packs=len(packs),
            micro_batch_size=rows,
            host_memory_gb=round(host, 2),
            operations=self._operations(structure, trials),
            hours=_hours(seconds),
        )
        return planned, seconds

    def _trials(self, entry: Entry) -> list[Trial]:
        splits = dict.fromkeys(self.suite.fold_numbers(), "")
        return trials_of(self.suite, entry, checkpoint="", data="", splits=splits)

    def _parts(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Return the trials as a sweep deals them to devices; all cores are planned as one device."""
        if self.target.is_cpu:
            return [list(trials)]
        if self.suite.search is not None:
            return dealt_by_fold(trials, len(self.suite.backbones), self.target.count)
        return dealt(trials, len(self.suite.backbones), self.target.count, on_cpu=False)

    def _packs(
        self, structure: "Structure", fit: "Fit", part: Sequence[Trial], rows: int, memory: float
    ) -> list[list[int]]:
        """Return the ranks of the trials that train together, pack by pack, as the engine parts them."""
        from benchmark.planning.costs import PROMPT_TOKENS, REPORT_TOKENS
        from benchmark.tuning.packed import capacity
        from benchmark.tuning.snapshots import Snapshot

        together = 1
        if self.suite.engine != "sequential":
            together = max(1, fit.together([trial.rank for trial in part if trial.is_trained_here], rows, memory))
            if self.target.is_cpu:
                tokens = structure.image_tokens + PROMPT_TOKENS + REPORT_TOKENS
                width = max(structure.hidden, structure.intermediate)
                together = min(together, capacity.cached(width, rows * tokens))
        trained = [trial for trial in part if trial.is_trained_here]
        packs = capacity.plan([Snapshot(trial) for trial in trained if trial.alone is None], together)
        packs = capacity.parted(packs, fit.footprint, rows, fit.usable(memory))
        alone = [[trial.rank] for trial in trained if trial.alone is not None]
        return [*([snapshot.trial.rank for snapshot in pack] for pack in packs), *alone]

    def _alone(self, structure: "Structure", trials: Sequence[Trial]) -> Iterator[PlannedAlone]:
        """Yield the trials that can't be packed, by why they can't."""
        from benchmark.planning.costs import training_operations

        again = self.suite.protocol.activation_checkpointing
        for reason in dict.fromkeys(trial.alone for trial in trials):
            some = [trial for trial in trials if trial.alone == reason]
            if reason is None:
                continue
            theirs = sum(training_operations(structure, t.rank, t.targets, checkpointing=again) for t in some)
            kept = sum(training_operations(structure, t.rank, checkpointing=again) for t in some)
            counted = {t.rank: structure.trainable(t.rank, t.targets, magnitudes=t.variant == "dora") for t in some}
            yield PlannedAlone(
                reason=reason,
                trials=len(some),
                trainable_parameters=dict(sorted(counted.items())),
                times_a_packed_trial=round(theirs / kept, 2),
            )

    def _speed(self, entry: Entry, structure: "Structure") -> "Speed":
        from benchmark.planning.hours import Speed
        from benchmark.planning.rates import assumed, measured, times

        rate = assumed(self.target, entry.dtype)
        training, sources = measured(self.results, entry, structure, self.target), [rate.source]
        if training is not None:
            where = "a processor core" if self.target.is_cpu else f"an {self.target.name}"
            sources.append(
                f"{entry.name}: training measured on {where}: {training / 1e12:.3g} TFLOP/s (median of its trials)"
            )
        cores = self.processes if self.target.is_cpu else 1
        if cores > 1:
            sources.append(f"{cores} processes, one a core")
        return Speed(times(rate, cores), (training or rate.operations) * cores, tuple(sources))

    def _writing(self, entry: Entry, fit: "Fit", ranks: Sequence[int], memory: float) -> "Writing":
        from benchmark.planning.costs import BYTES
        from benchmark.planning.hours import Writing
        from benchmark.tuning.packed.capacity import writing_trials

        free, packed = max(0.0, memory - fit.weights), self.suite.engine != "sequential"
        trials = writing_trials(fit.footprint.stored(1), ranks, free) if packed else 1
        adapters = fit.footprint.loaded(sorted(ranks)[-trials:])
        return Writing(fit.weights, max(0.0, free - adapters), BYTES[entry.dtype], packed, trials)

    def _work(self, trials: Sequence[Trial]) -> "Workload":
        from benchmark.planning.costs import Workload

        protocol, sizes = self.suite.protocol, self.sizes
        steps = protocol.total_steps(sizes.train)
        # Each painted image is one, and stands for one report. At most: not every study has a lesion with a place.
        painted = PAINTINGS * sizes.test if self.suite.lesions else 0
        looks = len(protocol.evaluation_steps(sizes.train))
        # Written within training too, at some of the looks.
        again = sum(protocol.writes_reports(number, looks) for number in range(1, looks + 1)) * sizes.validation
        return Workload(
            images=sizes.studies + 1 + painted * len(self.suite.fold_numbers()),
            reports_trained=steps * protocol.batch_size if protocol.epochs is None else protocol.epochs * sizes.train,
            checkpointing=protocol.activation_checkpointing,
            # For the blank image there is one report, which stands for all; trials that see no image write no other.
            written=[self._written(trial, painted) + self._again(trial, again) for trial in trials],
            new_tokens=protocol.max_new_tokens,
            ranks=[trial.rank for trial in trials if trial.is_trained_here],
            targets=[trial.targets for trial in trials if trial.is_trained_here],
            seen_anew=sum(
                self._written(trial, painted) + self._again(trial, again) for trial in trials if trial.tunes_vision
            ),
            reports_evaluated=looks * sizes.validation,
            shown=[t.untuned.few_shot if isinstance(t.untuned, FewShot) else 0 for t in trials],
        )

    @staticmethod
    def _again(trial: Trial, again: int) -> int:
        """Return how many of `again` reports a trial writes within training."""
        return again if trial.is_trained_here and not trial.protocol.sees_no_image else 0

    def _written(self, trial: Trial, painted: int) -> int:
        """Return how many reports a trial writes, of `painted` images among them."""
        if trial.protocol.sees_no_image:
            return 1
        return self.sizes.validation + self.sizes.test + 1 + (painted if trial.is_shown_lesions else 0)

    def _operations(self, structure: "Structure", trials: Sequence[Trial]) -> PlannedOperations:
        from benchmark.planning.costs import operations

        return PlannedOperations(**vars(operations(structure, self._work(trials))))

    def _seconds(self, structure: "Structure", part: Sequence[Trial], speed: "Speed", writing: "Writing") -> "Seconds":
        from benchmark.planning.hours import seconds

        return seconds(structure, self._work(part), speed, writing)

    def _notes(self) -> list[str]:
        from benchmark.planning.costs import PROMPT_TOKENS, REPORT_TOKENS

        limit = self.suite.protocol.max_new_tokens
        return [
            f"{min(REPORT_TOKENS, limit)} tokens a report on average, {PROMPT_TOKENS} of prompt beside the image's; a "
            f"batch of reports is written until its longest ends, here to {limit} tokens",
            "starting, loading and decoding images are not counted",
            *([UNTUNED_NOTE] if self.suite.untuned else []),
            *(["the whole grid is counted; points that leave early save of it"] if self.suite.search else []),
        ]


def _hours(seconds: "Sequence[Seconds]") -> PlannedHours:
    """Return the hours of one device for all packs; images are counted for one of them."""
    stages = {
        "vision": seconds[0].vision,
        "train": sum(part.train for part in seconds),
        "write": sum(part.write for part in seconds),
    }
    hours = {stage: round(value / 3600, 4) for stage, value in stages.items()}
    return PlannedHours(**hours, total=round(sum(hours.values()), 4))


def _memory(
    fit: "Fit", packs: Sequence[Sequence[int]], rows: int, writing: Sequence[int], written: "Written"
) -> PlannedMemory:
    """Return what training and writing take; `writing` are the ranks of the trials that write together."""
    footprint = fit.footprint
    return PlannedMemory(
        weights_gb=fit.weights / GB,
        trial_gb=footprint.adapter(fit.greatest) / GB,
        report_gb=footprint.report(fit.greatest) / GB,
        smallest_gb=fit.needed(1) / GB,
        pack_gb=max(footprint.pack(pack, rows) for pack in packs) / GB,
        key_values_gb=written.key_values / GB,
        writing_gb=footprint.writing(writing, written.together, written.report) / GB,
    )


def _size(
    entry: Entry, plugin: "type[Backbone]", trials: int, parameters: int, size: PlannedBytes, notes: Sequence[str]
) -> BackboneSize:
    pinned, hub = plugin.checkpoint, entry.checkpoint == "hub"
    return BackboneSize(
        name=entry.name,
        checkpoint=pinned.hub_id if hub else str(entry.checkpoint),
        revision=pinned.revision if hub else None,
        licence=pinned.licence,
        dtype=entry.dtype,
        quantization=entry.quantization,
        trials=trials,
        parameters=parameters,
        bytes=size,
        assumptions=tuple(notes),
    )
