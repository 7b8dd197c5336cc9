"""Pieces by forked processes: the same results in the same order, and no process left, however it ends."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from processes import family, left_after

from benchmark.board.collect import collect
from benchmark.board.results import read_results
from benchmark.errors import RunFailed, UserError
from benchmark.executors import forked as forking
from benchmark.executors.execute import can_fork
from benchmark.executors.forked import forked
from benchmark.pages.leaderboard import files_of

SLEEPERS = """
import os, signal, time
from benchmark.executors.ending import Ended, end_at_signals
from benchmark.executors.forked import forked
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background
end_at_signals()
def sleep():
    os.write(1, b"asleep\\n")  # at once, whoever else writes
    time.sleep(600)
try:
    list(forked([sleep, sleep], 2))
except Ended as ended:
    raise SystemExit(ended.exit_code)
"""


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may be forked; threads that other tests have left here wait for nothing that is forked."""
    if not can_fork():
        pytest.skip("this machine's processes can't be forked: another system, or a GPU")
    monkeypatch.setattr(forking, "may_fork", lambda: True)


def whose(number: int) -> tuple[int, int]:
    return number, os.getpid()


@pytest.mark.usefixtures("forks")
def test_results_come_in_order_from_other_processes() -> None:
    known = {number: number * number for number in range(20)}  # not sent, but there
    found = list(forked([lambda n=number: (known[n], *whose(n)) for number in range(20)], 2))  # type: ignore[misc]
    assert [(square, number) for square, number, _ in found] == [(n * n, n) for n in range(20)]
    assert os.getpid() not in {process for _, _, process in found}
    assert forking._pieces == ()


@pytest.mark.parametrize(("pieces", "processes"), [(5, 1), (1, 2), (0, 2)])
def test_one_process_or_one_piece_needs_no_other(pieces: int, processes: int) -> None:
    found = list(forked([partial(whose, number) for number in range(pieces)], processes))
    assert found == [(number, os.getpid()) for number in range(pieces)]


def test_beside_another_thread_nothing_is_forked() -> None:
    over = threading.Event()
    waiting = threading.Thread(target=over.wait)
    waiting.start()
    try:
        assert {process for _, process in forked([partial(whose, n) for n in range(3)], 2)} == {os.getpid()}
    finally:
        over.set()
        waiting.join()


@pytest.mark.usefixtures("forks")
def test_an_error_is_that_of_the_piece_and_ends_the_others() -> None:
    def fail() -> None:
        raise UserError("scores.json: damaged")

    pieces: list[Callable[[], None]] = [fail, partial(time.sleep, 600)]
    with pytest.raises(UserError, match=r"^scores.json: damaged$"):
        list(forked(pieces, 2))
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("forks")
def test_a_process_that_dies_is_a_failed_run() -> None:
    pieces: list[Callable[[], object]] = [partial(os._exit, 9), partial(whose, 1)]
    with pytest.raises(RunFailed, match="a worker process died"):
        list(forked(pieces, 2))
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("forks")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_no_process_is_left_after_a_signal(name: str) -> None:
    number = getattr(signal, name)
    parent = subprocess.Popen(
        [sys.executable, "-c", SLEEPERS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == ["asleep\n", "asleep\n"]
        children = family(parent.pid)
        assert len(children) == 2
        # As a terminal does at Ctrl-C: all of them get it.
        (os.killpg if name == "SIGINT" else os.kill)(parent.pid, number)
        assert left_after(children, 30) == []
        _, said = parent.communicate(timeout=30)
    finally:
        parent.kill()
    assert said == ""
    assert parent.returncode == (-number if name == "SIGKILL" else 128 + number)


@pytest.mark.usefixtures("forks")
def test_a_leaderboard_by_two_processes_has_the_bytes_of_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    from stored_suite import StoredSuite

    suite = StoredSuite(tmp_path_factory.mktemp("forked") / "results")
    suite.write({"medgemma-4b-it": 0.9, "llava-med-7b": 0.3})
    one = collect(read_results(suite.results, "stored"))
    two = collect(read_results(suite.results, "stored", processes=2), processes=2)
    assert two == one
    files = files_of(one)
    from benchmark.pages import leaderboard

    leaderboard._remembered.clear()
    assert files_of(two, processes=2) == files
    assert len(files) > 8
