"""Work in this process and in others: same results, events heard, a dead worker named."""

import multiprocessing
import os
import sys
from functools import partial
from multiprocessing.process import BaseProcess

import pytest

from benchmark.errors import RunFailed, UserError
from benchmark.executors import execute
from benchmark.executors.execute import executor
from benchmark.progress.events import Event, tell


def work(number: int) -> int:
    tell(Event("progress", f"work {number}", 1, 1))
    return number * number


def die() -> None:
    os._exit(9)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_piece_is_run_and_heard_of(processes: int) -> None:
    heard: list[Event] = []
    with executor(processes, heard.append) as workers:
        assert dict(workers.run([partial(work, n) for n in range(5)])) == {n: n * n for n in range(5)}
        assert dict(workers.run([partial(work, 7)])) == {0: 49}
    assert {event.name for event in heard} == {f"work {n}" for n in (0, 1, 2, 3, 4, 7)}


def test_a_worker_that_dies_is_a_failed_run() -> None:
    with pytest.raises(RunFailed, match="a worker process died"), executor(2, lambda event: None) as workers:
        list(workers.run([die, partial(work, 1)]))


def free() -> int:
    return execute.available_memory()


def test_processes_share_what_memory_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "available_memory", lambda: 1_000_000_000)  # here; the workers measure
    with executor(2, lambda event: None) as workers:
        shares = dict(workers.run([free, free]))
    # Half of it each, less what the process takes itself.
    assert all(0 < share < 500_000_000 for share in shares.values())


def _has_peft() -> bool:
    return "peft" in sys.modules


def test_workers_import_what_packs_need_before_they_are_given_one() -> None:
    with executor(2, lambda event: None) as running:
        running.warm_up()
        assert [found for _, found in running.run([_has_peft] * 4)] == [True] * 4


def test_workers_that_still_import_end_with_an_error_of_the_sweep() -> None:
    before = set(multiprocessing.active_children())
    started: list[BaseProcess] = []

    def sweep() -> None:
        with executor(2, lambda event: None) as running:
            running.warm_up()
            started.extend(child for child in multiprocessing.active_children() if child not in before)
            raise UserError("bad data")

    with pytest.raises(UserError, match="bad data"):
        sweep()
    assert started
    assert not any(child.is_alive() for child in started)
