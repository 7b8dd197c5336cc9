"""Processes end at signals, and with whoever started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from processes import family, left_after

from benchmark.executors.ending import SIGNALS, Ended, end_at_signals
from benchmark.executors.execute import can_fork
from metrics.text.tied import tied

POOL = """
import sys, time
from benchmark.executors.execute import pool
if __name__ == "__main__":
    with pool(2, for_packs={for_packs}) as workers:
        for _ in range(2):
            workers.submit(time.sleep, 600)
        for line in sys.stdin:
            pass
"""
JAVA = """
import sys
from metrics.text.meteor_jar import meteor_statistics, warm_up
warm_up()  # by a thread that ends while Java lives on
meteor_statistics(["no mass"], ["no mass seen"])
sys.stdin.read()
"""
TOKENIZER = """
from metrics.text.ptb import ptb_tokenize
ptb_tokenize([f"{number} masses" for number in range(300_000)])
"""


REHEARSAL = """
import sys, time
from pathlib import Path
from benchmark.cli import rehearse
from benchmark.executors.ending import end_at_signals
from benchmark.rehearsal import run
def asleep(*_):
    time.sleep(600)
if __name__ == "__main__":
    end_at_signals()
    run.rehearse = asleep
    rehearse._apart(None, Path("."))
"""


@pytest.fixture
def handlers() -> Iterator[None]:
    """The handlers of signals as they were, again after the test."""
    before = {name: signal.getsignal(getattr(signal, name)) for name in SIGNALS}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_as_shells_have_it(handlers: None, name: str, code: int) -> None:
    signal.signal(getattr(signal, name), signal.SIG_DFL)
    end_at_signals()
    with pytest.raises(Ended, match=name) as ended:
        signal.raise_signal(getattr(signal, name))
    assert ended.value.exit_code == code


def test_a_signal_that_is_ignored_stays_so(handlers: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    end_at_signals()
    os.kill(os.getpid(), signal.SIGHUP)


def is_worker(process: psutil.Process) -> bool:
    """Whether it is none of Python's own helpers."""
    with suppress(psutil.NoSuchProcess):
        return "resource_tracker" not in " ".join(process.cmdline())
    return False


def started(
    code: str, folder: Path, workers: int, kind: Callable[[psutil.Process], bool] = is_worker
) -> tuple["subprocess.Popen[bytes]", list[psutil.Process]]:
    """A program, and those below it once there are so many of a kind."""
    script = folder / "program.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    program = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, env=environment)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        below = [one for one in family(program.pid) if one.is_running()]
        if len([one for one in below if kind(one)]) >= workers:
            return program, below
        time.sleep(0.05)
    raise AssertionError(f"{workers} processes were expected below {script}")


@pytest.mark.parametrize("for_packs", [False, True])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent_however_that_ended(number: int, for_packs: bool, tmp_path: Path) -> None:
    # Those for packs are forked by one more process.
    program, below = started(POOL.format(for_packs=for_packs), tmp_path, workers=2 + (for_packs and can_fork()))
    time.sleep(1)  # they import what they need to be told of their parent
    program.send_signal(number)
    program.wait(timeout=60)
    assert not left_after(below, 30)


def is_java(process: psutil.Process) -> bool:
    """Whether it is one of COCO's tools, past its start; not Python, nor a Java that is asked for its version."""
    with suppress(psutil.NoSuchProcess):
        return process.name() == "java" and any(word in process.cmdline() for word in ("-jar", "-cp"))
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("code", [JAVA, TOKENIZER], ids=["METEOR", "tokeniser"])
def test_java_ends_with_whoever_started_it_whatever_it_is_at(code: str, number: int, tmp_path: Path) -> None:
    program, below = started(code, tmp_path, workers=1, kind=is_java)
    for java in below:
        java.suspend()  # it reads no input and loads no table
    program.send_signal(number)
    program.wait(timeout=60)
    assert not left_after(below, 30)


def test_what_started_too_late_ends_at_once() -> None:
    command = tied([sys.executable, "-c", "print('runs')"])
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"runs\n"
    if len(command) > 3:
        late = [str(os.getppid()) if part == str(os.getpid()) else part for part in command]
        done = subprocess.run(late, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (1, b"")


def test_a_rehearsal_that_is_interrupted_ends_at_once(tmp_path: Path) -> None:
    program, below = started(REHEARSAL, tmp_path, workers=1)
    time.sleep(1)
    program.send_signal(signal.SIGTERM)
    assert program.wait(timeout=60) != 0
    assert not left_after(below, 10)
