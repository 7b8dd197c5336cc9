"""What names the code that runs: its commit in a checkout, its version where it is installed, nothing where neither."""

import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmark import provenance

Git = Callable[..., str]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that asks, in a place of its own."""
    path = tmp_path / "checkout" / "benchmark" / "provenance.py"
    path.parent.mkdir(parents=True)
    path.write_text("one = 1\n")
    monkeypatch.setattr(provenance, "__file__", str(path))
    return path


@pytest.fixture
def git(module: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Git in its checkout."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")

    def run(*arguments: str) -> str:
        command = ["git", "-C", str(module.parents[1]), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    run("init", "--quiet")
    return run


def found() -> tuple[str | None, str | None]:
    provenance.commit.cache_clear()
    provenance.code_version.cache_clear()
    try:
        return provenance.commit(), provenance.code_version()
    finally:
        provenance.commit.cache_clear()
        provenance.code_version.cache_clear()


def test_in_a_checkout_it_is_the_commit_and_with_changes_nothing(module: Path, git: Git) -> None:
    board = module.parents[1] / "leaderboards" / "README.md"
    board.parent.mkdir()
    board.write_text("first\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    head = git("rev-parse", "HEAD")
    clean = (head, f"{version('amrg')} at {head}")
    assert found() == clean
    board.write_text("written by a sweep\n")
    assert found() == clean
    module.write_text("one = 2\n")
    assert found() == (f"{head}+changes", None)
    git("commit", "--quiet", "--all", "-m", "two")
    assert found()[0] == git("rev-parse", "HEAD") != head


def test_in_a_checkout_of_something_else_it_is_not_that_ones_commit(module: Path, git: Git) -> None:
    (module.parents[1] / ".gitignore").write_text("benchmark\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "somebody's own")
    assert found() == (None, None)


def test_where_it_is_installed_it_is_the_version(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Installed:
        def locate_file(self, path: str) -> Path:
            return module.parents[1] / path

    assert found() == (None, None)
    monkeypatch.setattr(provenance, "distribution", lambda name: Installed())
    assert found() == (None, version("amrg"))
