"""An engine of ours as a contender of `amrg bench`: a sweep's own pack, in one process, with empty caches."""

from pathlib import Path

from benchmark.bench.task import Stages, Task, script_parser, store
from benchmark.errors import RunFailed
from benchmark.executors.ending import end_with_stdin


def run(task: Task, engine_name: str, *, out: Path, stages: Stages) -> int:
    """Train all trials, write their test reports and score them.

    Unlike a sweep's, these trials write nothing for the validation set and the grounding controls, and their scores
    have no intervals: the script of A and B makes none either.

    Returns:
        How many trials trained at the same time, at most.

    Raises:
        RunFailed: trials diverged or ran out of memory.
    """
    with stages.of("start"):
        import torch  # noqa: F401

        from benchmark.data.records import decode_images
        from benchmark.executors.execute import end_quickly
        from benchmark.forms.suite import Entry
        from benchmark.pack.model import Pack
        from benchmark.pack.run import run_pack
        from benchmark.results.store import Store
        from benchmark.tuning.spent import Spent

    end_quickly()
    trials, records = task.trials(), task.records(out)
    with stages.of("decode"):
        decode_images(records, processes=1)
    pack = Pack(
        entry=Entry.model_validate(task.entry.model_dump() | {"dtype": task.dtype}),
        source=Path(task.checkpoint),
        engine=engine_name,
        device="cpu",
        trials=tuple(trials),
        records=records,
        sets=("test",),
        resamples=0,
        halving=task.halving,
    )
    ended = run_pack(pack, stages.around)
    if failed := [f"{trial.label}: {why}" for trial in trials if (why := ended[trial.id])]:
        raise RunFailed("trials of the bench failed: " + "; ".join(failed))
    folders = {trial.id: Store(records.results).of(trial) for trial in trials}
    for folder in folders.values():
        stages.add(Spent.read(folder).seconds)
    # The others left at a rung.
    ends = [trial for trial in trials if folders[trial.id].is_done()]
    for trial in ends:
        folder = folders[trial.id]
        texts = [*folder.read_predictions().values()]
        store(out, trial, folder.read_losses(), texts, folder.read_evaluations())
    return max(folders[trial.id].read_trial().trained_together or 1 for trial in ends)


def main() -> None:
    """Run `python -m benchmark.bench.engines TASK --engine packed --out DIR --started SECONDS`."""
    parser = script_parser()
    parser.add_argument("--engine", required=True)
    arguments = parser.parse_args()
    end_with_stdin()
    stages = Stages(arguments.started)
    together = run(Task.read(arguments.task), arguments.engine, out=arguments.out, stages=stages)
    stages.write(arguments.out, "all", together=together)


if __name__ == "__main__":
    main()
