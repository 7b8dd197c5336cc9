"""A real file system that is full, or turns read-only, in the middle of a sweep; skipped where none can be mounted."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from soaked import digests, unfinished

pytestmark = pytest.mark.slow
SUITE = """\
name: tiny
title: A tiny suite
data: {source: phantom, studies: 24, seed: 3, size: 96}
image: {size: 112}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2], alpha: [8], seed: [0]}
protocol: {steps: 6, batch_size: 4, learning_rate: 5.0e-3, warmup_steps: 1, max_new_tokens: 12}
baselines: [most_frequent_report]
"""
PLACES = ("results", "cache", "leaderboards")
BYTES = 48_000_000


class Disk:
    """A small file system of its own, in memory."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._full = place / "of-somebody-else"

    def fill(self) -> None:
        """Leave no byte of room."""
        with self._full.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                return

    def protect(self) -> None:
        """Let nobody write to it; where files are being written, the system refuses, and it is tried again."""
        while subprocess.run(["mount", "-o", "remount,ro", self.place], capture_output=True).returncode:
            pass

    def heal(self) -> None:
        """Make it as it was."""
        subprocess.run(["mount", "-o", "remount,rw", self.place], capture_output=True)
        self._full.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"needs to mount a file system: {error}")
    if done.returncode:
        pytest.skip(f"needs to mount a file system: {done.stderr.strip()}")
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def command(folder: Path, places: dict[str, Path]) -> tuple[list[str], dict[str, str]]:
    (folder / "tiny.yaml").write_text(SUITE)
    options = ["--results", str(places["results"]), "--leaderboards", str(places["leaderboards"])]
    environment = {"AMRG_CACHE_DIR": str(places["cache"]), "HF_HUB_OFFLINE": "1"}
    return [sys.executable, "-m", "benchmark", "sweep", "tiny.yaml", *options, "--json-lines"], os.environ | environment


def sweep(folder: Path, places: dict[str, Path]) -> subprocess.CompletedProcess[str]:
    arguments, environment = command(folder, places)
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = sweep(folder, {place: folder / place for place in PLACES})
    assert done.returncode == 0, done.stderr
    return digests(folder / "results")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("harm", "why"), [("fill", "MB are free"), ("protect", "the file system can only be read")])
def test_nothing_is_begun_where_there_is_no_room(tmp_path: Path, disk: Disk, place: str, harm: str, why: str) -> None:
    getattr(disk, harm)()
    done = sweep(tmp_path, {one: (disk.place if one == place else tmp_path) / one for one in PLACES})
    said = " ".join(done.stderr.split())
    assert done.returncode == 1, said
    what = "the cache" if place == "cache" else place
    # What couldn't even be made is named by the folder that it was to be made in.
    full = "the disk is full"
    assert f"{what} can't be written: {disk.place}" in said
    assert why in said or (harm == "fill" and full in said)
    assert "Nothing was begun." in said
    assert "Traceback" not in said
    assert not (tmp_path / "results" / "suites").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    ("place", "harm"), [(place, "fill") for place in PLACES] + [("results", "protect"), ("leaderboards", "protect")]
)
def test_a_disk_that_fails_in_mid_sweep_loses_nothing(
    tmp_path: Path, disk: Disk, undisturbed: dict[str, str], place: str, harm: str
) -> None:
    places = {one: (disk.place if one == place else tmp_path) / one for one in PLACES}
    arguments, environment = command(tmp_path, places)
    running = subprocess.Popen(
        arguments, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    for line in running.stdout:
        event = json.loads(line)
        # The cache is written first of all, results and leaderboards by training and after it.
        if place == "cache" or (event["kind"] == "progress" and " r=" in event["name"]):
            getattr(disk, harm)()
            break
    _, err = running.communicate(timeout=1800)
    said = " ".join(err.split())
    assert running.returncode == 1, said
    assert str(disk.place) in said
    assert ("the disk is full" if harm == "fill" else "the file system can only be read") in said
    assert "What was finished is kept; the same command goes on from there." in said
    assert "Traceback" not in said
    disk.heal()
    done = sweep(tmp_path, places)
    assert done.returncode == 0, done.stderr
    assert digests(places["results"]) == undisturbed
    assert (places["leaderboards"] / "tiny" / "README.md").is_file()
    assert [path for folder in places.values() for path in unfinished(folder)] == []
