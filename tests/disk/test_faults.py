"""What the machine fails at is a sentence with the path; who may read a file follows one rule."""

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.disk.faults import MachineFault, fault_of, try_folder
from benchmark.disk.files import atomic_file, private_folder, remove_stale, write_json, write_lines

FULL = """
import resource, sys
from pathlib import Path
from benchmark.disk.files import write_text
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from benchmark.disk.faults import fault_of
try:
    write_text(Path(sys.argv[1]), "x" * 5000)
except OSError as error:
    print(fault_of(error))
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_error_of_the_system_names_its_path_and_what_to_do() -> None:
    fault = fault_of(OSError(errno.ENOSPC, "No space left on device", "/data/results/a.json"))
    assert str(fault).startswith("/data/results/a.json: the disk is full. Free some space")
    assert fault is not None
    assert fault.exit_code == 1
    assert fault_of(ValueError("no")) is None
    assert fault_of(FileNotFoundError(errno.ENOENT, "No such file")) is None


def test_a_fault_that_names_no_place_is_given_one(tmp_path: Path) -> None:
    fault = fault_of(RuntimeError("I/O error: No space left on device (os error 28)"))
    assert fault is not None
    assert str(fault.at(tmp_path / "adapter")).startswith(f"{tmp_path / 'adapter'}: the disk is full")
    named = MachineFault(f"{tmp_path}/adapter/x: the disk is full.")
    assert named.at(tmp_path / "adapter") is named


def test_want_of_memory_is_a_trials_where_that_is_asked_for() -> None:
    error = MemoryError()
    assert "memory is used up" in str(fault_of(error))
    assert fault_of(error, memory=False) is None


def test_a_file_too_large_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, env=environment)
    assert f"{path}: the file would be larger than is allowed" in done.stdout, done.stderr
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_a_folder_is_tried_before_work_begins(tmp_path: Path) -> None:
    try_folder(tmp_path / "new" / "results", "results")
    assert list((tmp_path / "new").rglob("*")) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineFault, match=rf"results can't be written: {tmp_path / 'file'}: .*Nothing was begun"):
        try_folder(tmp_path / "file", "results")


def test_reports_are_their_owners_and_the_rest_is_as_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o2775)
    write_json(tmp_path / "deep" / "scores.json", {})
    write_lines(tmp_path / "deep" / "predictions.jsonl", [])
    assert mode(tmp_path / "deep") == 0o2775
    assert mode(tmp_path / "deep" / "scores.json") == 0o664
    assert mode(tmp_path / "deep" / "predictions.jsonl") == 0o600
    assert mode(private_folder(tmp_path / "trial")) & 0o777 == 0o700
    write_json(tmp_path / "trial" / "scores.json", {})
    assert mode(tmp_path / "trial" / "scores.json") == 0o600
    monkeypatch.setenv("AMRG_SHARED", "group")
    assert mode(private_folder(tmp_path / "shared")) & 0o777 == 0o770
    write_lines(tmp_path / "shared" / "predictions.jsonl", [])
    assert mode(tmp_path / "shared" / "predictions.jsonl") == 0o660


def test_where_all_may_write_a_file_is_its_owners_to_change(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    write_json(tmp_path / "a.json", {})
    assert mode(tmp_path / "a.json") == 0o644


def test_a_temporary_file_is_stale_once_its_writer_is_gone(tmp_path: Path) -> None:
    (tmp_path / ".amrg-0123456789abcdef.a.json").write_text("half")
    with atomic_file(tmp_path / "b.json") as temporary:
        remove_stale(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [temporary.name]
        temporary.write_text("whole")
    assert (tmp_path / "b.json").read_text() == "whole"


def test_what_led_to_an_error_counts() -> None:
    error = ImportError("a library says what to reinstall")
    assert fault_of(error) is None
    error.__cause__ = MemoryError()
    assert "memory is used up" in str(fault_of(error))


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
@pytest.mark.parametrize("megabytes", [40, 230, 400, 3000])
def test_little_memory_is_a_sentence(megabytes: int, tmp_path: Path) -> None:
    limit = megabytes * 2**20

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    command = [sys.executable, "-m", "benchmark", "sweep", "smoke", "--results", str(tmp_path / "results")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, preexec_fn=limited, timeout=300
    )
    assert "Traceback" not in done.stderr
    assert "memory is used up" in done.stderr or "failed to map segment" in done.stderr, done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        ("MemoryError()", "memory is used up", 1),
        ("ImportError('x.so: failed to map segment from shared object')", "memory is used up", 1),
        ("OSError(errno.EIO, 'Input/output error', '/lib/x.py')", "/lib/x.py: the disk can't be read", 1),
        ("signal.raise_signal(signal.SIGTERM)", r"Interrupted (SIGTERM) before anything was begun", 143),
        ("SyntaxError('a mistake here')", "Traceback", 1),
    ],
)
@pytest.mark.parametrize("module", ["typer", "benchmark.disk.files", "benchmark.disk.faults"])
def test_what_goes_wrong_while_amrg_is_imported_is_a_sentence(
    error: str, said: str, code: int, module: str, tmp_path: Path
) -> None:
    if module != "typer" and ("EIO" in error or "SIGTERM" in error):
        pytest.skip("what says it has to be there")
    script = f"""
import errno, signal, sys

class Breaks:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raised = {error}
            if raised is not None:
                raise raised

sys.meta_path.insert(0, Breaks())
from benchmark.cli import main
sys.argv = ["amrg", "--version"]
main()
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert said in done.stderr, done.stderr
    assert done.returncode == code
    assert ("Traceback" in done.stderr) == (said == "Traceback")
