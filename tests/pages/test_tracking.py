"""Trials in trackers, read back by the trackers' own means; each test runs where its library is installed."""

import json
from pathlib import Path

import pytest
from stored_suite import StoredSuite

from benchmark.errors import UserError
from benchmark.pages.tracking import track

MISSING = "needs the trackers: pip install 'amrg[tracking]'"


@pytest.fixture(autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trackers keep caches and settings of a user; these tests have a user of their own."""
    home = str(tmp_path_factory.mktemp("home"))
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, home)


@pytest.fixture
def expected(stored: StoredSuite) -> dict[str, float]:
    """ROUGE-L of each trial."""
    ids = [t.id for t in stored.trials]
    return {i: json.loads((stored.results / i / "scores.json").read_text())["scores"]["rouge_l"]["value"] for i in ids}


def test_an_unknown_tracker_and_one_that_is_not_installed_are_explained(
    stored: StoredSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="tensorboard"):
        track(stored.results, "stored", "tensorbord", tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(UserError, match=r"amrg\[tracking\]"):
        track(stored.results, "stored", "wandb", tmp_path)


def test_tensorboard_holds_losses_and_scores(stored: StoredSuite, tmp_path: Path, expected: dict[str, float]) -> None:
    pytest.importorskip("tensorboardX", reason=MISSING)
    from tensorboardX.proto.event_pb2 import Event

    assert track(stored.results, "stored", "tensorboard", tmp_path) == len(expected)
    for trial, rouge_l in expected.items():
        (path,) = (tmp_path / "stored" / trial).glob("events.*")
        scalars: dict[str, list[float]] = {}
        data, at = path.read_bytes(), 0
        while at < len(data):  # TFRecord: length, checksum, event, checksum
            length = int.from_bytes(data[at : at + 8], "little")
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length
            for value in event.summary.value:
                scalars.setdefault(value.tag, []).append(value.simple_value)
        assert scalars["scores/rouge_l"] == [pytest.approx(rouge_l)]
        assert len(scalars["loss"]) == 30
        assert not any(line in str(data) for line in ("soft opacity", "BIRADS"))


def test_mlflow_holds_each_trial_once(
    stored: StoredSuite, tmp_path: Path, expected: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason=MISSING)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    try:
        for _ in range(2):
            track(stored.results, "stored", "mlflow", tmp_path / "runs")
        runs = mlflow.search_runs(experiment_names=["stored"], output_format="list")
    finally:
        mlflow.set_tracking_uri(None)
    assert {r.data.tags["trial"]: r.data.metrics["rouge_l"] for r in runs} == pytest.approx(expected)
    assert len(runs) == len(expected)
    assert {r.data.params["rank"] for r in runs} == {"2", "4"}


def test_wandb_takes_trials_offline(
    stored: StoredSuite, tmp_path: Path, expected: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason=MISSING)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    assert track(stored.results, "stored", "wandb", tmp_path) == len(expected)
    runs = list((tmp_path / "wandb").glob("offline-run-*"))
    assert {path.name.rsplit("-", 1)[1] for path in runs} == set(expected)
