"""A peer from its own environment as a contender of `amrg bench`: LLaMA-Factory, by its documented files and commands.

For each trial its files are written as its own documents have them (`data/README.md`: images and messages in the
sharegpt format; `examples/train_lora`: a YAML file to train, one to predict), and `llamafactory-cli train` is run on
both. Prompt, reports, images, rank, alpha, rate, batch size, epochs and the report's length are the suite's; order of
reports, label mask and template are the peer's own, so that its losses aren't compared with ours.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmark.bench.model import BenchStudy
from benchmark.bench.task import Stages, Task, script_parser, store
from benchmark.errors import RunFailed, UserError
from benchmark.executors.ending import end_with_stdin
from benchmark.forms.suite import Trial

PEERS = {"llamafactory": "llamafactory-cli"}
"""Name of a peer to its command."""
TEMPLATES = {"gemma3": "gemma3", "paligemma": "paligemma", "qwen2_5_vl": "qwen2_vl", "llava": "llava_next_mistral"}
"""A checkpoint's `model_type` to LLaMA-Factory's template for it."""
ROWS = 16
"""Reports that are written at a time."""


def command_of(peer: str, environment: Path | None) -> Path:
    """Return a peer's command in its environment.

    Args:
        peer: its name.
        environment: folder of a virtual environment in which it is installed.

    Raises:
        UserError: no such peer, or it isn't installed there.
    """
    if peer not in PEERS:
        raise UserError(f"no such peer: {peer!r}. Known: {', '.join(PEERS)}.")
    how = f"`python -m venv DIR && DIR/bin/pip install {peer}` makes one; give it by --peer-environment DIR."
    if environment is None:
        raise UserError(
            f"{peer} runs in an environment of its own, since its versions of the libraries are others. {how}"
        )
    command = environment / "bin" / PEERS[peer]
    if not command.is_file():
        raise UserError(f"{peer} isn't installed in {environment}: there is no {command}. {how}")
    return command


def write_data(task: Task, folder: Path) -> None:
    """Write the studies as LLaMA-Factory reads them: a list of conversations a part, and what says so."""
    folder.mkdir(parents=True)
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    described = {}
    for part, studies in (("train", task.train), ("test", task.test)):
        rows = [_conversation(study, task.protocol.prompt) for study in studies]
        (folder / f"{part}.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
        columns = {"messages": "messages", "images": "images"}
        described[part] = {"file_name": f"{part}.json", "formatting": "sharegpt", "columns": columns, "tags": tags}
    (folder / "dataset_info.json").write_text(json.dumps(described, indent=1), encoding="utf-8")


def _conversation(study: BenchStudy, prompt: str) -> dict[str, Any]:
    messages = [
        {"role": "user", "content": f"<image>{prompt}"},
        {"role": "assistant", "content": study.report},
    ]
    return {"messages": messages, "images": [study.image]}


def settings(task: Task, trial: Trial, data: Path, out: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what LLaMA-Factory is told to train a trial, and to write its test reports.

    Args:
        task: the suite's.
        trial: of its grid.
        data: the folder of `write_data`.
        out: the trial's folder: adapter and reports go into it.

    Raises:
        UserError: the checkpoint is of a family that has no template there.
    """
    kind = json.loads((Path(task.checkpoint) / "config.json").read_text(encoding="utf-8"))["model_type"]
    if kind not in TEMPLATES:
        raise UserError(f"LLaMA-Factory: no template is known for {kind!r}. Known: {', '.join(TEMPLATES)}.")
    protocol = trial.protocol
    shared = {
        "model_name_or_path": task.checkpoint,
        "stage": "sft",
        "finetuning_type": "lora",
        "template": TEMPLATES[kind],
        "dataset_dir": str(data),
        "cutoff_len": 2048,
        "overwrite_cache": True,
        "preprocessing_num_workers": 1,
        "image_max_pixels": task.image.size**2,
        "report_to": "none",
        "use_cpu": True,
        "seed": trial.seed,
    }
    length = {"num_train_epochs": float(protocol.epochs)} if protocol.epochs else {"max_steps": protocol.steps}
    train = shared | {
        "do_train": True,
        "dataset": "train",
        "lora_rank": trial.rank,
        "lora_alpha": trial.alpha,
        "lora_dropout": protocol.dropout,
        "lora_target": "all",
        "output_dir": str(out / "adapter"),
        "save_strategy": "no",
        "logging_steps": 1,
        "per_device_train_batch_size": protocol.batch_size,
        "gradient_accumulation_steps": 1,
        "learning_rate": protocol.learning_rate,
        "weight_decay": protocol.weight_decay,
        "lr_scheduler_type": protocol.schedule,
        "warmup_steps": protocol.warmup_steps,
        **length,
    }
    predict = shared | {
        "do_predict": True,
        "adapter_name_or_path": str(out / "adapter"),
        "eval_dataset": "test",
        "output_dir": str(out / "reports"),
        "per_device_eval_batch_size": ROWS,
        "predict_with_generate": True,
        "do_sample": False,
        "max_new_tokens": protocol.max_new_tokens,
    }
    return train, predict


def run(task: Task, command: Path, *, out: Path, stages: Stages) -> None:
    """Train each trial and write its test reports, a process of the peer's for each.

    Args:
        task: the suite's.
        command: the peer's.
        out: where all of it goes.
        stages: takes the times; the peer's own start, loading and decoding are within `train` and `generate`.

    Raises:
        RunFailed: a process of the peer's failed, or it wrote another number of reports.
    """
    data = out / "data"
    write_data(task, data)
    for number, trial in enumerate(task.trials()):
        folder = out / f"trial-{number}"
        folder.mkdir()
        train, predict = settings(task, trial, data, folder)
        with stages.of("train"):
            call(command, train, folder / "train.yaml")
        with stages.of("generate"):
            call(command, predict, folder / "predict.yaml")
        texts = read_reports(folder / "reports" / "generated_predictions.jsonl")
        if len(texts) != len(task.test):
            raise RunFailed(f"{folder}: {len(texts)} reports for {len(task.test)} images.")
        store(out, trial, read_losses(folder / "adapter" / "trainer_log.jsonl"), texts)


def call(command: Path, told: Mapping[str, Any], path: Path) -> None:
    """Write a YAML file for the peer, and run it on that, without the network.

    Raises:
        RunFailed: it failed; what it said last is told.
    """
    path.write_text(yaml.safe_dump(dict(told), sort_keys=False), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "DISABLE_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(command), "train", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    if done.returncode:
        raise RunFailed(
            f"{command.name} train {path.name} ended with exit code {done.returncode}:\n{done.stdout[-2000:]}"
        )


def read_reports(path: Path) -> list[str]:
    """Return the reports that the peer wrote, in the order of the studies."""
    return [json.loads(line)["predict"].strip() for line in path.read_text(encoding="utf-8").splitlines() if line]


def read_losses(path: Path) -> Sequence[float]:
    """Return the loss of every step that the peer logged."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [float(line["loss"]) for line in lines if "loss" in line]


def main() -> None:
    """Run `python -m benchmark.bench.peer TASK --command FILE --out DIR --started SECONDS`."""
    parser = script_parser()
    parser.add_argument("--command", type=Path, required=True)
    arguments = parser.parse_args()
    end_with_stdin()
    stages = Stages(arguments.started)
    run(Task.read(arguments.task), arguments.command, out=arguments.out, stages=stages)
    stages.write(arguments.out, "peer")


if __name__ == "__main__":
    main()
