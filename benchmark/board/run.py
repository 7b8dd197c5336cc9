"""What made a suite's results, gathered from its trials: checkpoints, machines, versions, commits, time."""

from collections.abc import Mapping
from typing import Any

from benchmark.board.model import Checkpoint, Run
from benchmark.board.results import Done, SuiteResults

GIB = 2**30


def name_of(done: Done) -> str:
    """A backbone's name in tables: what its weights are stands with it, and that it was tuned on shuffled images."""
    notes = []
    if done.made["checkpoint"]["miniature"]:
        notes.append("miniature")
    elif done.made["checkpoint"]["kind"] == "folder":
        notes.append("own checkpoint")
    if done.trial.quantization:
        notes.append(done.trial.quantization)
    if done.trial.protocol.shuffles_images:
        notes.append("trained on shuffled images")
    return f"{done.trial.backbone} ({', '.join(notes)})" if notes else done.trial.backbone


def checkpoints(found: SuiteResults) -> tuple[Checkpoint, ...]:
    """The weights of each backbone; of one without results what its suite says."""
    first = {d.trial.backbone: d for d in reversed(found.done)}
    made = []
    for entry in found.suite.backbones:
        done = first.get(entry.name)
        content: Mapping[str, Any] = done.made["checkpoint"] if done else {}
        miniature = entry.checkpoint == "miniature"
        made.append(
            Checkpoint(
                name=name_of(done) if done else f"{entry.name} (miniature)" if miniature else entry.name,
                backbone=entry.name,
                hub_id=content.get("hub_id"),
                revision=content.get("revision"),
                licence=content.get("licence"),
                parameters=content.get("parameters"),
                miniature=miniature,
                folder=entry.is_folder,
                fingerprint=found.record["checkpoints"][entry.name],
                quantization=entry.quantization,
                dtype=entry.dtype,
            )
        )
    return tuple(made)


def run_of(found: SuiteResults) -> Run:
    """Machines, versions and commits of all trials; the date is that of the last one."""
    made = [d.made for d in found.done]
    versions: dict[str, set[str]] = {}
    for one in made:
        for package, version in one["versions"].items():
            versions.setdefault(package, set()).add(version)
    return Run(
        command=found.record["command"],
        commits=tuple(sorted({str(one["commit"]) for one in made if one["commit"]})),
        date=max((one["finished"] for one in made), default="")[:10] or None,
        machines=tuple(sorted({_machine(one) for one in made})),
        versions={package: " and ".join(sorted(seen)) for package, seen in sorted(versions.items())},
        engines=tuple(sorted({one["engine"] for one in made})),
        seconds=round(sum(sum(d.seconds.values()) for d in found.done), 1),
    )


def _machine(made: Mapping[str, Any]) -> str:
    machine = made["machine"]
    memory = f"{machine['memory_bytes'] / GIB:.0f} GiB"
    host = f"{machine['processor']}, {machine['cores']} cores, {memory}, {machine['system']}"
    if "gpu" in made:
        return f"{made['gpu']}, {made['gpu_memory_bytes'] / GIB:.0f} GiB; {host}"
    return host
