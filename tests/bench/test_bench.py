"""The contenders of `amrg bench`: the Trainer's losses are the reference for both engines."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from published_families import FAMILIES
from published_folders import write_folder
from rich.console import Console
from scipy import stats
from short_trials import REPORTS, trial

from backbones.base import Backbone
from backbones.contract import written_miniature
from benchmark.bench import by_hand, engines, peer, process, run, tables, trainer_trial
from benchmark.bench import scaling as growth
from benchmark.bench import task as tasks
from benchmark.bench.model import CONTENDERS, BenchResult, BenchStudy, Contender, Equality, ScalingResult
from benchmark.bench.process import Cost
from benchmark.bench.task import Stages, Task, read_outputs
from benchmark.cli.bench import _suite as suite_of
from benchmark.entries.plugins import plugin_of
from benchmark.errors import RunFailed, UserError
from benchmark.forms.grid import Grid, Point
from benchmark.forms.suite import Entry, ImagePart
from benchmark.suites.load import load_suite
from benchmark.tuning import memory


@pytest.fixture
def task(load: Callable[..., Backbone], pictures: np.ndarray, tmp_path: Path) -> Task:
    studies = []
    for number, (picture, report) in enumerate(zip(pictures, REPORTS, strict=True)):
        path = tmp_path / f"{number}.png"
        Image.fromarray(picture).save(path)
        studies.append(BenchStudy(id=str(number), image=str(path), report=report))
    return Task(
        entry=Entry(name="medgemma-4b-it", checkpoint="miniature"),
        checkpoint=str(load("medgemma-4b-it").source),
        dtype="float64",
        image=ImagePart(size=112, crop=False, flip=False),
        protocol=trial(2, steps=8).protocol,
        points=(Point(rank=2, alpha=8, seed=0), Point(rank=8, alpha=8, seed=1)),
        train=tuple(studies),
        test=(),
    )


def test_the_trainer_what_is_written_by_hand_and_both_engines_have_the_same_losses(task: Task, tmp_path: Path) -> None:
    task = task.model_copy(update={"test": (task.train[0].model_copy(update={"id": "5"}),)})
    folders = {name: tmp_path / name for name in ("trainer", "by hand", "sequential", "packed")}
    by_hand.train_all(task, out=folders["by hand"], stages=Stages(0.0))
    for number in range(len(task.points)):
        trainer_trial.run_trial(task, number, careful=False, out=folders["trainer"], stages=Stages(0.0))
    for name in ("sequential", "packed"):
        engines.run(task, name, out=folders[name], stages=Stages(0.0))
    outputs = {name: read_outputs(folder, task) for name, folder in folders.items()}
    losses = {name: np.array([output.losses for output in trials]) for name, trials in outputs.items()}
    assert losses["trainer"].shape == (2, 8)
    np.testing.assert_allclose(losses["by hand"], losses["trainer"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(losses["sequential"], losses["trainer"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(losses["packed"], losses["sequential"], rtol=0, atol=1e-12)
    assert all(len(output.texts) == 1 for trials in outputs.values() for output in trials)


@pytest.mark.slow
def test_contenders_load_a_backbone_that_no_plugin_speaks_for(task: Task, tmp_path: Path, one_thread: None) -> None:
    files = write_folder(FAMILIES["internvl"], tmp_path / "files")
    entry = Entry(name="internvl", checkpoint="miniature", files=str(files))
    weights = written_miniature(plugin_of(entry), tmp_path)
    tested = (task.train[0].model_copy(update={"id": "5"}),)
    changed = task.model_copy(update={"entry": entry, "checkpoint": str(weights), "test": tested})
    read = Task.read(changed.write(tmp_path / "task.json"))
    by_hand.train_all(read, out=tmp_path / "by hand", stages=Stages(0.0))
    trainer_trial.run_trial(read, 0, careful=True, out=tmp_path / "trainer", stages=Stages(0.0))
    engines.run(read, "packed", out=tmp_path / "packed", stages=Stages(0.0))
    [theirs, *_], packed = (
        [output.losses for output in read_outputs(tmp_path / name, read)] for name in ("by hand", "packed")
    )
    first = read_outputs(tmp_path / "trainer", read.model_copy(update={"points": read.points[:1]}))[0].losses
    np.testing.assert_allclose(first, theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(packed[0], theirs, rtol=0, atol=1e-12)


def test_a_suite_is_timed_on_another_backbone_by_its_name_or_folder(tmp_path: Path) -> None:
    files = write_folder(FAMILIES["internvl"], tmp_path / "internvl")
    chosen = suite_of("bench", str(files), ["end_token=<|im_end|>"])
    assert chosen.backbones == (
        Entry(name="internvl", checkpoint="miniature", files=str(files), end_token="<|im_end|>"),
    )  # fmt: skip
    (files / "model.safetensors").write_bytes(b"")  # weights, of which the bench makes no use
    assert suite_of("bench", str(files), ["end_token=<|im_end|>"]) == chosen
    assert suite_of("bench", "qwen2.5-vl-3b", None).backbones == (Entry(name="qwen2.5-vl-3b", checkpoint="miniature"),)
    assert suite_of("bench", None, None) == load_suite("bench")
    with pytest.raises(UserError, match="--state goes with --backbone"):
        suite_of("bench", None, ["end_token=x"])


def test_a_task_is_read_as_it_was_written(task: Task, tmp_path: Path) -> None:
    read = Task.read(task.write(tmp_path / "task.json"))
    assert read == task
    assert read.trials() == task.trials()


def test_a_stage_within_a_stage_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(tasks.time, "perf_counter", lambda: now)
    monkeypatch.setattr(tasks.time, "time", lambda: 105.0)
    stages = Stages(100.0)
    with stages.of("train"):
        now = 3.0
        with stages.of("vision"):
            now = 10.0
        now = 12.0
    assert stages.seconds == {
        "start": 5.0, "load": 0.0, "decode": 0.0, "vision": 7.0, "train": 5.0, "generate": 0.0, "score": 0.0,
    }  # fmt: skip


def cost(wall: float, **stages: float) -> Cost:
    every = dict.fromkeys((*tasks.STAGES, "rest"), 0.0)
    return Cost(wall, 0.9 * wall, int(wall), every | stages)


def test_ratios_are_of_medians() -> None:
    walls: dict[Contender, tuple[float, ...]] = {
        "A": (9.0, 30.0, 10.0),
        "B": (8.0, 8.0, 8.0),
        "N": (6.0, 6.0, 6.0),
        "C": (4.0, 3.0, 9.0),
        "D": (2.0, 2.0, 50.0),
    }
    summary = run.summary({name: [cost(wall, start=1.0) for wall in walls[name]] for name in CONTENDERS})
    assert summary.ratio == {"A/D": 5.0, "B/D": 4.0, "N/D": 3.0, "C/D": 2.0}
    assert summary.ratio_without_overhead == {"A/D": 9.0, "B/D": 7.0, "N/D": 5.0, "C/D": 3.0}
    assert summary.peak_memory["D"] == 50
    json.dumps(summary.model_dump(mode="json"), allow_nan=False)


def test_a_process_reports_its_own_peak_memory_not_its_parent_s() -> None:
    code = "from benchmark.tuning.memory import of_process; print(of_process())"

    def child(size: int) -> int:
        held = np.ones(size, np.uint8)
        peak = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
        assert held.all()
        return peak

    assert child(2_000_000_000) < 1_000_000_000
    assert memory.of_process() > 2_000_000_000


def test_baselines_take_a_process_a_trial_and_one_to_score(task: Task, tmp_path: Path) -> None:
    path, tested = tmp_path / "task.json", task.model_copy(update={"test": task.train[:1]})

    def of(name: Contender, some_task: Task, losses_only: bool = False) -> list[list[str]]:
        return process.commands(name, path, some_task, tmp_path, losses_only)

    assert [command[0] for command in of("A", tested)] == ["benchmark.bench.trainer"] * 2 + ["benchmark.bench.score"]
    assert len(of("A", task)) == 2
    assert [command[0] for command in of("N", tested)] == ["benchmark.bench.by_hand"]
    assert len(of("A", task, losses_only=True)) == len(of("C", tested)) == len(of("D", tested)) == 1
    assert not any("--decoded" in command for command in of("A", tested))
    assert all("--decoded" in command for command in of("B", tested)[:-1])


def test_the_cached_baseline_decodes_once_and_trains_as_the_plain_one(task: Task, tmp_path: Path) -> None:
    """In processes of their own, as `amrg bench` runs them."""
    single = task.model_copy(update={"points": task.points[:1]})
    out = tmp_path / "B"
    spent = process.contend("B", single.write(tmp_path / "task.json"), single, out)
    assert spent.stages["decode"] > 0
    assert spent.stages["start"] > 0
    assert sum(spent.stages.values()) == pytest.approx(spent.wall)
    assert spent.memory > 100e6
    for study in single.train:
        Path(study.image).unlink()  # what was kept is enough
    trainer_trial.run_trial(
        single, 0, careful=True, out=tmp_path / "again", stages=Stages(0.0), decoded=out / "decoded"
    )
    # Not to the last bit: without MKL's promise of it, two processes sum in other orders where memory lies otherwise.
    [again], [first] = (read_outputs(folder, single) for folder in (tmp_path / "again", out))
    np.testing.assert_allclose(again.losses, first.losses, rtol=0, atol=1e-12)


def test_a_process_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"benchmark\.no_such ended with exit code 1:\n.*No module named"):
        process.spawn(["benchmark.no_such"], tmp_path)


@pytest.mark.parametrize("scaling", [False, True])
def test_tables_say_what_was_measured_on_what(task: Task, scaling: bool, capsys: pytest.CaptureFixture[str]) -> None:
    measured = run.about(load_suite("bench"), task.model_copy(update={"data": "five pictures"}), rounds=2)
    console = Console(width=200)
    result: BenchResult | ScalingResult
    if scaling:
        by_number = {number: [cost(5.0 + 2 * number), cost(7.0 + 2 * number)] for number in growth.TRIALS}
        result = ScalingResult(**dict(measured), trials=growth.TRIALS, scaling=growth.summary(by_number))
        tables.show_scaling(result, console)
    else:
        differences = {"D-C": 1e-16, "C-A": 2e-16}
        equality = Equality(
            points=2,
            steps=60,
            learning_rate=2e-4,
            loss_float64=differences,
            loss_float32=differences,
            text_equal={"D-C": 2, "C-A": 2, "B-A": 1},
        )
        costs = {name: [cost(wall)] for name, wall in zip(CONTENDERS, (50.0, 40.0, 30.0, 20.0, 10.0), strict=True)}
        result = BenchResult(**dict(measured), **dict(run.summary(costs)), trials=2, equality=equality)
        tables.show(result, console)
    assert type(result).model_validate_json(result.model_dump_json()) == result
    printed = capsys.readouterr().out
    for part in ("5 images to train on", "8 steps of 2 reports", "five pictures", "one process at a time", "torch 2."):
        assert part in printed
    if scaling:
        assert "wall = 6.0 s + 2.00 s × trials; no measurement is farther than 1.0 s" in printed
    else:
        assert "D-C 2 of 2, C-A 2 of 2, B-A 1 of 2" in printed
        assert "5.00" in printed
        assert "N: by hand" in printed


@given(
    st.lists(st.integers(1, 64), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 64), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
    st.integers(1, 70),
)
def test_any_number_of_points_has_each_rank_alike(
    ranks: list[int], alphas: list[int], seeds: list[int], number: int
) -> None:
    grid = Grid(rank=tuple(ranks), alpha=tuple(alphas), seed=tuple(seeds))
    points = growth.points(grid, number)
    assert len(points) == len(set(points)) == number
    assert growth.points(grid, number + 5)[:number] == points
    shares = Counter(point.rank for point in points)
    assert max(shares.values()) - min(shares[rank] for rank in ranks) <= 1
    assert number < len(ranks) * len(alphas) * len(seeds) or {point.seed for point in points} >= set(seeds)


@given(st.floats(0, 1e3), st.floats(0.01, 1e3), st.integers(1, 3))
def test_a_straight_line_is_found_again(fixed: float, slope: float, rounds: int) -> None:
    trials = [*growth.TRIALS] * rounds
    line = growth.fit(trials, [fixed + slope * number for number in trials])
    assert line.fixed == pytest.approx(fixed, abs=1e-6)
    assert line.per_trial == pytest.approx(slope, abs=1e-6)
    assert line.largest_residual < 1e-6


def test_a_line_agrees_with_scipy() -> None:
    trials, costs = [4, 16, 64, 4, 16, 64], [11.0, 20.0, 90.0, 12.0, 21.0, 70.0]
    line, expected = growth.fit(trials, costs), stats.linregress(trials, costs)
    assert line.fixed == pytest.approx(expected.intercept)
    assert line.per_trial == pytest.approx(expected.slope)
    assert line.largest_residual == pytest.approx(
        max(abs(np.array(costs) - expected.intercept - expected.slope * np.array(trials)))
    )


def test_a_peer_that_is_not_installed_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such peer: 'axolotl'\. Known: llamafactory"):
        peer.command_of("axolotl", tmp_path)
    with pytest.raises(UserError, match=r"an environment of its own.*--peer-environment"):
        peer.command_of("llamafactory", None)
    with pytest.raises(UserError, match=r"llamafactory isn't installed in .*pip install llamafactory"):
        peer.command_of("llamafactory", tmp_path)


PEER = r"""#!{python}
# Reads what it is told as LLaMA-Factory does, and leaves what that leaves: a loss a step, a report an image.
import json, sys
from pathlib import Path
import yaml
told = yaml.safe_load(Path(sys.argv[2]).read_text())
assert sys.argv[1] == "train" and not any("remote" in name for name in told)
described = json.loads((Path(told["dataset_dir"]) / "dataset_info.json").read_text())
name = told["dataset"] if told.get("do_train") else told["eval_dataset"]
rows = json.loads((Path(told["dataset_dir"]) / described[name]["file_name"]).read_text())
assert all(Path(row["images"][0]).is_file() for row in rows)
out = Path(told["output_dir"])
out.mkdir(parents=True)
if told.get("do_train"):
    losses = [{{"loss": 1 / (step + told["lora_rank"])}} for step in range(told["max_steps"])]
    (out / "trainer_log.jsonl").write_text("\n".join(map(json.dumps, losses)))
else:
    assert Path(told["adapter_name_or_path"]).is_dir()
    lines = [{{"predict": f" {{row['messages'][1]['content']}}\n"}} for row in rows]
    (out / "generated_predictions.jsonl").write_text("\n".join(map(json.dumps, lines)))
"""


def test_a_peer_is_given_files_that_it_reads_and_its_reports_are_those_of_its_studies(
    task: Task, tmp_path: Path
) -> None:
    task = task.model_copy(update={"test": tuple(reversed(task.train[:3]))})
    command = tmp_path / "llamafactory-cli"
    command.write_text(PEER.format(python=sys.executable))
    command.chmod(0o755)
    peer.run(task, command, out=tmp_path / "P", stages=Stages(0.0))
    outputs = read_outputs(tmp_path / "P", task)
    assert [output.texts for output in outputs] == [tuple(study.report.strip() for study in task.test)] * 2
    assert [output.losses[0] for output in outputs] == [1 / point.rank for point in task.points]
    assert {len(output.losses) for output in outputs} == {task.steps}
    command.write_text(f"#!{sys.executable}\nraise SystemExit('no such template')")
    with pytest.raises(
        RunFailed, match=r"llamafactory-cli train train\.yaml ended with exit code 1:\nno such template"
    ):
        peer.run(task, command, out=tmp_path / "failed", stages=Stages(0.0))
