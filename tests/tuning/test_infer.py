"""A report for an image by a trained trial: base and adapter as recorded."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backbones.contract import PROMPTS, REPORTS
from backbones.registry import get
from benchmark.cli.verbs import app
from benchmark.data.image import ImageSettings, prepare
from benchmark.errors import UserError
from benchmark.forms.record import (
    DataRecord,
    FloorRecord,
    Leakage,
    Machine,
    SplitRecord,
    SuiteRecord,
    TrialRecord,
    UsedCheckpoint,
)
from benchmark.forms.suite import ImagePart, Protocol, Trial
from benchmark.phantoms.write import write
from benchmark.results.store import Store, TrialFolder, write_json
from benchmark.suites.load import parse
from benchmark.tuning.engines import engine_named
from benchmark.tuning.infer import find_trial, write_reports
from benchmark.tuning.interface import Generated, TrainingSet

NAME = "qwen2.5-vl-3b"


SUITE = """
name: one
title: One trial
data: {{source: phantom, studies: 12, seed: 0, size: 96}}
backbones: [{{name: {name}, checkpoint: "{base}"}}]
grid: {{rank: [4], alpha: [8], seed: [0]}}
protocol: {{steps: 6, batch_size: 3, learning_rate: 1.0e-2, max_new_tokens: 10}}
"""


def record_of(trial: Trial, checkpoint: UsedCheckpoint) -> TrialRecord:
    return TrialRecord(
        id=trial.id, trial=trial, checkpoint=checkpoint, engine="sequential", seconds={},
        machine=Machine(system="", processor="", cores=1, memory_bytes=1), command="", finished=datetime.now(UTC),
        versions={}, commit=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("phantoms") / "dmid"
    write(folder, studies=12, seed=0, size=96)
    return sorted((folder / "TIFF Images").rglob("*.tif"))[:3]


@pytest.fixture(scope="module")
def trained(
    miniature: Callable[[str], Path], images: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Trial, Path, list[Generated]]:
    """Results with one trial, its base's folder, and the reports that the engine wrote for the images."""
    base = miniature(NAME)
    backbone = get(NAME).load(base)
    protocol = Protocol(prompt=PROMPTS[0], steps=6, batch_size=3, learning_rate=1e-2, warmup_steps=1, max_new_tokens=10)
    trial = Trial(
        backbone=NAME, checkpoint=backbone.fingerprint, quantization=None, dtype="float32", data="d" * 64,
        image=ImagePart(size=112), split="s" * 64, protocol=protocol, rank=4, alpha=8, seed=0,
    )  # fmt: skip
    store = Store(tmp_path_factory.mktemp("results"))
    settings = ImageSettings(size=112)
    features = [backbone.encode_images([prepare(path, settings)])[0] for path in images]
    engine, folders = engine_named("sequential"), {trial.id: store.of(trial)}
    engine.train(backbone, [trial], folders, TrainingSet(REPORTS, features), lambda *_: None)
    [(_, written)] = engine.generate(backbone, [trial], folders, features)
    checkpoint = UsedCheckpoint(
        kind="folder", miniature=False, hub_id="acme/model", revision=None, licence=None, parameters=None
    )
    write_json(store.of(trial).trial, record_of(trial, checkpoint))
    suite = parse(SUITE.format(name=NAME, base=base), where="one.yaml")
    split = SplitRecord(
        name="blocked", seed=0, train=(), validation=(), test=(), blocks={}, rule="", fingerprint=trial.split,
        leakage=Leakage(
            test=0, verbatim_in_train=0, near_verbatim_in_train=0, neighbour_in_train=0, block_in_train=0,
            rouge_l_of_neighbour=None, rouge_l_of_random=0, birads={}, density={},
        ),
    )  # fmt: skip
    data = DataRecord(source="phantom", fingerprint=trial.data, summary="", studies=12)
    ran = SuiteRecord(
        suite=suite, trials={trial.id: trial}, baselines={}, data=data, split=split,
        checkpoints={NAME: trial.checkpoint}, command="",
    )  # fmt: skip
    write_json(store.suite("one"), ran)
    return store.folder, trial, base, written


def test_the_reports_are_those_that_the_sweep_wrote(
    trained: tuple[Path, Trial, Path, list[Generated]], images: list[Path]
) -> None:
    results, trial, _, written = trained
    assert write_reports(find_trial(results, trial.id), images, device="cpu") == written
    assert write_reports(find_trial(results, trial.id[:6]), images[1:2], device="cpu") == written[1:2]


def test_the_verb_prints_reports(trained: tuple[Path, Trial, Path, list[Generated]], images: list[Path]) -> None:
    results, trial, base, written = trained
    command = ["generate", "--trial", trial.id, "--results", str(results), "--checkpoint", str(base), "--device", "cpu"]
    shown = CliRunner().invoke(app, [*command, *map(str, images), "--json"])
    assert shown.exit_code == 0, shown.output
    rows = json.loads(shown.stdout)
    assert [row["report"] for row in rows] == [answer.text for answer in written]
    assert [row["image"] for row in rows] == [str(path) for path in images]
    plain = CliRunner().invoke(app, [*command, str(images[0])])
    assert written[0].text in plain.stdout


def test_a_base_that_has_changed_is_refused(
    trained: tuple[Path, Trial, Path, list[Generated]],
    images: list[Path],
    tmp_path: Path,
    miniature: Callable[[str], Path],
) -> None:
    results, trial, base, _ = trained
    changed = shutil.copytree(base, tmp_path / "changed")
    config = json.loads((changed / "config.json").read_text())
    (changed / "config.json").write_text(json.dumps(config | {"note": "another"}))
    with pytest.raises(UserError, match="fingerprint"):
        write_reports(find_trial(results, trial.id), images, checkpoint=changed, device="cpu")


def test_a_base_that_has_moved_is_asked_for(
    trained: tuple[Path, Trial, Path, list[Generated]], images: list[Path], tmp_path: Path
) -> None:
    results, trial, _, _ = trained
    copy = shutil.copytree(results, tmp_path / "results")
    shutil.rmtree(copy / "suites")
    with pytest.raises(UserError, match="Give its folder with --checkpoint"):
        write_reports(find_trial(copy, trial.id), images, device="cpu")


def test_unknown_ambiguous_and_untrained_trials(
    trained: tuple[Path, Trial, Path, list[Generated]], tmp_path: Path
) -> None:
    results, trial, _, _ = trained
    with pytest.raises(UserError, match="no finished trial in it"):
        find_trial(tmp_path, "abc")
    with pytest.raises(UserError, match=f"no trial 'x{trial.id[1:]}' among its 1. Nearest: {trial.id}"):
        find_trial(results, f"x{trial.id[1:]}")
    record = TrialFolder(results / trial.id).read_trial()
    for name in ("aaaa1", "aaaa2"):
        write_json(tmp_path / name / "trial.json", record)
    floor = FloorRecord(
        id="aaaa3", baseline="most_frequent_report", data=trial.data, split=trial.split, image=trial.image,
        versions={}, commit=None,
    )  # fmt: skip
    write_json(tmp_path / "aaaa3" / "trial.json", floor)
    with pytest.raises(UserError, match="2 trials in"):
        find_trial(tmp_path, "aaaa")
    with pytest.raises(UserError, match="its adapter is missing"):
        find_trial(tmp_path, "aaaa1")


def test_an_image_that_is_not_there(trained: tuple[Path, Trial, Path, list[Generated]], tmp_path: Path) -> None:
    results, trial, _, _ = trained
    with pytest.raises(UserError, match=r"no such image: .*gone\.tif"):
        write_reports(find_trial(results, trial.id), [tmp_path / "gone.tif"])
