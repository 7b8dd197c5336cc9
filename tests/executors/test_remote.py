"""Work that is sent to other machines: what they have to find, what they tell, and how errors come back."""

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backbones.locks import Lock
from benchmark.errors import RunFailed, UserError
from benchmark.executors import executor_named
from benchmark.executors.execute import Needs, available_memory
from benchmark.executors.heard import EventFile, EventFolder
from benchmark.executors.home import Home
from benchmark.executors.piece import Ended, Piece
from benchmark.executors.remote import Opened, Remote
from benchmark.progress.events import Event, tell
from benchmark.provenance import commit


class InAnotherProcess(Remote):
    """Runs each piece in a Python of its own, as a machine that was just started would."""

    name = "processes"

    def has_gpus(self) -> bool:
        return False

    def gpu_memory(self, ask: object) -> float:
        return 0.0

    def set_processes(self, wanted: int | None, *, gpus: bool) -> None:
        self.processes = wanted or 1

    def end(self, *, now: bool) -> None:
        self.ended_now = now

    def _handed_out(self, pieces: Sequence[Piece], opened: Opened) -> Iterator[tuple[int, Ended]]:
        code = (
            "import pickle,sys; piece = pickle.load(sys.stdin.buffer); sys.stdout.buffer.write(pickle.dumps(piece()))"
        )
        path = os.pathsep.join(p for p in sys.path if p)
        for index, piece in enumerate(pieces):
            done = subprocess.run(
                [sys.executable, "-c", code], input=pickle.dumps(piece), stdout=subprocess.PIPE, check=True,
                env=os.environ | {"PYTHONPATH": path, "AMRG_CACHE_DIR": "/nowhere"},
            )  # fmt: skip
            yield index, pickle.loads(done.stdout)


def work(number: int) -> tuple[int, str, str]:
    tell(Event("progress", f"work {number}", 1, 1))
    return number * number, os.environ["OMP_NUM_THREADS"], os.environ["AMRG_CACHE_DIR"]


def free_after_work() -> int:
    held = bytearray(300_000_000)  # what an earlier pack left in a worker's memory
    return available_memory() + 0 * len(held)


def wrong(error: Exception) -> None:
    raise error


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_pieces_come_back_with_their_results_and_what_they_told(tmp_path: Path, cache: Path) -> None:
    heard: list[Event] = []
    remote = InAnotherProcess()
    with remote.open(tmp_path / "suite", heard.append) as workers:
        results = dict(workers.run([partial(work, 3), partial(work, 4)], [Needs(), Needs(memory=10**9)]))
        assert results == {0: (9, "1", str(cache)), 1: (16, "1", str(cache))}
    assert [event.name for event in heard] == ["work 3", "work 4"]
    assert not remote.ended_now
    assert [*tmp_path.rglob("*.lock"), *tmp_path.rglob("*.events")] == []


def test_a_worker_plans_with_the_room_it_was_given_whatever_it_holds(tmp_path: Path, cache: Path) -> None:
    # Packs are parted by what is free, and their last digits depend on that: a worker's second must not get less.
    with InAnotherProcess().open(tmp_path / "suite", lambda event: None) as workers:
        results = dict(workers.run([free_after_work], [Needs(memory=10**8, room=10**7)]))
    assert results == {0: 10**7}


@pytest.mark.parametrize("error", [UserError("mend it"), RunFailed("the disk is full")])
def test_an_error_is_raised_here_as_it_was_there_and_ends_the_rest(
    tmp_path: Path, cache: Path, error: Exception
) -> None:
    remote = InAnotherProcess()
    with (
        pytest.raises(type(error), match=str(error)),
        remote.open(tmp_path / "suite", lambda event: None) as workers,
    ):
        list(workers.run([partial(wrong, error)]))
    assert remote.ended_now


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """This process, which holds a lock in a folder."""
    lock = Lock(tmp_path / "a.lock")
    assert lock.take()
    yield Home.of_this_process([("results", lock)], [])
    lock.release()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        (
            {"made_with": {"torch": "1.0", "amrg's commit": commit() or "none"}},
            r"other versions than the sweep .* torch .*1\.0",
        ),
        ({"made_with": {"amrg's commit": "abc"}}, "amrg's commit .*, the sweep has abc"),
        ({"process": 1}, "results: .* isn't the folder of that name that the sweep on .* writes to"),
        ({"folders": (("data", Path("/nowhere/DMID")),)}, "data: /nowhere/DMID: no such folder there"),
    ],
)
def test_a_machine_that_does_not_fit_says_why(
    home: Home, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], said: str | None
) -> None:
    monkeypatch.setattr("benchmark.executors.home.PATIENCE", 0.0)
    why = replace(home, **changes).misfit()
    assert why is None if said is None else why is not None and re.search(said, why)


def test_a_file_system_that_hands_no_locks_on_is_told_from_one_that_does(home: Home, tmp_path: Path) -> None:
    # As where a mount keeps locks to its own machine: the file is there, and anybody could lock it.
    path = tmp_path / "b.lock"
    path.write_bytes((tmp_path / "a.lock").read_bytes())
    why = replace(home, tokens=(("results", path),)).misfit()
    assert why is not None
    assert "doesn't hand locks from machine to machine" in why


def test_a_worker_with_other_code_ends_the_sweep_in_a_sentence(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.executors.home.made_with", lambda: {"amrg's commit": "of another day"})
    with (
        pytest.raises(UserError, match="other versions than the sweep"),
        InAnotherProcess().open(tmp_path / "suite", lambda event: None) as workers,
    ):
        list(workers.run([partial(work, 1)]))


def test_events_are_read_once_and_half_a_line_later(tmp_path: Path) -> None:
    seconds = iter([0.0, 0.1, 0.2, 0.3, 9.0])
    write = EventFile(tmp_path / "one.events", clock=lambda: next(seconds))
    folder = EventFolder(tmp_path)
    told = [Event("progress", "a", done, 10) for done in (1, 2)] + [Event("progress", "a", 10, 10), Event("trial", "a")]
    for event in told:
        write(event)
    # Step 2 came too soon after step 1; ends are always told.
    assert list(folder.events()) == [told[0], *told[2:]]
    with (tmp_path / "one.events").open("a", encoding="utf-8") as file:
        line = json.dumps({"kind": "stage", "name": "b"}) + "\n"
        file.write(line[:9])
        file.flush()
        assert list(folder.events()) == []
        file.write(line[9:] + "no JSON\n")
    assert list(folder.events()) == [Event("stage", "b")]
    assert list(folder.events()) == []


def test_what_killed_sweeps_left_is_removed(tmp_path: Path, cache: Path) -> None:
    left = tmp_path / "suite" / "jobs" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "job.pkl").write_bytes(b"")
    with InAnotherProcess().open(tmp_path / "suite", lambda event: None):
        assert not left.exists()


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("condor", {}, "executor .*condor"),
        ("local", {"address": "a:1"}, "only --executor ray has an address"),
        ("ray", {"settings": ["partition=gpu"]}, "only --executor slurm"),
        ("slurm", {"settings": ["partition"]}, "expected NAME=VALUE"),
    ],
)
def test_executors_are_named_with_what_is_theirs(name: str, given: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        executor_named(name, **{"address": None, "settings": (), **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_executor_without_its_library_says_how_it_is_had(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"isn't installed.*pip install 'amrg\[cluster\]'"):
        executor_named(name, address=None, settings=())


class Stubborn(Exception):
    """An error that can't be made again from what it keeps, as some of libraries."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def fail_stubbornly() -> None:
    raise Stubborn("a", "b")


def fail_unexpectedly() -> None:
    raise ZeroDivisionError("unforeseen")


def test_an_error_that_is_nobodys_says_where_it_came_about(tmp_path: Path, cache: Path) -> None:
    for work_that_fails, error, said in (
        (fail_stubbornly, RunFailed, "Stubborn"),
        (fail_unexpectedly, ZeroDivisionError, "unforeseen"),
    ):
        with (
            pytest.raises(error, match=said) as raised,
            InAnotherProcess().open(tmp_path, lambda event: None) as workers,
        ):
            list(workers.run([work_that_fails]))
        told = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
        assert work_that_fails.__name__ in told
