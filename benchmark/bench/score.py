"""The script that scores what A or B wrote: all trials in one process, so that METEOR's Java starts once."""

from benchmark.bench.task import Stages, Task, read_outputs, score, script_parser
from benchmark.executors.ending import end_with_stdin


def main() -> None:
    """Run `python -m benchmark.bench.score TASK --out DIR --started SECONDS`."""
    arguments = script_parser().parse_args()
    end_with_stdin()
    stages, task = Stages(arguments.started), Task.read(arguments.task)
    with stages.of("start"):
        import benchmark.scoring.score  # noqa: F401
    with stages.of("score"):
        for trial in read_outputs(arguments.out, task):
            score(task, trial.texts)
    stages.write(arguments.out, "score")


if __name__ == "__main__":
    main()
