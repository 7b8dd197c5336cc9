"""Large checkpoints on a processor: refused without being asked for, allowed where memory holds them."""

from pathlib import Path

import pytest

from benchmark import sweep
from benchmark.planning import devices, machine
from benchmark.planning import missing as needs
from benchmark.planning.missing import missing, processes_in_memory
from benchmark.progress.events import Event, listen
from benchmark.suites.load import load_suite

MEDGEMMA = load_suite("paper").model_copy(update={"backbones": load_suite("paper").backbones[:1]})


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (devices, machine):
        monkeypatch.setattr(module, "gpu", lambda: None)


def free(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    monkeypatch.setattr(needs, "available_memory", lambda: int(gigabytes * 1e9))


def memory_needs(*, allow_cpu: bool) -> list[str]:
    return [need for need in missing(MEDGEMMA, None, allow_cpu=allow_cpu) if "memory" in need.split(":")[0]]


def test_a_processor_with_enough_memory_is_named_and_taken_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 64)
    [need] = memory_needs(allow_cpu=False)
    assert "there is no GPU" in need
    assert "`amrg sweep --allow-cpu` says first how long it takes" in need
    assert memory_needs(allow_cpu=True) == []


def test_one_with_too_little_memory_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 8)
    [need] = memory_needs(allow_cpu=False)
    assert "--allow-cpu" not in need
    [need] = memory_needs(allow_cpu=True)
    assert need.startswith("memory: medgemma-4b-it in bfloat16 needs ")
    assert "but 8 GB are free" in need


def test_no_more_processes_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 8)
    assert processes_in_memory(MEDGEMMA, 4) == 1
    free(monkeypatch, 1000)
    assert processes_in_memory(MEDGEMMA, 4) == 4
    free(monkeypatch, 1)
    assert processes_in_memory(load_suite("mini"), 4) == 4, "miniatures take little"


def test_the_hours_are_told_first(tmp_path: Path) -> None:
    heard: list[Event] = []
    listen(heard.append)
    sweep.tell_hours(load_suite("smoke"), None, tmp_path)
    [event] = heard
    assert event.name == "no GPU"
    assert event.detail.startswith("the processor takes about ")
