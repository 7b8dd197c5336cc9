import hashlib
import os
import time
from pathlib import Path

import pytest

from benchmark.disk import content


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    """Return a file that looks as if it had not been touched for a while."""
    path = tmp_path / "a"
    path.write_bytes(b"first")
    return path


def test_it_is_the_sha_256_of_the_bytes(settled: Path) -> None:
    assert content.content_hash(settled) == hashlib.sha256(b"first").hexdigest()


def test_a_file_just_written_is_not_remembered_and_a_settled_one_is(
    settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content.content_hash(settled)
    assert content.remembered_hash(settled) is None
    now = time.time()
    monkeypatch.setattr(content.time, "time", lambda: now + 60)
    content.content_hash(settled)
    assert content.remembered_hash(settled) == hashlib.sha256(b"first").hexdigest()


def test_a_remembered_hash_does_not_outlive_a_change_that_keeps_size_and_time(
    settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(content.time, "time", lambda: now + 60)
    content.content_hash(settled)
    stat = settled.stat()
    settled.write_bytes(b"other")
    os.utime(settled, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert content.content_hash(settled) == hashlib.sha256(b"other").hexdigest()


def test_without_a_cache_folder_it_still_works(settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "file"))
    assert content.content_hash(settled) == hashlib.sha256(b"first").hexdigest()


def test_a_damaged_cache_is_passed_over(settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "c"))
    (tmp_path / "c").mkdir()
    (tmp_path / "c/content-hashes.sqlite").write_bytes(b"not a database" * 100)
    assert content.content_hashes([settled]) == [hashlib.sha256(b"first").hexdigest()]
