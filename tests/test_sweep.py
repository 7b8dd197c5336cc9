"""A sweep from end to end, as a user runs it: on phantoms, on a folder in DMID's layout, and on DMID where it is."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from damage import damage
from lines import read_lines
from processes import family, left_after

from benchmark.data.dmid import read
from benchmark.forms.suite import Trial
from benchmark.phantoms import write
from benchmark.results.store import TrialFolder
from benchmark.results.trial_folder import TRAINED

SUITE = """\
name: tiny
title: A tiny suite
data: {{source: {source}}}
image: {{size: 112}}
backbones:
  - {{name: medgemma-4b-it, checkpoint: miniature}}
grid: {{rank: [2, 4], alpha: [8], seed: [0]}}
protocol: {{steps: {steps}, batch_size: 4, learning_rate: 5.0e-3, warmup_steps: 1, max_new_tokens: 24}}
miniature: {{examples: 24, vision_steps: 3, language_steps: 20}}
"""
PHANTOMS = "phantom, studies: 24, seed: 3, size: 96"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def amrg(folder: Path, cache: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"AMRG_CACHE_DIR": str(cache), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    return done


def suite_file(folder: Path, source: str = PHANTOMS, steps: int = 4) -> str:
    (folder / "tiny.yaml").write_text(SUITE.format(source=source, steps=steps))
    return "tiny.yaml"


def trials(folder: Path) -> list[TrialFolder]:
    record = json.loads((folder / "results/suites/tiny.json").read_text())
    return [TrialFolder(folder / "results" / name) for name in record["trials"]]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("swept")
    return folder, amrg(folder, cache, "sweep", suite_file(folder))


def test_it_ends_with_the_table_and_the_place_of_the_leaderboard(
    swept: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = swept
    assert "medgemma-4b-it" in done.stdout
    assert "leaderboards/tiny/README.md" in done.stdout
    text = (folder / "leaderboards/tiny/README.md").read_text()
    assert "miniature" in text[:600]
    assert "not a medical device" in text
    assert list((folder / "leaderboards/tiny").rglob("*.png"))


def test_results_are_as_the_design_says(swept: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = swept
    for trial in trials(folder):
        described = json.loads(trial.trial.read_text())
        assert Trial.model_validate(described["trial"]).id == trial.path.name
        assert {"commit", "versions", "device", "seconds", "peak_memory_bytes", "machine"} <= set(described)
        assert described["checkpoint"]["miniature"] is True
        assert len(trial.losses.read_text().splitlines()) == 1 + 4
        predictions = read_lines(trial.predictions)
        assert {"id", "prediction", "prompt_sha256", "tokens", "stop"} <= set(predictions[0])
        scores = json.loads(trial.scores.read_text())["scores"]
        for name in ("rouge_l", "meteor_coco", "meteor_nltk", "cider_coco", "birads_exact"):
            assert scores[name]["signature"]
        controls = read_lines(trial.controls)
        assert {row["control"] for row in controls} == {"blank"}
        assert len(controls) == len(predictions)


def test_an_adapter_loads_in_plain_peft_and_writes_the_stored_text(
    swept: tuple[Path, subprocess.CompletedProcess[str]], cache: Path
) -> None:
    from peft import PeftModel

    from backbones.registry import get
    from benchmark.data.image import ImageCache, ImageSettings

    folder, _ = swept
    trial = trials(folder)[1]
    described = trial.read_trial().trial
    protocol = described.protocol
    [source] = (cache / "miniatures").glob("medgemma-4b-it-*")
    backbone = get("medgemma-4b-it").load(source)
    assert backbone.fingerprint == described.checkpoint
    model = PeftModel.from_pretrained(backbone.model, str(trial.adapter)).eval()
    stored = read_lines(trial.predictions)
    references = {r["id"]: r for r in read_lines(folder / "results/suites/tiny/references.jsonl")}
    [phantoms] = (cache / "phantoms").iterdir()
    images = ImageCache(cache / "images", ImageSettings(size=112))
    for row in stored:
        features = backbone.encode_images([images.load(phantoms / references[row["id"]]["image"])])
        text = backbone.encode_text([protocol.prompt])
        tokens = model.generate(
            **backbone.model_inputs(text, features), max_new_tokens=24, do_sample=False, eos_token_id=backbone.end
        )
        assert backbone.decode(tokens[0, text["input_ids"].shape[1] :]) == row["prediction"]


def test_the_same_command_does_nothing_twice_and_says_so(
    swept: tuple[Path, subprocess.CompletedProcess[str]], cache: Path
) -> None:
    folder, _ = swept
    before = {p: p.stat().st_mtime_ns for t in trials(folder) for p in t.path.rglob("*")}
    board = (folder / "leaderboards/tiny/README.md").read_bytes()
    done = amrg(folder, cache, "sweep", "tiny.yaml")
    assert "0 trials run, 2 were done already" in done.stdout
    assert {p: p.stat().st_mtime_ns for t in trials(folder) for p in t.path.rglob("*")} == before
    assert (folder / "leaderboards/tiny/README.md").read_bytes() == board


def test_two_runs_give_the_same_bytes(
    swept: tuple[Path, subprocess.CompletedProcess[str]], cache: Path, tmp_path: Path
) -> None:
    folder, _ = swept
    amrg(tmp_path, cache, "sweep", suite_file(tmp_path), "--quiet")
    for ours, theirs in zip(trials(folder), trials(tmp_path), strict=True):
        for name in ("losses.csv", "predictions.jsonl", "validation.jsonl", "controls.jsonl", "scores.json"):
            assert (ours.path / name).read_bytes() == (theirs.path / name).read_bytes()
        weights = "adapter/adapter_model.safetensors"
        assert (ours.path / weights).read_bytes() == (theirs.path / weights).read_bytes()


@pytest.mark.long  # one that is killed, which is harder, is among those of every run
def test_an_interrupted_sweep_goes_on(cache: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmark", "sweep", suite_file(tmp_path, steps=240), "--json-lines"]
    # Steps enough for seconds of training: the signal mustn't come after its end, however busy the machine.
    environment = os.environ | {"AMRG_CACHE_DIR": str(cache), "HF_HUB_OFFLINE": "1"}
    # Tests that a shell runs in its background ignore Ctrl-C, and so would what they start.
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=heeds
    )
    assert running.stdout is not None
    for line in running.stdout:
        event = json.loads(line)
        if event["kind"] == "progress" and "rank" not in event["name"] and "r=" in event["name"]:
            running.send_signal(signal.SIGINT)
            break
    running.stdout.read()
    assert running.wait(timeout=60) == 130
    time.sleep(0.1)
    done = amrg(tmp_path, cache, "sweep", "tiny.yaml")
    assert all(trial.is_done() for trial in trials(tmp_path))
    assert "Leaderboard:" in done.stdout


def test_a_sweep_that_is_killed_leaves_nothing_running_and_ends_as_if_it_had_not_been(
    swept: tuple[Path, subprocess.CompletedProcess[str]], cache: Path, tmp_path: Path
) -> None:
    folder, _ = swept
    command = [sys.executable, "-m", "benchmark", "sweep", suite_file(tmp_path), "--json-lines"]
    environment = os.environ | {"AMRG_CACHE_DIR": str(cache), "HF_HUB_OFFLINE": "1"}
    running = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    for line in running.stdout:
        if "r=" in json.loads(line)["name"]:
            break
    below = family(running.pid)
    running.kill()
    running.wait(timeout=60)
    assert not left_after(below, 60)
    amrg(tmp_path, cache, "sweep", "tiny.yaml", "--quiet")
    for ours, theirs in zip(trials(folder), trials(tmp_path), strict=True):
        trained = [name for name in TRAINED if name != "evaluations.jsonl"]  # this suite asks for no looks
        for name in (*trained, "predictions.jsonl", "validation.jsonl", "controls.jsonl", "scores.json"):
            assert (ours.path / name).read_bytes() == (theirs.path / name).read_bytes()
    left = [path for path in tmp_path.rglob(".*") if path.name != ".locks"]
    assert left + list(tmp_path.rglob("*.lock")) + list(cache.rglob(".*")) == []


def test_flipped_bits_are_healed_from_what_is_sound(
    swept: tuple[Path, subprocess.CompletedProcess[str]], cache: Path
) -> None:
    folder, _ = swept
    harmed = [
        trials(folder)[0].predictions,
        next((cache / "phantoms").glob("*/Reports/Reports/*.txt")),
        next((cache / "miniatures").glob("*/model.safetensors")),
        next((cache / "miniatures").glob("examples-*.npz")),
    ]
    before = [path.read_bytes() for path in harmed]
    for path in harmed:
        damage(path, "a bit flipped", seed=0)
    done = amrg(folder, cache, "sweep", "tiny.yaml")
    assert "1 trials run, 1 were done already" in done.stdout
    said = "".join(done.stderr.split())
    for path in harmed[:3]:
        assert "".join(f"{path.name}: isn't what was written".split()) in said.replace("jsonlisn't", "jsonl:isn't")
    assert [path.read_bytes() for path in harmed] == before


@pytest.fixture(params=["phantoms", "mammograms"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder in DMID's layout in which some reports have no image."""
    if request.param == "mammograms":
        return request.getfixturevalue("dmid")
    folder = tmp_path / "phantoms"
    write.write(folder, studies=26, seed=3, size=96, jobs=1)
    for number in (4, 9):
        (folder / f"TIFF Images/TIFF Images/IMG{number:03d}.tif").unlink()
    return folder


def test_a_folder_in_dmids_layout(archive: Path, cache: Path, tmp_path: Path) -> None:
    done = amrg(tmp_path, cache, "sweep", suite_file(tmp_path, source="dmid"), "--data", str(archive))
    release = read(archive)
    assert release.summary_line() in done.stderr
    text = (tmp_path / "leaderboards/tiny/README.md").read_text(encoding="utf-8")
    assert f"{len(release.studies)} mammograms in DMID's layout" in text[:1200]
    assert str(archive) not in text
