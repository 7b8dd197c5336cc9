"""How a suite's trials are dealt to processes."""

from itertools import chain
from pathlib import Path

import pytest

from benchmark import sweep
from benchmark.data.image import ImageSettings
from benchmark.data.records import Records
from benchmark.data.split import Split
from benchmark.forms.grid import Grid
from benchmark.forms.record import DataRecord
from benchmark.pack.model import Pack
from benchmark.planning.dealing import PACK_ON_CPU
from benchmark.suites.load import load_suite
from benchmark.tuning.weights import Weights

pytestmark = pytest.mark.numeric


def planned_in(folder: Path, seeds: int) -> sweep.Planned:
    suite = load_suite("mini")
    # Untuned trials are dealt like any other, but their examples would have to be chosen among studies.
    suite = suite.model_copy(
        update={
            "blank_adapters": False,
            "untuned": (),
            "grid": Grid(rank=(4, 8, 32), alpha=(8, 16, 32), seed=tuple(range(seeds))),
        }
    )
    weights = {entry.name: Weights(None, "f") for entry in suite.backbones}
    split = Split("file", None, ("Img001",), ("Img002",), ("Img003",), {f"Img00{i}": str(i) for i in (1, 2, 3)})
    data = DataRecord(source="phantom", fingerprint="data", summary="", studies=3)
    records = Records((), split, ImageSettings(size=112, crop=True, flip=False), folder, folder, "", data, folder)
    return sweep.plan_trials(suite, records, weights)


def deal(folder: Path, seeds: int, devices: list[str], processes: int) -> list[Pack]:
    planned = planned_in(folder, seeds)
    packs = sweep.deal_packs(planned, devices, processes)
    assert sorted(t.id for pack in packs for t in pack.trials) == sorted(t.id for t in planned.trials)
    assert all(t.backbone == pack.entry.name for pack in packs for t in pack.trials)
    return packs


@pytest.mark.parametrize(("seeds", "processes", "expected"), [(1, 2, 4), (3, 1, 4), (3, 2, 8), (1, 8, 8), (10, 2, 24)])
def test_on_a_cpu_no_process_ends_up_alone_with_a_long_grid(
    tmp_path: Path, seeds: int, processes: int, expected: int
) -> None:
    packs = deal(tmp_path, seeds, ["cpu"], processes)
    assert len(packs) == expected
    if processes > 1:
        assert max(len(pack.trials) for pack in packs) <= PACK_ON_CPU


def test_gpus_load_a_checkpoint_once_where_they_can(tmp_path: Path) -> None:
    packs = deal(tmp_path, 10, ["cuda:0", "cuda:1"], 2)
    assert [pack.device for pack in packs] == ["cuda:0", "cuda:1"] * 2
    assert {len(pack.trials) for pack in packs} == {90}


def ids_of(packs: list[Pack]) -> list[list[str]]:
    return [[trial.id for trial in pack.trials] for pack in packs]


def test_what_an_interrupted_sweep_left_stays_with_what_it_was_dealt_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = planned_in(tmp_path, seeds=3)
    first = ids_of(sweep.deal_packs(planned, ["cpu"], 2))
    done = {*first[0], first[1][0]}
    left = [[one for one in pack if one not in done] for pack in first[1:]]
    unfinished = lambda suite, trials, store: [one for one in trials if one.id not in done]  # noqa: E731
    monkeypatch.setattr(sweep, "unfinished", unfinished)
    assert ids_of(sweep.deal_packs(planned, ["cpu"], 2)) == left
    # So does what waits for another sweep, and what other sweeps of as many processes deal.
    assert ids_of(sweep.deal_packs(planned, ["cpu"], 2, among={left[1][0]})) == [[left[1][0]]]
    assert ids_of(sweep.deal_packs(planned, ["cpu"], 2)) == left
    assert ids_of(sweep.deal_packs(planned, ["cpu"], 8)) != left, "another number of processes is dealt to anew"
    (tmp_path / "suites" / "mini" / "packs.json").write_text("{")
    assert sorted(chain(*ids_of(sweep.deal_packs(planned, ["cpu"], 8)))) == sorted(chain(*left))


def test_trials_that_are_new_are_dealt_to_all_processes(tmp_path: Path) -> None:
    one_seed = ids_of(sweep.deal_packs(planned_in(tmp_path, seeds=1), ["cpu"], 8))
    more = ids_of(sweep.deal_packs(planned_in(tmp_path, seeds=2), ["cpu"], 8))
    assert [pack for pack in more if pack in one_seed] == one_seed
    assert len(more) == 2 * len(one_seed)
