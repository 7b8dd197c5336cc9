"""A suite whose points leave at rungs, end to end: what stays is what it is in the full grid, and exits are no rows."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.results import read_results
from benchmark.executors.execute import executor
from benchmark.forms.record import SuiteRecord
from benchmark.forms.suite import Suite
from benchmark.pack.session import Session
from benchmark.pack.stages import encode_images, load_backbone, train_adapters
from benchmark.pages.leaderboard import write_leaderboard
from benchmark.pages.nothing_to_do import finished_sweep
from benchmark.progress.status import status
from benchmark.results.evaluations import kept_of
from benchmark.results.halving import brackets, exits_of
from benchmark.results.store import Store, read_record
from benchmark.suites.load import parse
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.weights import find_weights

SUITE = """
name: searched
title: Points leave
data: {{source: phantom, studies: 36, seed: 3, size: 64}}
image: {{size: 112}}
split: {{name: blocked}}
backbones: [{{name: medgemma-4b-it, checkpoint: {checkpoint}}}]
grid: {{rank: [2], alpha: [2, 8, 64], seed: [0, 1]}}
protocol: {{steps: 4, batch_size: 2, max_new_tokens: 8, learning_rate: 1.0e-2, warmup_steps: 0, evaluate_every: 1,
           evaluate_reports_every: 4, keep: best}}
baselines: [most_frequent_report]
search: {{halving: {{rungs: [1, 2], keep: 0.5}}}}
"""


class Killed(BaseException):
    """Stands for a process that ends: nothing catches it."""


@dataclass(frozen=True)
class Swept:
    suite: Suite
    folder: Path

    def store(self, name: str) -> Store:
        return Store(self.folder / name)

    def run(self, suite: Suite, name: str) -> sweep.Summary:
        return sweep.run(suite, data=None, results=self.folder / name, listener=lambda _: None, processes=1)

    def train(self, suite: Suite, name: str) -> SuiteRecord:
        """Train as a sweep does, and leave the rest of it out."""
        records = sweep.prepare_records(suite, None, self.folder / name, processes=1)
        with executor(1, lambda _: None) as workers:
            planned = sweep.plan_trials(suite, records, find_weights(suite, workers))
        sweep.store_record(planned)
        for pack in sweep.deal_packs(planned, ["cpu"], processes=1):
            with ExitStack() as until_the_end:
                session = Session.begin(pack, until_the_end)
                for stage in (load_backbone, encode_images, train_adapters):
                    stage(session)
        return read_record(self.store(name), suite.name)


@pytest.fixture(scope="module")
def swept(miniature: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swept]:
    folder = tmp_path_factory.mktemp("halving")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
        suite = parse(SUITE.format(checkpoint=miniature("medgemma-4b-it")), where="searched.yaml")
        swept = Swept(suite, folder)
        full = suite.model_copy(update={"search": None, "name": "full"})
        swept.train(full, "full")
        summary = swept.run(suite, "halved")
        assert (summary.ran, summary.exited, dict(summary.failed)) == (2, 4, {})
        yield swept


def test_the_worst_points_by_their_mean_over_seeds_leave_as_a_whole(swept: Swept) -> None:
    """Worked out from the curves of the full grid, by hand."""
    full = swept.store("full")
    record = read_record(swept.store("halved"), "searched")
    [points] = brackets(list(record.trials.values()))
    assert [len(point) for point in points] == [2] * 3
    exits = exits_of(swept.store("halved"), record)
    curves = [[full.of(trial).read_evaluations() for trial in point] for point in points]
    means = [[sum(curve[number].loss for curve in point) / 2 for point in curves] for number in range(4)]
    # Of three points two stay, of two one.
    *staying, first = sorted(range(3), key=lambda i: means[0][i])
    second = max(staying, key=lambda i: means[1][i])
    expected = {t.id: (1, 1) for t in points[first]} | {t.id: (2, 2) for t in points[second]}
    assert {i: (e.rung, e.step) for i, e in exits.items()} == expected
    for number, left, stayed in ((0, first, sorted(means[0])[1]), (1, second, min(means[1][i] for i in staying))):
        for trial in points[left]:
            assert exits[trial.id].value == pytest.approx(means[number][left], rel=1e-4)
            assert exits[trial.id].limit == pytest.approx(stayed, rel=1e-4)


def test_what_stays_is_what_it_is_in_the_full_grid(swept: Swept) -> None:
    full, halved = swept.store("full"), swept.store("halved")
    record = read_record(halved, "searched")
    exits = exits_of(halved, record)
    for identity in record.trials:
        mine, theirs = halved.of(identity), full.of(identity)
        found, whole = mine.read_evaluations(), theirs.read_evaluations()
        assert len(found) == (4 if identity not in exits else exits[identity].rung)
        # To rounding: packs of fewer trials round otherwise.
        assert [one.loss for one in found] == pytest.approx([one.loss for one in whole[: len(found)]], rel=1e-4)
        assert mine.is_done() == mine.is_trained() == (identity not in exits)
        assert not (mine.path / "checkpoint.safetensors").exists()
        if identity not in exits:
            assert mine.read_trial().kept == kept_of(found, record.trials[identity].protocol)
            assert [e.scores is not None for e in found] == [False, False, False, True]
            adapters = [load_file(f.adapter / "adapter_model.safetensors") for f in (mine, theirs)]
            for name, weight in adapters[0].items():
                torch.testing.assert_close(weight, adapters[1][name], rtol=1e-3, atol=1e-5)


def test_a_board_lists_exits_apart_and_ranks_what_was_finished(swept: Swept) -> None:
    results = read_results(swept.folder / "halved", "searched")
    board = collect(results)
    assert len(board.rows) == 1
    assert [len(point.trials) for point in board.exits] == [2, 2]
    assert board.finished == 2
    assert not board.missing
    assert not {i for point in board.exits for i in point.trials} & set(board.rows[0].trials)
    assert {len(curve) for curve in board.rows[0].validations.values()} == {4}
    written = write_leaderboard(swept.folder / "halved", "searched", swept.folder / "boards")
    text = written.readme.read_text(encoding="utf-8")
    assert "## Points that left early" in text
    assert "2 of 6 trials done, 4 left early" in text
    assert status(swept.folder / "halved", "searched").count("exited") == 4
    end = finished_sweep(swept.suite, data=None, results=swept.folder / "halved", leaderboards=swept.folder / "boards")
    assert end is not None
    assert end.summary.exited == 4


def test_nothing_is_run_again_and_curves_of_the_whole_grid_decide_alike(swept: Swept) -> None:
    again = swept.run(swept.suite, "halved")
    assert (again.ran, again.already, again.exited) == (0, 6, 4)
    # A suite that finds the whole grid trained lets the same points leave, and trains nothing.
    late = swept.train(swept.suite, "full")
    ends = [exits_of(swept.store(name), late) for name in ("full", "halved")]
    assert {i: e.rung for i, e in ends[0].items()} == {i: e.rung for i, e in ends[1].items()}


def test_killed_at_a_rung_it_ends_as_if_it_had_not_been(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = PackTraining._evaluate_if_due

    def killed(self: PackTraining) -> None:
        if self.step == 2:
            raise Killed
        evaluate(self)

    with monkeypatch.context() as patched:
        patched.setattr(PackTraining, "_evaluate_if_due", killed)
        with pytest.raises(Killed):
            swept.train(swept.suite, "killed")
    record = swept.train(swept.suite, "killed")
    ends = [exits_of(swept.store(name), record) for name in ("killed", "halved")]
    assert {i: e.rung for i, e in ends[0].items()} == {i: e.rung for i, e in ends[1].items()}
    for identity in record.trials:
        found, whole = (swept.store(name).of(identity).read_evaluations() for name in ("killed", "halved"))
        assert found == whole


def test_what_competes_with_a_trial_of_another_sweep_waits_for_it(swept: Swept) -> None:
    """Or it would be trained to the end, since nothing would ever be decided of it."""
    records = sweep.prepare_records(swept.suite, None, swept.folder / "held", processes=1)
    with executor(1, lambda _: None) as workers:
        planned = sweep.plan_trials(swept.suite, records, find_weights(swept.suite, workers))
    store, (pack,) = swept.store("held"), sweep.deal_packs(planned, ["cpu"], processes=1)
    mine, others = [trial.id for trial in pack.trials], store.lock(pack.trials[3].id)
    assert others.take()
    with ExitStack() as until_the_end:
        assert Session.begin(pack, until_the_end).alive == []
        floor = planned.floors[0].id
        assert sweep.wait_for_any(store, [*mine, floor], [mine]) == {floor}
        others.release()
        assert sweep.wait_for_any(store, [*mine, floor], [mine]) == {*mine, floor}
        session = Session.begin(pack, until_the_end)
        assert [trial.id for trial in session.alive] == mine
        assert not store.lock(mine[0]).take()


def test_evaluations_that_are_damaged_decide_nothing(swept: Swept) -> None:
    record = read_record(swept.store("halved"), "searched")
    identity = next(iter(exits_of(swept.store("halved"), record)))
    path = swept.store("halved").of(identity).evaluations
    before = path.read_bytes()
    path.write_bytes(before[:-20])
    assert exits_of(swept.store("halved"), record) == {}
    path.write_bytes(before)
    assert len(exits_of(swept.store("halved"), record)) == 4


def test_the_sequential_engine_lets_the_same_points_leave(swept: Swept) -> None:
    alone = swept.suite.model_copy(update={"engine": "sequential"})
    record = swept.train(alone, "alone")
    ends = [exits_of(swept.store(name), record) for name in ("alone", "halved")]
    assert {i: e.step for i, e in ends[0].items()} == {i: e.step for i, e in ends[1].items()}
