"""How trials are cut into packs, and what a pack is estimated to take."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from short_trials import REPORTS, trial

from backbones.base import Backbone
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.packed import capacity
from benchmark.tuning.packed.engine import footprint
from benchmark.tuning.packed.footprint import Footprint
from benchmark.tuning.packed.kept import Kept, Parts
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.snapshots import Snapshot

pytestmark = pytest.mark.numeric

grids = st.lists(
    st.tuples(st.sampled_from([2, 4, 8, 32]), st.sampled_from([8, 16]), st.integers(0, 2)), min_size=1, unique=True
)


@given(grids, st.integers(1, 10))
def test_a_plan_holds_every_trial_once_and_no_pack_is_too_large(grid: list[tuple[int, int, int]], most: int) -> None:
    snapshots = [Snapshot(trial(*point)) for point in grid]
    plan = capacity.plan(snapshots, most)
    assert sorted(s.trial.id for pack in plan for s in pack) == sorted(s.trial.id for s in snapshots)
    for pack in plan:
        assert len(pack) <= most
        assert [s.trial.rank for s in pack] == sorted(s.trial.rank for s in pack)


def test_trials_of_a_seed_come_together() -> None:
    snapshots = [Snapshot(trial(rank, 8, seed)) for rank in (2, 4, 8) for seed in (0, 1)]
    assert [{s.trial.seed for s in pack} for pack in capacity.plan(snapshots, 3)] == [{0}, {1}]
    assert [len(pack) for pack in capacity.plan(snapshots, 6)] == [6]


def test_trials_that_can_not_be_packed_are_not() -> None:
    snapshots = [
        Snapshot(trial(2)),
        Snapshot(trial(2, learning_rate=1e-3, weight_decay=0.0, gradient_clipping=2.0, schedule="linear")),
        Snapshot(trial(2, batch_size=4)),
        Snapshot(trial(2, dropout=0.1)),
        Snapshot(trial(4), losses=[{"loss": 1.0}]),
    ]
    plan = capacity.plan(snapshots, 10)
    assert sorted(len(pack) for pack in plan) == [1, 1, 3]
    assert all(len({capacity.kind(s) for s in pack}) == 1 for pack in plan)


def test_trials_that_take_another_number_of_steps_are_not() -> None:
    trials = [trial(rank, epochs=1, steps=None, batch_size=2) for rank in (2, 4, 8)]
    rows = dict(zip((t.id for t in trials), ((0, 1, 2), (3, 4, 0), (0, 1)), strict=True))
    data = TrainingSet(REPORTS, [torch.zeros(1, 1)] * len(REPORTS), rows)
    plan = capacity.plan([Snapshot(t) for t in trials], 10, data)
    assert sorted(sorted(s.trial.rank for s in pack) for pack in plan) == [[2, 4], [8]]


def test_more_memory_never_means_fewer_trials_and_each_counts_by_its_own_rank() -> None:
    nothing = Parts((0.0,), 0.0)
    kept = Kept(layers=1, bare=Parts((2000.0,), 0.0), per_rank=nothing, input=0, logits=0, merged=5000)
    footprint = Footprint(weights=0, width=250, number=4, kept=kept)
    ranks = [2, 8, 32, 64]
    sizes = [capacity.largest(footprint, ranks, 8, free) for free in range(0, 2_000_000, 10_000)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (1, 4)
    assert all(size == 1 or footprint.pack(ranks[-size:], 8) <= 10_000 * i for i, size in enumerate(sizes))
    alone = sum(footprint.pack([rank], 8) for rank in ranks)
    padded = footprint.adapter(8) - footprint.adapter(2) + footprint.adapter(64) - footprint.adapter(32)
    assert footprint.pack(ranks, 8) == alone + padded


def test_packs_that_are_padded_to_more_than_was_counted_are_halved() -> None:
    nothing = Parts((0.0,), 0.0)
    kept = Kept(layers=1, bare=nothing, per_rank=nothing, input=0, logits=0, merged=0)
    footprint = Footprint(weights=0, width=1, number=1, kept=kept)
    ranks = [40, 40, 40, 40, 66, 100]
    # The greatest five are padded to 40, 40, 40, 100 and 100; the least five all to 66.
    free = footprint.pack(ranks[1:], 1)
    assert footprint.largest(ranks, 1, free) == 5
    assert footprint.pack(ranks[:5], 1) > free
    snapshots = [Snapshot(trial(rank, 8, seed)) for seed, rank in enumerate(ranks)]
    packs = [snapshots[:5], snapshots[5:]]
    parts = capacity.parted(packs, footprint, 1, free)
    assert [[s.trial.rank for s in pack] for pack in parts] == [[40, 40], [40, 40, 66], [100]]
    assert capacity.parted(packs, footprint, 1, 2 * free) == packs


@given(st.lists(st.integers(1, 128), min_size=1, max_size=40), st.integers(0, 10**9))
def test_adapters_of_trials_that_write_together_leave_half_of_memory(ranks: list[int], free: int) -> None:
    trials = capacity.writing_trials(1000, ranks, free)
    assert 1 <= trials <= min(len(ranks), capacity.LARGEST_IN_WRITING)
    assert trials == 1 or 2 * 1000 * sum(sorted(ranks)[-trials:]) <= free / 2
    assert capacity.writing_trials(1000, ranks, 2 * free) >= trials


def peak_of(step: Callable[[], None]) -> int:
    """Bytes at the peak of what a step allocates, by the profiler's record of PyTorch's allocator."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    live = highest = 0
    events = (e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]")
    for event in sorted(events, key=lambda e: e.start_ns()):
        live += event.nbytes()
        highest = max(highest, live)
    return highest


def test_peak_memory_of_a_pack_of_sixteen_is_near_its_estimate(
    load: Callable[..., Backbone], pictures: np.ndarray
) -> None:
    backbone = load("medgemma-4b-it")
    # Reports of one length: the estimate is of the longest.
    data = TrainingSet([REPORTS[1]] * len(REPORTS), backbone.encode_images(list(pictures)))
    trials = [trial(rank, alpha) for rank in (2, 4, 8, 32) for alpha in (2, 4, 8, 16)]
    [pack] = capacity.plan([Snapshot(t) for t in trials], 16)
    expected = footprint(backbone, trials, data, merge=True).pack([t.rank for t in trials], 2)

    def build_and_step() -> None:
        training = PackTraining(backbone, pack, data, merge=True)
        training.total = 1
        training.run(lambda *_: None, lambda _: None)
        training.close()

    build_and_step()
    measured = peak_of(build_and_step)
    assert measured <= 1.2 * expected
    assert measured >= 0.6 * expected
