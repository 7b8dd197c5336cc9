"""How far a suite is, from stored results and from a sweep that tells."""

import json
import shutil
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from stored_suite import StoredSuite
from typer.testing import CliRunner

from backbones.locks import Lock, holder
from benchmark.cli.verbs import app
from benchmark.errors import UserError
from benchmark.forms.record import Failure
from benchmark.progress.events import Event
from benchmark.progress.show import Show
from benchmark.progress.status import LatestProgress, Recorder, UnderWay, progress_file, status, sweep_lock
from benchmark.results.store import Store, read_record, write_json


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def results(stored: StoredSuite, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored.results, tmp_path / "results"))


def _undo(stored: StoredSuite, results: Path, place: int, failure: str | None = None) -> str:
    trial = stored.trials[place]
    folder = Store(results).of(trial)
    folder.trial.unlink()
    if failure:
        write_json(folder.failure, Failure(trial=trial, stage="train", reason=failure, at=datetime.now(UTC)))
    return trial.label


def test_a_finished_suite_is_done(stored: StoredSuite, results: Path) -> None:
    current = status(results, "stored")
    assert (current.count("done"), len(current.trials)) == (8, 8)
    assert not current.alive
    assert current.seconds_left is None


def test_every_state_is_told_while_a_sweep_runs(stored: StoredSuite, results: Path) -> None:
    running, failed, _ = (_undo(stored, results, i, "no memory" if i == 1 else None) for i in (0, 1, 2))
    heard: list[Event] = []
    clock = Clock()
    with Recorder(Store(results), "stored", heard.append, clock) as recorder:
        recorder(Event("stage", "trials", 5, 8, "3 to run"))
        recorder(Event("trial", stored.trials[3].label, 1, 1, "done", stored.trials[3].id))
        recorder(Event("floor", "most_frequent_report", 1, 1, "done"))
        clock.now += 10
        recorder(Event("progress", running, 10, 60, "loss 2.0", stored.trials[0].id))
        clock.now += 10
        recorder(Event("progress", running, 30, 60, "loss 1.5", stored.trials[0].id))
        current = status(results, "stored", clock)
        assert current.alive
        assert current.stage == "trials: 3 to run"
        states = {trial.label: trial.state for trial in current.trials}
        assert states[running] == "running"
        assert states[failed] == "failed"
        assert {trial.label: trial.reason for trial in current.trials if trial.reason} == {failed: "no memory"}
        assert (current.count("done"), current.count("left")) == (5, 1)
        (work,) = current.work
        assert (work.done, work.total, work.detail, work.rate) == (30, 60, "loss 1.5", 2.0)
        # One and a half trials in 20 s; one and a half are left.
        assert current.seconds_left == pytest.approx(20.0)
    assert len(heard) == 5
    assert not status(results, "stored", clock).alive


def test_a_sweep_that_was_killed_does_not_run(stored: StoredSuite, results: Path) -> None:
    label = _undo(stored, results, 0)
    path = progress_file(Store(results), "stored")
    work = {label: UnderWay(since=0, start=0, trial=stored.trials[0].id, done=3, total=9)}
    write_json(path, LatestProgress(began=0, at=0, stage="trials", work=work))
    lock = sweep_lock(Store(results), "stored")
    lock.write_text("of a process that is dead")
    current = status(results, "stored")
    assert not current.alive
    assert current.count("running") == 0
    assert current.count("left") == 1
    living = Lock(lock)
    assert living.take()
    current = status(results, "stored")
    assert current.count("running") == 1
    assert current.sweeps == (str(holder(lock)),)
    living.release()


def test_two_sweeps_that_share_a_suite_are_both_told_of(stored: StoredSuite, results: Path) -> None:
    labels = [_undo(stored, results, i) for i in (0, 1)]
    recorders = [Recorder(Store(results), "stored", lambda event: None, Clock()) for _ in labels]
    with recorders[0] as first:
        with recorders[1] as second:
            first(Event("progress", labels[0], 10, 60, "", stored.trials[0].id))
            second(Event("progress", labels[1], 20, 60, "", stored.trials[1].id))
            current = status(results, "stored", Clock())
            assert len(current.sweeps) == 2
            assert current.count("running") == 2
        assert len(status(results, "stored", Clock()).sweeps) == 1
    assert not list((results / "suites/stored").glob("progress-*"))


def test_damage_is_told_of_a_trial_that_was_done(stored: StoredSuite, results: Path) -> None:
    Store(results).of(stored.trials[0]).scores.write_text("")
    current = status(results, "stored")
    assert (current.count("done"), current.count("left")) == (7, 1)
    assert [trial.label for trial in current.trials if trial.reason] == [stored.trials[0].label]
    result = CliRunner().invoke(app, ["status", "stored", "--results", str(results)])
    assert "scores.json" in result.output


def test_an_untuned_trial_is_done_without_the_lesions_that_its_suite_asks_tuned_ones_for(
    stored: StoredSuite, results: Path
) -> None:
    store = Store(results)
    record = read_record(store, "stored")
    tuned = stored.trials[0]
    untuned = tuned.model_copy(update={"untuned": "prompt", "rank": 0, "alpha": 0})
    shutil.copytree(store.of(tuned).path, store.of(untuned).path)
    asked = record.suite.model_copy(update={"lesions": True, "untuned": ("prompt",)})
    write_json(
        store.suite("stored"),
        record.model_copy(update={"suite": asked, "trials": {untuned.id: untuned, tuned.id: tuned}}),
    )
    assert [trial.state for trial in status(results, "stored").trials] == ["done", "left"]
    result = CliRunner().invoke(app, ["status", "stored", "--results", str(results)])
    assert len([line for line in result.output.splitlines() if line.startswith(tuned.backbone)]) == 1


def test_a_sweep_before_its_grid_is_known(tmp_path: Path) -> None:
    with Recorder(Store(tmp_path), "early", lambda event: None, Clock()) as recorder:
        recorder(Event("stage", "miniatures", detail="medgemma-4b-it"))
        current = status(tmp_path, "early")
        assert current.stage == "miniatures: medgemma-4b-it"
        assert current.trials == ()
    with pytest.raises(UserError, match="no results of suite 'other'"):
        status(tmp_path, "other")


def test_a_sweep_that_could_not_begin_leaves_nothing_behind(tmp_path: Path) -> None:
    with Recorder(Store(tmp_path), "paper", lambda event: None):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_verb_shows_and_prints(stored: StoredSuite, results: Path) -> None:
    failed = _undo(stored, results, 1, "out of [bold]memory[/bold]")
    result = CliRunner().invoke(app, ["status", "stored", "--results", str(results)])
    assert "7 done, 0 running, 1 failed, 0 left" in result.output
    assert f"{failed}: out of [bold]memory[/bold]" in result.output.replace("\n", " ")
    printed = json.loads(CliRunner().invoke(app, ["status", "stored", "--results", str(results), "--json"]).stdout)
    assert printed["failed"] == 1
    assert {t["state"] for t in printed["trials"]} == {"done", "failed"}


def test_the_verb_takes_a_suite_file_as_sweep_does(stored: StoredSuite, results: Path, tmp_path: Path) -> None:
    from stored_suite import SUITE

    file = tmp_path / "any-name.yaml"
    file.write_text(SUITE % 120)
    done = CliRunner().invoke(app, ["status", str(file), "--results", str(results), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["done"] == 8
    missing = CliRunner().invoke(app, ["status", str(tmp_path / "other.yaml"), "--results", str(results)])
    assert isinstance(missing.exception, UserError)
    assert "no such suite file" in str(missing.exception)


def test_plain_lines_tell_trials_loss_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("benchmark.progress.show.time.monotonic", lambda: now[0])
    output = StringIO()
    console = Console(file=output, width=120)
    with Show(console=console) as show:
        show(Event("stage", "trials", 1, 4, "3 to run"))
        show(Event("progress", "x r=2 alpha=8 seed=0", 0, 60, "loss 3.0"))
        now[0] = 20.0
        show(Event("progress", "x r=2 alpha=8 seed=0", 40, 60, "loss 1.0"))
        show(Event("trial", "x r=2 alpha=8 seed=0", 1, 1, "done"))
    text = output.getvalue()
    assert "40 of 60  loss 1.0  2/s, 10 s left" in text
    assert "all trials: 2 of 4" in text
