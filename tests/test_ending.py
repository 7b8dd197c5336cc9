"""Processes end at signals, and with whoever started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from processes import family, left_after

from benchmark.ending import SIGNALS, Ended, end_at_signals
from benchmark.execute import can_fork

POOL = """
import sys, time
from benchmark.execute import pool
if __name__ == "__main__":
    with pool(2, for_packs={for_packs}) as workers:
        for _ in range(2):
            workers.submit(time.sleep, 600)
        for line in sys.stdin:
            pass
"""
JAVA = """
import sys
from metrics.text.meteor_jar import warm_up, meteor_statistics
warm_up()
meteor_statistics(["no mass"], ["no mass seen"])
print("ready", flush=True)
sys.stdin.read()
"""


REHEARSAL = """
import sys, time
from pathlib import Path
from benchmark.cli import rehearse
from benchmark.ending import end_at_signals
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


def started(code: str, folder: Path, workers: int) -> tuple["subprocess.Popen[bytes]", list[psutil.Process]]:
    """A program, and those below it once there are so many that aren't Python's own helpers."""
    script = folder / "program.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    program = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, env=environment)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        below = [one for one in family(program.pid) if one.is_running()]
        if len([one for one in below if "resource_tracker" not in " ".join(one.cmdline())]) >= workers:
            return program, below
        time.sleep(0.1)
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


def test_java_ends_with_whoever_started_it(tmp_path: Path) -> None:
    program, below = started(JAVA, tmp_path, workers=1)
    program.kill()
    program.wait(timeout=60)
    assert not left_after(below, 60)


def test_a_rehearsal_that_is_interrupted_ends_at_once(tmp_path: Path) -> None:
    program, below = started(REHEARSAL, tmp_path, workers=1)
    time.sleep(1)
    program.send_signal(signal.SIGTERM)
    assert program.wait(timeout=60) != 0
    assert not left_after(below, 10)
