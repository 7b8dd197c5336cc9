"""What packs take of other machines: by the plan, with room for the packs that this machine would train."""

from pathlib import Path

import pytest

from benchmark.executors.execute import Needs
from benchmark.planning.devices import CPU
from benchmark.planning.elsewhere import folders_elsewhere, needs_of
from benchmark.planning.machine import GB
from benchmark.planning.model import BackbonePlan
from benchmark.planning.plan import plan
from benchmark.suites.load import load_suite


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), ("cuda:0", 1)])
def test_a_pack_needs_what_its_plan_says(tmp_path: Path, device: str, gpus: int) -> None:
    suite = load_suite("smoke")
    [(name, needs)] = needs_of(suite, None, tmp_path, [device]).items()
    assert name == suite.backbones[0].name
    assert needs.gpus == gpus
    [row] = plan(suite, None, gpu=None if gpus else CPU, results=tmp_path).backbones
    assert isinstance(row, BackbonePlan)
    if gpus:
        assert needs == Needs(1, int(row.host_memory_gb * GB))
        return
    # A pack of the plan's is trained as it is, by as many reports at once.
    assert needs.room > (row.memory.pack_gb - row.memory.weights_gb) * GB
    assert needs.memory > needs.room + row.memory.weights_gb * GB


def test_folders_that_a_suite_names_have_to_be_there(tmp_path: Path) -> None:
    suite = load_suite("smoke")
    entry = suite.backbones[0]
    [(what, shipped), data] = sorted(folders_elsewhere(suite, tmp_path), key=lambda named: named[0] == "data")
    assert entry.name in what
    assert (shipped / "config.json").is_file()
    assert data == ("data", tmp_path)
    named = suite.model_copy(update={"backbones": (entry.model_copy(update={"checkpoint": str(tmp_path)}),)})
    assert folders_elsewhere(named, None) == [(entry.name, tmp_path)]
