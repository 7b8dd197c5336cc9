"""`amrg score` and `amrg baselines`: files in, JSON out, mistakes explained."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from short_trials import trial as some_trial
from typer.testing import CliRunner

from benchmark.cli.verbs import app
from benchmark.data.dmid import read as read_release
from benchmark.data.split_rules import choose
from benchmark.errors import UserError
from benchmark.forms.record import FloorRecord, Machine, TrialRecord, UsedCheckpoint
from benchmark.forms.suite import ImagePart
from benchmark.phantoms.write import write as write_phantoms
from benchmark.results.store import write_json

runner = CliRunner()
REPORT = "Breast composition: fatty (ACR A). BIRADS: {}. Findings: no mass is seen in image {}."


def write(path: Path, key: str, texts: Mapping[str, str], **more: str) -> str:
    records = [{"id": i, key: text, **more} for i, text in texts.items()]
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return str(path)


def run(*arguments: str | Path) -> Any:
    result = runner.invoke(app, [str(a) for a in arguments])
    if isinstance(result.exception, UserError):
        return result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    references = {f"Img{i:03d}": REPORT.format(i % 5 + 1, i) for i in range(1, 9)}
    predictions = {i: text.replace("BIRADS: 3", "BIRADS: 5") for i, text in references.items()}
    return (
        write(tmp_path / "predictions.jsonl", "prediction", predictions),
        write(tmp_path / "references.jsonl", "report", references),
    )


def test_scores_are_json_with_value_interval_and_signature(files: tuple[str, str], tmp_path: Path) -> None:
    saved = tmp_path / "scores.json"
    printed = run("score", files[0], "--references", files[1], "--save", saved, "--json")
    for score in printed["scores"].values():
        assert {"value", "low", "high", "n", "signature"} <= set(score)
    exact = printed["scores"]["birads_exact"]
    assert exact["value"] == pytest.approx(6 / 8)
    assert exact["low"] < exact["value"] < exact["high"]
    assert exact["n"] == 8
    content = json.loads(saved.read_text())
    assert content["scores"] == printed["scores"]
    assert [r["id"] for r in content["reports"]] == [f"Img{i:03d}" for i in range(1, 9)]


def test_a_table_is_printed_without_json(files: tuple[str, str]) -> None:
    printed = run("score", files[0], "--references", files[1])
    assert "birads_exact" in printed
    assert "0.7500" in printed


def test_blocks_of_the_references_are_the_unit_of_resampling(files: tuple[str, str], tmp_path: Path) -> None:
    references = {f"Img{i:03d}": REPORT.format(i % 5 + 1, i) for i in range(1, 9)}
    one_block = write(tmp_path / "one.jsonl", "report", references, block="the same patient")
    assert run("score", files[0], "--references", one_block, "--json")["scores"]["rouge_l"]["low"] is None


def test_missing_extra_and_duplicate_ids_are_listed(files: tuple[str, str], tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", "prediction", {"Img001": "x", "Img999": "x"})
    message = str(run("score", few, "--references", files[1]))
    assert "7 references have no prediction" in message
    assert "Img002, Img003" in message
    assert "Img999" in message
    twice = tmp_path / "twice.jsonl"
    twice.write_text('{"id": "a", "prediction": "x"}\n{"id": "a", "prediction": "y"}\n')
    message = str(run("score", twice, "--references", files[1]))
    assert "line 2: duplicate id 'a', first in line 1" in message


def test_allow_missing_scores_a_missing_prediction_as_empty(files: tuple[str, str], tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", "prediction", {"Img001": REPORT.format(2, 1)})
    printed = run("score", few, "--references", files[1], "--allow-missing", "--json")["scores"]
    assert printed["rouge_l"]["value"] == pytest.approx(1 / 8)
    assert printed["birads_coverage"]["value"] == pytest.approx(1 / 8)
    extra = write(tmp_path / "extra.jsonl", "prediction", {"Img999": "x"})
    assert "Img999" in str(run("score", extra, "--references", files[1], "--allow-missing"))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ('{"id": "a"}', "no 'prediction'; it has id"),
        ('{"id": 3, "prediction": "x"}', "'id' is int, expected text"),
        ('{"id": "a", "prediction": null}', "'prediction' is NoneType"),
        ("[1]", "a JSON list"),
        ('{"id": ', "not JSON"),
        ("", "holds no record"),
    ],
)
def test_what_is_no_prediction_is_named_with_its_line(
    files: tuple[str, str], tmp_path: Path, content: str, part: str
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "z", "prediction": "x"}\n' * bool(content) + content + "\n", encoding="utf-8")
    message = str(run("score", bad, "--references", files[1]))
    assert part in message
    assert "bad.jsonl" in message
    assert not content or "line 2" in message


def test_references_are_asked_for_and_only_once(files: tuple[str, str]) -> None:
    assert "--data DIR" in str(run("score", files[0]))
    assert "--data DIR" in str(run("score", files[0], "--references", files[1], "--data", "."))
    assert "no such file" in str(run("score", "nowhere.jsonl", "--references", files[1]))


def test_rescoring_replaces_the_scores_of_every_trial_and_keeps_what_else_is_there(
    files: tuple[str, str], tmp_path: Path
) -> None:
    results = tmp_path / "results"
    for trial in ("0123", "4567"):
        (results / trial).mkdir(parents=True)
        (results / trial / "predictions.jsonl").write_text(Path(files[0]).read_text())
    (results / "suites").mkdir()
    old = {"scores": {}, "labeler": "", "reports": [], "blank": {"rouge_l": 0.25}, "length_limit_rate": 0.5}
    write_json(results / "0123" / "scores.json", old)
    printed = run("score", results, "--rescore", "--references", files[1], "--json")
    assert printed == {"rescored": ["0123", "4567"]}
    content = json.loads((results / "0123" / "scores.json").read_text())
    assert (content["blank"], content["length_limit_rate"]) == ({"rouge_l": 0.25}, 0.5)
    assert content["scores"]["birads_exact"]["value"] == pytest.approx(6 / 8)
    assert content["scores"] == json.loads((results / "4567" / "scores.json").read_text())["scores"]
    assert sorted(p.name for p in (results / "4567").iterdir()) == ["predictions.jsonl", "scores.json"]


def test_nothing_is_rescored_when_one_trial_does_not_fit(files: tuple[str, str], tmp_path: Path) -> None:
    results = tmp_path / "results"
    for trial in ("0123", "4567"):
        (results / trial).mkdir(parents=True)
    (results / "0123" / "predictions.jsonl").write_text(Path(files[0]).read_text())
    write(results / "4567" / "predictions.jsonl", "prediction", {"Img001": "x"})
    assert "4567" in str(run("score", results, "--rescore", "--references", files[1]))
    assert not (results / "0123" / "scores.json").exists()
    assert "no trial" in str(run("score", tmp_path / "empty", "--rescore", "--references", files[1]))


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders of phantoms with other reports of the same ids."""
    folders = [tmp_path_factory.mktemp("phantoms") / name for name in ("ours", "theirs")]
    for seed, folder in enumerate(folders):
        write_phantoms(folder, studies=12, seed=seed, size=64)
    return folders


def test_trials_are_rescored_only_against_the_data_that_they_ran_on(phantoms: list[Path], tmp_path: Path) -> None:
    ours, theirs = phantoms
    release = read_release(ours)
    test = {s.id: s.report for s in release.studies if s.id in choose(release.studies, "blocked").test}
    results = tmp_path / "results"
    for name in ("0123", "4567"):
        (results / name).mkdir(parents=True)
        write(results / name / "predictions.jsonl", "prediction", test)
    checkpoint = UsedCheckpoint(kind="hub", miniature=False, hub_id=None, revision=None, licence=None, parameters=1)
    machine = Machine(system="", processor="", cores=1, memory_bytes=1)
    trial = some_trial(2).model_copy(update={"data": release.fingerprint})
    record = TrialRecord(
        id="0123", trial=trial, checkpoint=checkpoint, engine="packed", seconds={}, machine=machine, command="",
        finished=datetime.now(UTC), versions={}, commit=None,
    )  # fmt: skip
    write_json(results / "0123" / "trial.json", record)
    image = ImagePart(size=112)
    floor: dict[str, Any] = {"data": release.fingerprint, "split": "", "image": image, "versions": {}, "commit": None}
    write_json(results / "4567" / "trial.json", FloorRecord(id="4567", baseline="random_report", **floor))
    message = str(run("score", results, "--rescore", "--data", theirs, "--split", "blocked"))
    assert release.fingerprint in message
    assert read_release(theirs).fingerprint in message
    assert "0123, 4567" in message
    assert not list(results.glob("*/scores.json"))
    moved = tmp_path / "moved"
    shutil.copytree(ours, moved)
    printed = run("score", results, "--rescore", "--data", moved, "--split", "blocked", "--json")
    assert printed == {"rescored": ["0123", "4567"]}
    assert json.loads((results / "0123" / "scores.json").read_text())["scores"]["rouge_l"]["value"] == 1


def test_published_predictions_are_scored_against_the_test_part_that_they_are_of(
    dmid: Path, published_predictions: Path
) -> None:
    printed = run("score", published_predictions, "--data", dmid, "--json")
    assert printed["references"].startswith("test part of the sequential split")
    values = {name: score["value"] for name, score in printed["scores"].items()}
    assert round(values["rouge_l"], 4) == 0.6696
    assert round(values["cider_published"], 4) == 0.6925
    assert round(values["cider_coco"], 4) == 1.2503
    assert round(values["meteor_coco"], 4) == 0.3687
    assert values["verbatim_train_rate_references"] == pytest.approx(3 / 52)


def test_a_prediction_left_out_is_missed(dmid: Path, published_predictions: Path, tmp_path: Path) -> None:
    lines = published_predictions.read_text(encoding="utf-8").splitlines(keepends=True)
    short = tmp_path / "short.jsonl"
    short.write_text("".join(lines[:-1]), encoding="utf-8")
    assert "Img510" in str(run("score", short, "--data", dmid))


def test_baselines_of_dmids_reports(dmid: Path) -> None:
    arguments = ["--split", "sequential", "--only", "most_frequent_report", "--only", "random_report", "--json"]
    printed = run("baselines", dmid, *arguments)
    assert list(printed["baselines"]) == ["most_frequent_report", "random_report"]
    rouge = printed["baselines"]["most_frequent_report"]["scores"]["rouge_l"]
    assert rouge["value"] == pytest.approx(0.561, abs=0.003)
    assert rouge["low"] < rouge["value"] < rouge["high"]
    assert rouge["n"] == 52
    assert "nearest_image" in str(run("baselines", dmid, "--only", "nearest_image"))
    assert "Did you mean" in str(run("baselines", dmid, "--only", "random"))


def test_anybodys_predictions_are_held_against_all_pairs(dmid: Path, published_predictions: Path) -> None:
    """The figures were computed by another program."""
    printed = run("score", published_predictions, "--data", dmid, "--split", "sequential", "--json")["grounding"]
    for name, numbers in {"rouge_l": (0.091, 0.038, 0.144), "birads_exact": (0.201, 0.034, 0.369)}.items():
        fall = printed["all_pairs"][name]
        assert (fall["value"], fall["low"], fall["high"]) == pytest.approx(numbers, abs=5e-4)
        assert 0 < fall["of_perfect_reader"] < 1
    assert printed["all_pairs"]["density_accuracy"]["value"] == 0
