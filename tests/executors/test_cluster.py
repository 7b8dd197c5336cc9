"""A sweep by a Ray cluster's nodes, or jobs as Slurm's: the bytes of a local one. `make cluster-check` loses nodes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from soaked import digests

pytestmark = pytest.mark.long
SUITE = """\
name: cluster
title: Cluster
data: {source: phantom, studies: 24, seed: 3, size: 96}
image: {size: 112}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2, 4, 8], alpha: [8], seed: [0]}
protocol: {steps: 4, batch_size: 4, learning_rate: 5.0e-3, warmup_steps: 1, max_new_tokens: 12}
baselines: []
"""


def sweep(folder: Path, results: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "cluster.yaml").write_text(SUITE)
    command = [sys.executable, "-m", "benchmark", "sweep", "cluster.yaml", "--results", results, *options]
    path = os.pathsep.join(p for p in sys.path if p)
    environment = os.environ | {"AMRG_CACHE_DIR": "cache", "HF_HUB_OFFLINE": "1", "PYTHONPATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster")
    # As many packs as on the machines: of two trials and of one.
    done = sweep(folder, "local", "--jobs", "2", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


def test_rays_nodes_leave_what_a_local_sweep_leaves(local: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    from cluster_check import cluster_of

    cluster, _ = cluster_of(1)  # its one worker has both packs, one after the other
    try:
        done = sweep(local, "ray", "--executor", "ray", "--address", cluster.address, "--jobs", "2", "--json-lines")
        assert done.returncode == 0, done.stderr
        assert digests(local / "ray") == digests(local / "local")
        assert '"kind": "trial"' in done.stdout, "what nodes tell is heard here"
        (tmp_path / "empty").mkdir()
        needing = sweep(local, "none", "--executor", "ray", "--address", "127.0.0.1:1")
        assert needing.returncode == 2
        assert "no Ray cluster answers at 127.0.0.1:1" in " ".join(needing.stderr.split())
    finally:
        cluster.shutdown()


def test_jobs_leave_what_a_local_sweep_leaves(local: Path) -> None:
    pytest.importorskip("submitit", reason="needs the extra `cluster`")
    done = sweep(local, "jobs", "--executor", "slurm", "--slurm", "cluster=local", "--jobs", "2", "--json-lines")
    assert done.returncode == 0, done.stderr
    assert digests(local / "jobs") == digests(local / "local")
    assert '"kind": "trial"' in done.stdout
    assert list((local / "jobs").rglob("jobs/*")) == []
