"""A pack from end to end: a trial fails alone, what is finished isn't done again, and all seconds are somebody's."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from lines import read_lines
from safetensors.torch import load_file, save_file

from backbones.base import Backbone
from benchmark.data import dmid
from benchmark.data.image import ImageCache, ImageSettings
from benchmark.data.records import Records
from benchmark.data.split import Split
from benchmark.data.split_rules import choose
from benchmark.errors import UserError
from benchmark.forms.record import DataRecord, Stage, TrialRecord
from benchmark.forms.suite import Entry, ImagePart, Protocol, Trial
from benchmark.pack import run, stages
from benchmark.pack.model import Pack
from benchmark.pack.run import run_pack
from benchmark.pack.session import Session
from benchmark.phantoms import write
from benchmark.progress import events
from benchmark.results.store import Store, TrialFolder
from benchmark.scoring import predictions
from benchmark.tuning import saving, spent
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.packed.training import PackTraining, Part
from benchmark.tuning.spent import STAGES, Spent

FILES = ("losses.csv", "predictions.jsonl", "validation.jsonl", "controls.jsonl", "scores.json")
STEPS = 7


class Interrupted(BaseException):
    """Stands for Ctrl-C."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[dmid.Release, Split, Path]:
    folder = tmp_path_factory.mktemp("data")
    write.write(folder / "phantoms", studies=24, seed=3, size=96)
    release = dmid.read(folder / "phantoms")
    cache = ImageCache(folder / "cache" / "images", ImageSettings(size=112))
    assert not cache.warm([s.image for s in release.studies if s.image])
    return release, choose(release.studies, "blocked"), folder / "cache"


@pytest.fixture(scope="module")
def make_pack(release: tuple[dmid.Release, Split, Path], miniature: Callable[[str], Path]) -> Callable[..., Pack]:
    """A results folder → a pack of three trials on phantoms."""
    archive, split, cache = release

    def make(
        results: Path, *, engine: str = "packed", trials: Sequence[tuple[int, int]] = ((2, 8), (4, 8), (4, 16))
    ) -> Pack:
        records = Records(
            studies=archive.studies,
            split=split,
            image=ImageSettings(size=112),
            cache=cache,
            results=results,
            command="make sweep",
            data=DataRecord(source="phantom", fingerprint=archive.fingerprint, summary="phantoms", studies=24),
            folder=archive.folder,
        )
        entry = Entry(name="medgemma-4b-it", checkpoint="miniature")
        protocol = Protocol(steps=STEPS, batch_size=4, learning_rate=5e-3, warmup_steps=1, max_new_tokens=12)
        grid = tuple(
            Trial(
                backbone=entry.name, checkpoint="c", quantization=None, dtype="float32", data=archive.fingerprint,
                image=ImagePart(size=112), split=split.fingerprint, protocol=protocol, rank=rank, alpha=alpha, seed=0,
            )
            for rank, alpha in trials
        )  # fmt: skip
        return Pack(entry, miniature(entry.name), engine, "cpu", grid, records)

    return make


@pytest.fixture(scope="module")
def undisturbed(make_pack: Callable[..., Pack], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of an undisturbed run."""
    results = tmp_path_factory.mktemp("undisturbed")
    assert set(run_pack(make_pack(results)).values()) == {None}
    return results


def folder(pack: Pack, place: int) -> TrialFolder:
    return Store(pack.records.results).of(pack.trials[place])


def is_same(folder: TrialFolder, undisturbed: Path) -> bool:
    """Whether a trial has, byte for byte, what the undisturbed run gave."""
    return all((folder.path / f).read_bytes() == (undisturbed / folder.path.name / f).read_bytes() for f in FILES)


class Calls:
    """Which trials were trained, written and scored, by place in the pack; a failure or an interruption by request."""

    def __init__(self, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = {trial.id: place for place, trial in enumerate(pack.trials)}
        self.trained: list[int] = []
        self.written: list[int] = []
        self.scored: list[int] = []
        train, generate, score = Packed.train, Packed.generate, stages.score

        def counted_train(engine: Packed, backbone: Backbone, trials: Sequence[Trial], *rest: Any) -> Any:
            self.trained += [self.place[t.id] for t in trials]
            return train(engine, backbone, trials, *rest)

        def counted_generate(
            engine: Packed, backbone: Backbone, trials: Sequence[Trial], *rest: Any, **options: Any
        ) -> Any:
            self.written += [self.place[t.id] for t in trials]
            yield from generate(engine, backbone, trials, *rest, **options)

        def counted_score(folder: TrialFolder, *rest: Any, **options: Any) -> Any:
            self.scored.append(self.place[folder.path.name])
            score(folder, *rest, **options)

        monkeypatch.setattr(Packed, "train", counted_train)
        monkeypatch.setattr(Packed, "generate", counted_generate)
        monkeypatch.setattr(stages, "score", counted_score)


def interrupt(pack: Pack, owner: object, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run until what an owner has under that name is called."""

    def interrupting(*_: object, **__: object) -> None:
        raise Interrupted

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, interrupting)
        with pytest.raises(Interrupted):
            run_pack(pack)


# -- a trial fails alone


def fails_in_training(guilty: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = PackTraining.forward

    def failing(self: PackTraining, part: Part) -> Any:
        if guilty.id in [trial.id for trial in self.trials] and self.step == 3:
            raise ZeroDivisionError("injected")
        return forward(self, part)

    monkeypatch.setattr(PackTraining, "forward", failing)


def fails_in_writing(guilty: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Packed._write

    def failing(self: Packed, backbone: Backbone, trials: Sequence[Trial], *rest: Any) -> Any:
        if guilty.id in [trial.id for trial in trials]:
            raise ZeroDivisionError("injected")
        return write(self, backbone, trials, *rest)

    monkeypatch.setattr(Packed, "_write", failing)


def fails_in_scoring(guilty: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    score = stages.score

    def failing(folder: TrialFolder, *rest: Any, **options: Any) -> Any:
        if folder.path.name == guilty.id:
            raise ZeroDivisionError("injected")
        score(folder, *rest, **options)

    monkeypatch.setattr(stages, "score", failing)


@pytest.mark.parametrize(
    ("stage", "inject"), [("train", fails_in_training), ("generate", fails_in_writing), ("score", fails_in_scoring)]
)
def test_only_the_guilty_trial_fails_and_the_next_run_does_what_is_left(
    stage: str,
    inject: Callable[[Trial, pytest.MonkeyPatch], None],
    make_pack: Callable[..., Pack],
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pack = make_pack(tmp_path)
    guilty = pack.trials[1]
    with monkeypatch.context() as broken:
        inject(guilty, broken)
        ended = run_pack(pack)
    assert ended == {t.id: "ZeroDivisionError: injected" if t is guilty else None for t in pack.trials}
    failure = json.loads(folder(pack, 1).failure.read_text())
    assert (failure["stage"], failure["trial"]["rank"]) == (stage, guilty.rank)
    assert "in failing" in failure["traceback"]
    assert not folder(pack, 1).is_done()
    calls = Calls(pack, monkeypatch)
    assert set(run_pack(pack).values()) == {None}
    assert not folder(pack, 1).failure.exists()
    done = {"train": ([1], [1], [1]), "generate": ([], [1], [1]), "score": ([], [], [1])}[stage]
    assert (calls.trained, calls.written, calls.scored) == done
    if stage != "train":  # alone, the last digits of losses and scores may be others
        assert all(is_same(folder(pack, place), undisturbed) for place in range(3))


def damaged(adapter: Path, other: Path) -> None:
    (adapter / "adapter_model.safetensors").write_bytes(b"damaged")


def halved(adapter: Path, other: Path) -> None:
    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file(dict(sorted(tensors.items())[::2]), adapter / "adapter_model.safetensors")


def another_trials(adapter: Path, other: Path) -> None:
    shutil.rmtree(adapter)
    shutil.copytree(other, adapter)


@pytest.mark.parametrize("spoil", [damaged, halved, another_trials])
def test_an_adapter_that_is_not_its_trial_s_is_trained_again(
    spoil: Callable[[Path, Path], None],
    make_pack: Callable[..., Pack],
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pack = make_pack(tmp_path)
    interrupt(pack, Packed, "generate", monkeypatch)
    spoil(folder(pack, 0).adapter, folder(pack, 2).adapter)
    calls = Calls(pack, monkeypatch)
    assert set(run_pack(pack).values()) == {None}
    assert calls.trained == [0]
    for place in (1, 2):
        for name in ("predictions.jsonl", "controls.jsonl"):
            path = folder(pack, place).path
            assert (path / name).read_bytes() == (undisturbed / path.name / name).read_bytes()


def test_a_damaged_adapter_is_trained_again(
    make_pack: Callable[..., Pack], undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = make_pack(tmp_path)
    interrupt(pack, Packed, "generate", monkeypatch)
    (folder(pack, 0).adapter / "adapter_model.safetensors").write_bytes(b"damaged")
    assert set(run_pack(pack).values()) == {None}
    for place in range(3):
        # Alone it trains to other last digits than in its pack, and to the same reports.
        for name in ("predictions.jsonl", "controls.jsonl"):
            path = folder(pack, place).path
            assert (path / name).read_bytes() == (undisturbed / path.name / name).read_bytes()


def test_what_is_wrong_with_the_files_of_one_trial_is_its_own(
    make_pack: Callable[..., Pack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, score = make_pack(tmp_path), stages.score

    def failing(scored: TrialFolder, *rest: Any, **options: Any) -> None:
        if scored.path.name == pack.trials[1].id:
            raise UserError("its predictions are damaged")
        score(scored, *rest, **options)

    monkeypatch.setattr(stages, "score", failing)
    assert [why is None for why in run_pack(pack).values()] == [True, False, True]


@pytest.mark.parametrize("stage", STAGES[:2])
def test_what_no_single_trial_is_guilty_of_fails_each(
    stage: Stage, make_pack: Callable[..., Pack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = make_pack(tmp_path)

    def failing(*_: object) -> None:
        raise ZeroDivisionError("injected")

    monkeypatch.setitem(run.STAGES, stage, failing)
    assert set(run_pack(pack).values()) == {"ZeroDivisionError: injected"}
    assert all(json.loads(folder(pack, place).failure.read_text())["stage"] == stage for place in range(3))


def test_what_the_user_has_to_mend_ends_the_run(
    make_pack: Callable[..., Pack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise UserError("mend it")

    monkeypatch.setattr(Packed, "train", failing)
    with pytest.raises(UserError, match="mend it"):
        run_pack(make_pack(tmp_path))
    assert not list(tmp_path.glob("*/failure.json"))


# -- what is finished isn't done again


def test_predictions_and_scores_of_before_an_interruption_are_used(
    make_pack: Callable[..., Pack], undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = make_pack(tmp_path)
    write_lines, score, trial_record = predictions.write_lines, stages.score, stages.trial_record

    def within_writing(path: Path, lines: Any) -> None:
        if path == folder(pack, 1).controls:  # its other two files are there
            raise Interrupted
        write_lines(path, lines)

    def within_scoring(scored: TrialFolder, *rest: Any, **options: Any) -> None:
        if scored.path.name == pack.trials[1].id:
            raise Interrupted
        score(scored, *rest, **options)

    def before_the_record(session: Session, trial: Trial) -> TrialRecord:
        if trial is pack.trials[1]:
            raise Interrupted
        return trial_record(session, trial)

    sessions = [
        ((predictions, "write_lines", within_writing), ([0, 1, 2], [0, 1, 2], [])),
        ((stages, "score", within_scoring), ([], [1, 2], [0])),
        ((stages, "trial_record", before_the_record), ([], [], [1])),
    ]
    for patch, done in sessions:
        with monkeypatch.context() as interrupted:
            calls = Calls(pack, interrupted)
            if patch[:2] == (stages, "score"):
                score = stages.score  # the counting one
            interrupted.setattr(*patch)
            with pytest.raises(Interrupted):
                run_pack(pack)
            assert (calls.trained, calls.written, calls.scored) == done
    calls = Calls(pack, monkeypatch)
    assert set(run_pack(pack).values()) == {None}
    assert (calls.trained, calls.written, calls.scored) == ([], [], [2])
    assert all(is_same(folder(pack, place), undisturbed) for place in range(3))


@pytest.mark.parametrize(
    ("owner", "name", "calls", "trained_again"),
    [
        (saving, "write", 1, [0, 1, 2]),
        (TrialFolder, "write_losses", 2, [0, 1, 2]),
        (TrialFolder, "take_trained", 0, []),
        (TrialFolder, "take_trained", 1, []),
        (TrialFolder, "take_trained", 2, []),
    ],
)
def test_trials_that_trained_together_are_stored_together(
    owner: object, name: str, calls: int, trained_again: list[int],
    make_pack: Callable[..., Pack], undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pack = make_pack(tmp_path)
    real, done = getattr(owner, name), list[str]()

    def interrupting(*arguments: Any) -> Any:
        if len(done) == calls:
            raise Interrupted
        done.append(name)
        return real(*arguments)

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, interrupting)
        with pytest.raises(Interrupted):
            run_pack(pack)
    counted = Calls(pack, monkeypatch)
    assert set(run_pack(pack).values()) == {None}
    assert counted.trained == trained_again
    for place in range(3):
        assert is_same(folder(pack, place), undisturbed)
        assert not folder(pack, place).staged.path.exists()
        ours, theirs = (
            (Path(results) / folder(pack, place).path.name / "adapter" / "adapter_model.safetensors").read_bytes()
            for results in (tmp_path, undisturbed)
        )
        assert ours == theirs


@pytest.mark.parametrize("damage", ["cut short", "of another prompt", "fewer", "of another version"])
def test_predictions_that_are_not_whole_are_written_again(
    damage: str, make_pack: Callable[..., Pack], undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = make_pack(tmp_path, trials=[(2, 8)])
    interrupt(pack, stages, "score", monkeypatch)
    path = folder(pack, 0).validation
    lines = path.read_text().splitlines(keepends=True)
    changed = {
        "cut short": [*lines[:-1], lines[-1][:20]],
        "of another prompt": [line.replace('"prompt_sha256": "', '"prompt_sha256": "0') for line in lines],
        "fewer": lines[:-1],
        "of another version": [line.replace('"stop"', '"ended"') for line in lines],
    }[damage]
    path.write_text("".join(changed))
    calls = Calls(pack, monkeypatch)
    assert set(run_pack(pack).values()) == {None}
    assert (calls.trained, calls.written, calls.scored) == ([], [0], [0])
    assert path.read_text() == "".join(lines)


def test_what_a_lost_adapter_wrote_is_not_used(
    make_pack: Callable[..., Pack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = make_pack(tmp_path, trials=[(2, 8)])
    run_pack(pack)
    one = folder(pack, 0)
    one.trial.unlink()
    (one.adapter / "adapter_config.json").unlink()
    calls = Calls(pack, monkeypatch)
    run_pack(pack)
    assert (calls.trained, calls.written, calls.scored) == ([0], [0], [0])


# -- seconds


@pytest.mark.parametrize("engine", ["packed", "sequential"])
def test_all_seconds_are_somebody_s(engine: str, make_pack: Callable[..., Pack], tmp_path: Path) -> None:
    pack = make_pack(tmp_path, engine=engine)
    began = perf_counter()
    run_pack(pack)
    wall = perf_counter() - began
    stored = [json.loads(folder(pack, place).trial.read_text())["seconds"] for place in range(3)]
    assert sum(sum(seconds.values()) for seconds in stored) == pytest.approx(wall, rel=0.05)
    assert all(list(seconds) == list(STAGES) for seconds in stored)
    # What is shared is shared evenly; nobody pays for the writing of all.
    for stage in ("load", "vision"):
        assert len({seconds[stage] for seconds in stored}) <= 2  # but for rounding
    assert max(seconds["generate"] for seconds in stored) < 0.6 * sum(seconds["generate"] for seconds in stored)


def test_a_clock_that_work_moves_is_shared_out_to_the_last_second(
    make_pack: Callable[..., Pack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece of work takes a known time by this clock, and all else none; a trial's seconds follow from it."""
    now = 0.0

    def takes(seconds: float, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            nonlocal now
            now += seconds
            return real(*arguments, **options)

        monkeypatch.setattr(owner, name, timed)

    monkeypatch.setattr(spent, "perf_counter", lambda: now)
    takes(30.0, stages, "warm_up")  # within `load`
    takes(12.0, stages, "image_features")
    takes(1.0, PackTraining, "_step")
    takes(9.0, Packed, "_write")
    takes(6.0, stages, "ptb_tokenize")
    takes(5.0, stages, "score")
    pack = make_pack(tmp_path)
    run_pack(pack)
    stored = [json.loads(folder(pack, place).trial.read_text())["seconds"] for place in range(3)]
    for seconds in stored:
        shares = {"load": 10.0, "vision": 4.0, "train": STEPS / 3, "score": 2.0 + 5.0}
        assert {stage: seconds[stage] for stage in shares} == pytest.approx(shares, abs=0.001)
    assert sum(seconds["generate"] for seconds in stored) == pytest.approx(9.0, abs=0.003)
    assert sum(sum(seconds.values()) for seconds in stored) == pytest.approx(now, abs=0.01)


def test_seconds_and_memory_of_earlier_sessions_stay(
    make_pack: Callable[..., Pack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = make_pack(tmp_path)
    began = perf_counter()
    interrupt(pack, Packed, "generate", monkeypatch)
    first = perf_counter() - began
    trained = [Spent.read(folder(pack, place)) for place in range(3)]
    assert all(spent.seconds["train"] > 0 and spent.peak_memory_bytes for spent in trained)
    began = perf_counter()
    run_pack(pack)
    second = perf_counter() - began
    records = [json.loads(folder(pack, place).trial.read_text()) for place in range(3)]
    for record, before in zip(records, trained, strict=True):
        # A trial that is trained already is passed over in its stage, which takes a moment.
        assert record["seconds"]["train"] == pytest.approx(before.seconds["train"], abs=0.05)
        assert record["peak_memory_bytes"] == before.peak_memory_bytes
    total = sum(sum(record["seconds"].values()) for record in records)
    assert total == pytest.approx(first + second, rel=0.05)


def test_progress_is_told_from_the_first_step(
    make_pack: Callable[..., Pack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[events.Event] = []
    monkeypatch.setattr(events, "_listener", heard.append)
    pack = make_pack(tmp_path, trials=[(2, 8)])
    run_pack(pack)
    steps = [event.done for event in heard if event.kind == "progress" and event.name == pack.trials[0].label]
    assert steps == [1, 5, STEPS]


def test_lines_keep_their_form(undisturbed: Path) -> None:
    """What reads predictions elsewhere goes by these keys."""
    [one, *_] = sorted(path.parent for path in undisturbed.glob("*/predictions.jsonl"))
    keys = ["id", "prediction", "prompt_sha256", "tokens", "stop"]
    assert list(read_lines(one / "predictions.jsonl")[0]) == keys
    assert list(read_lines(one / "controls.jsonl")[0]) == ["control", *keys]
