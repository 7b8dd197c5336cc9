"""What made a suite's results, gathered from its trials: checkpoints, machines, versions, commits, time."""

from benchmark.board.folds import Result
from benchmark.board.model import Checkpoint, Run
from benchmark.board.results import SuiteResults
from benchmark.forms.record import EvaluatedAdapter, TrialRecord

GIB = 2**30


def name_of(done: Result) -> str:
    """Return a backbone's name in tables, with what its weights are, and that it was tuned on shuffled images.

    Of an adapter from elsewhere its own name stands behind the backbone's.
    """
    name = _backbone(done)
    return name if done.record.adapter is None else f"{name} + {done.record.adapter.name}"


def _backbone(done: Result) -> str:
    notes = []
    if done.record.checkpoint.miniature:
        notes.append("miniature")
    elif done.record.checkpoint.kind == "folder":
        notes.append("own checkpoint")
    if done.trial.quantization:
        notes.append(done.trial.quantization)
    if done.trial.protocol.shuffles_images:
        notes.append("trained on shuffled images")
    return f"{done.trial.backbone} ({', '.join(notes)})" if notes else done.trial.backbone


def evaluated(results: SuiteResults) -> tuple[EvaluatedAdapter, ...]:
    """Return the adapters from elsewhere that have a row, each once."""
    adapters = [record.adapter for done in results.done for record in done.records if record.adapter is not None]
    return tuple(one for place, one in enumerate(adapters) if one not in adapters[:place])


def checkpoints(results: SuiteResults) -> tuple[Checkpoint, ...]:
    """Return the weights of each backbone; of one without results what its suite says."""
    first = {d.trial.backbone: d for d in reversed((*results.done, *results.untuned))}
    weights = []
    for entry in results.suite.backbones:
        done = first.get(entry.name)
        used = done.record.checkpoint if done else None
        miniature = entry.checkpoint == "miniature"
        weights.append(
            Checkpoint(
                name=_backbone(done) if done else f"{entry.name} (miniature)" if miniature else entry.name,
                backbone=entry.name,
                hub_id=used.hub_id if used else None,
                revision=used.revision if used else None,
                licence=used.licence if used else None,
                parameters=used.parameters if used else None,
                miniature=miniature,
                folder=entry.is_folder,
                fingerprint=results.record.checkpoints[entry.name],
                quantization=entry.quantization,
                dtype=entry.dtype,
            )
        )
    return tuple(weights)


def run_of(results: SuiteResults) -> Run:
    """Return machines, versions and commits of all trials; the date is that of the last one."""
    everything = (*results.done, *results.blind, *results.untuned)
    records = [record for done in everything for record in done.records]
    versions: dict[str, set[str]] = {}
    for record in records:
        for package, version in record.versions.items():
            versions.setdefault(package, set()).add(version)
    return Run(
        command=results.record.command,
        commits=tuple(sorted({record.commit for record in records if record.commit})),
        date=max(record.finished for record in records).date().isoformat() if records else None,
        machines=tuple(sorted({_machine(record) for record in records})),
        versions={package: " and ".join(sorted(seen)) for package, seen in sorted(versions.items())},
        engines=tuple(sorted({record.engine for record in records})),
        seconds=round(sum(sum(d.seconds.values()) for d in everything), 1),
    )


def _machine(record: TrialRecord) -> str:
    machine = record.machine
    memory = f"{machine.memory_bytes / GIB:.0f} GiB"
    host = f"{machine.processor}, {machine.cores} cores, {memory}, {machine.system}"
    if record.gpu is not None and record.gpu_memory_bytes is not None:
        return f"{record.gpu}, {record.gpu_memory_bytes / GIB:.0f} GiB; {host}"
    return host
