"""Two sweeps of one folder at once, each `amrg` in a process of its own: they share the work and end alike."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from soaked import digests, unfinished

pytestmark = pytest.mark.long
SUITE = """\
name: shared
title: Shared
data: {source: phantom, studies: 24, seed: 3, size: 96}
image: {size: 112}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
  - {name: llava-med-7b, checkpoint: miniature}
grid: {rank: [2, 4], alpha: [8], seed: [0]}
protocol: {steps: 8, batch_size: 4, learning_rate: 5.0e-3, warmup_steps: 1, max_new_tokens: 12}
baselines: [most_frequent_report]
"""
TRIALS = 4


def start(folder: Path, results: str, *options: str) -> "subprocess.Popen[str]":
    (folder / "shared.yaml").write_text(SUITE)
    places = ["--results", results, "--leaderboards", f"{results}-boards", "--jobs", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmark", "sweep", "shared.yaml", *places, *options],
        cwd=folder, env=os.environ | {"AMRG_CACHE_DIR": "cache", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_sweeps_started_together_share_the_work(tmp_path: Path) -> None:
    alone = start(tmp_path, "alone", "--quiet")
    assert alone.wait(timeout=1800) == 0
    # One tells its events, the other its last lines.
    both = [start(tmp_path, "both", "--json-lines"), start(tmp_path, "both")]
    (events, first_errors), (printed, second_errors) = [one.communicate(timeout=1800) for one in both]
    assert [one.returncode for one in both] == [0, 0], first_errors + second_errors
    ended = [event["trial"] for event in map(json.loads, events.splitlines()) if event["kind"] == "trial"]
    counts = re.search(r"(\d+) trials run, (\d+) were done already(?:, (\d+) by another sweep meanwhile)?", printed)
    assert counts is not None, printed
    ran, already, elsewhere = (int(count or 0) for count in counts.groups())
    assert len(set(ended)) == len(ended)
    assert ran + already + elsewhere == TRIALS
    assert already + elsewhere == len(ended), "what one didn't run the other did, and nothing was done twice"
    assert digests(tmp_path / "both") == digests(tmp_path / "alone")
    record = [(tmp_path / results / "suites" / "shared.json").read_bytes() for results in ("both", "alone")]
    assert record[0] == record[1]
    boards = [(tmp_path / f"{name}-boards" / "shared" / "results.csv").read_text() for name in ("both", "alone")]
    # All but what it cost: seconds are those of the day.
    ours, theirs = ([line for line in board.splitlines() if not line.startswith("cost,")] for board in boards)
    assert ours == theirs
    assert unfinished(tmp_path / "both") + unfinished(tmp_path / "cache") == []
