"""What a closed machine needs lies in one folder, and can be compared with what was put there."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import constants

from backbones.registry import get
from benchmark.errors import UserError
from benchmark.phantoms.write import write
from benchmark.planning.staging import stage
from benchmark.suites.load import load_suite

SUITE = """\
name: closed
title: A closed node
data: {{source: dmid}}
image: {{size: 112}}
backbones:
  - {{name: qwen2.5-vl-3b}}
  - {{name: medgemma-4b-it, checkpoint: {folder}}}
grid: {{rank: [2], alpha: [4]}}
protocol: {{steps: 2, batch_size: 2, max_new_tokens: 4}}
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's cache with one checkpoint, as the hub's client lays it out: blobs, and links to them."""
    pinned = get("qwen2.5-vl-3b").checkpoint
    folder = tmp_path / "hub" / f"models--{pinned.hub_id.replace('/', '--')}"
    snapshot = folder / "snapshots" / pinned.revision
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    for name, content in (("config.json", b"{}"), ("model.safetensors", b"weights")):
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs" / digest).write_bytes(content)
        (snapshot / name).symlink_to(Path("../../blobs") / digest)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_suite_is_staged_with_its_checkpoints_and_digests(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, own, out = tmp_path / "data", tmp_path / "own", tmp_path / "out"
    write(data, studies=4, seed=1, size=96, jobs=1)
    own.mkdir()
    (own / "config.json").write_text("{}")
    (tmp_path / "closed.yaml").write_text(SUITE.format(folder=own))
    pinned = get("qwen2.5-vl-3b").checkpoint
    staged = stage(str(tmp_path / "closed.yaml"), out, data)
    assert staged.checkpoints == (f"{pinned.hub_id} at {pinned.revision[:12]}", "medgemma-4b-it")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(out / "hf" / "hub"))
    assert [path.read_bytes() for path in sorted(_snapshot(out / "hf" / "hub").iterdir())] == [b"{}", b"weights"]
    assert load_suite(str(out / "suite.yaml")).backbones[1].checkpoint == "checkpoints/medgemma-4b-it"
    for folder, listed in ((out, "SHA256SUMS"), (data, out / "data.sha256")):
        assert subprocess.run(["sha256sum", "--check", "--quiet", str(listed)], cwd=folder).returncode == 0
    assert "torch==" in (out / "requirements.txt").read_text()
    assert str(tmp_path) not in "".join(p.read_text() for p in out.iterdir() if p.is_file())
    # The script runs amrg with what lies here, or stops at the first file that isn't what was staged.
    amrg = tmp_path / "amrg"
    amrg.write_text('#!/bin/sh\necho "$@" "$HF_HUB_OFFLINE" "$HF_HOME"\n')
    amrg.chmod(amrg.stat().st_mode | stat.S_IXUSR)
    run = ["sh", str(out / "run.sh"), str(data)]
    environment = os.environ | {"AMRG": str(amrg)}
    done = subprocess.run(run, env=environment, capture_output=True, text=True)
    assert f"--leaderboards leaderboards --data {data} 1 {out}/hf" in done.stdout, done.stderr
    (next((out / "hf").rglob("blobs/*"))).write_bytes(b"other")
    assert subprocess.run(run, env=environment, capture_output=True, text=True).returncode == 1


def _snapshot(hub: Path) -> Path:
    return next(hub.glob("models--*/snapshots/*"))


def test_what_is_no_staged_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(UserError, match="something here already"):
        stage("smoke", tmp_path, None)
    with pytest.raises(UserError, match="leave --data out"):
        stage("smoke", tmp_path / "new", tmp_path)
