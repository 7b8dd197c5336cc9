"""One process at a time makes a thing, and a dead one is in nobody's way."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from backbones.locks import Lock, holder, making, remove_unfinished, temporary_folder
from backbones.manifest import MANIFEST, unsound, unsound_since, write_manifest

HOLD = """
import sys
from pathlib import Path
from backbones.locks import Lock
lock = Lock(Path(sys.argv[1]))
assert lock.take()
print("held", flush=True)
sys.stdin.read()
"""


def held_elsewhere(path: Path) -> "subprocess.Popen[str]":
    """A process that holds a lock until it is ended."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_of_another_process_is_named_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    other = held_elsewhere(path)
    who = holder(path)
    assert who is not None
    assert (who.host, who.process) == (socket.gethostname(), other.pid)
    assert f"process {other.pid} on {who.host}, since" in str(who)
    assert not Lock(path).take()
    other.kill()
    other.wait()
    assert holder(path) is None
    lock = Lock(path)
    assert lock.take()
    assert not Lock(path).take()
    lock.release()
    assert not path.exists()
    lock.release()


def test_a_lock_whose_file_says_nothing_is_held_all_the_same(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "a.lock")
    assert lock.take()
    (tmp_path / "a.lock").write_bytes(b"\xff")
    assert "an unknown host" in str(holder(tmp_path / "a.lock"))
    lock.release()


def test_what_a_dead_process_left_unfinished_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "made"
    (temporary_folder(target) / "half").write_text("")
    other = temporary_folder(tmp_path / "made-too")
    with making(target):
        assert [path.name for path in tmp_path.glob(".made.*")] == [".made.lock"]
    assert not list(tmp_path.glob(".made.*"))
    assert other.is_dir()
    remove_unfinished(tmp_path / "made-too")
    assert not other.exists()


def test_a_folder_is_as_it_was_made_or_says_what_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    (folder / "in").mkdir(parents=True)
    (folder / "a").write_bytes(b"first")
    (folder / "in" / "b").write_bytes(b"second")
    write_manifest(folder)
    done = subprocess.run(["sha256sum", "--check", "--quiet", MANIFEST], cwd=folder, check=False)
    assert done.returncode == 0
    assert unsound(folder) == unsound_since(folder) == unsound_since(folder) == []
    (folder / "a").write_bytes(b"firsu")
    assert unsound(folder) == unsound_since(folder) == [f"{folder / 'a'}: isn't what was written (SHA-256)"]
    (folder / "a").write_bytes(b"first")
    (folder / "in" / "b").unlink()
    (folder / "c").write_bytes(b"")
    assert unsound(folder) == [f"{folder / 'in/b'}: missing", f"{folder / 'c'}: wasn't there when the folder was made"]
    (folder / MANIFEST).write_text("")
    assert unsound(folder) == [f"{folder / MANIFEST}: missing or damaged"]
