"""The script that a careful user would write from the documentation: the Hugging Face `Trainer` with peft.

One process per trial. `amrg bench` runs it as its baselines A and B; what a trial is made of is `trainer_trial.py`.

A decodes each image whenever it is needed and writes one report at a time. B decodes each image once for all trials
and keeps the small array on disk, loads batches in a worker process and writes reports in batches.
"""

from pathlib import Path

from benchmark.bench.task import Stages, Task, script_parser
from benchmark.executors.ending import end_with_stdin


def main() -> None:
    """Run `python -m benchmark.bench.trainer TASK TRIALS --contender A --out DIR --started SECONDS`."""
    parser = script_parser()
    parser.add_argument("trials", type=int, nargs="+")
    parser.add_argument("--contender", choices=["A", "B"], required=True)
    parser.add_argument("--decoded", type=Path)
    arguments = parser.parse_args()
    end_with_stdin()
    stages, careful = Stages(arguments.started), arguments.contender == "B"
    with stages.of("start"):
        from benchmark.bench.trainer_trial import run_trial  # and torch, transformers and peft with it
    task = Task.read(arguments.task)
    for number in arguments.trials:
        run_trial(task, number, careful=careful, out=arguments.out, stages=stages, decoded=arguments.decoded)
    stages.write(arguments.out, "-".join(map(str, arguments.trials)))


if __name__ == "__main__":
    main()
