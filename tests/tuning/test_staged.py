"""What a pack's training leaves is there for all of its trials or for none, wherever the writing was interrupted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from benchmark.disk.files import TEMPORARY
from benchmark.results.store import Store, TrialFolder
from benchmark.tuning import staged

CHANGES = ("rename", "replace", "unlink", "rmdir", "mkdir")
"""Calls of the system that change what lies in a folder."""
TRIALS = ("a", "b", "c")


class Killed(BaseException):
    """Stands for SIGKILL."""


@contextmanager
def killed_at(number: int) -> Iterator[list[int]]:
    """End what runs within at its so manieth change of a folder; nothing is changed after that, as by the dead."""
    done: list[int] = []

    def counted(real: Any) -> Any:
        def change(*arguments: Any, **options: Any) -> Any:
            if len(done) >= number:
                raise Killed
            done.append(number)
            return real(*arguments, **options)

        return change

    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            patch.setattr(os, name, counted(getattr(os, name)))
        yield done


def write(folder: TrialFolder, content: float) -> None:
    """Write what training leaves, as an engine does, into a folder."""

    def save(place: str) -> None:
        save_file({"weight": np.full(3, content)}, Path(place) / "adapter_model.safetensors")
        (Path(place) / "adapter_config.json").write_text(f'{{"r": {content}}}')

    folder.write_adapter(save)
    folder.write_losses([{"step": 1, "loss": content}])


def train(store: Store) -> None:
    """Store the trials as a pack that trained together."""
    for content, trial in enumerate(TRIALS, 1):
        write(staged.begin(store.of(trial)), content)
    staged.put_all_in_place([store.of(trial) for trial in TRIALS])


def content(folder: TrialFolder) -> dict[str, bytes]:
    """Its files; without temporary ones, which the dead of this test, that live on, still hold locked."""
    return {
        path.relative_to(folder.path).as_posix(): path.read_bytes()
        for path in sorted(folder.path.rglob("*"))
        if path.is_file() and not path.name.startswith(TEMPORARY)
    }


def test_an_interruption_anywhere_leaves_all_trained_or_none(tmp_path: Path) -> None:
    undisturbed = Store(tmp_path / "undisturbed")
    train(undisturbed)
    outcomes = []
    for number in range(500):
        store = Store(tmp_path / str(number))
        with killed_at(number) as changes:
            try:
                train(store)
            except Killed:
                pass
            else:
                break
        assert len(changes) == number
        for trial in TRIALS:
            staged.settle_interrupted(store.of(trial), store.of)
            assert not store.of(trial).staged.path.exists()
            store.of(trial).restore()
        trained = [store.of(trial).is_trained() for trial in TRIALS]
        assert len(set(trained)) == 1, f"{number} changes: {trained}"
        if all(trained):
            assert [content(store.of(t)) for t in TRIALS] == [content(undisturbed.of(t)) for t in TRIALS]
        outcomes.append(all(trained))
    else:
        raise AssertionError("it never ended")
    assert set(outcomes) == {False, True}
    assert outcomes == sorted(outcomes), "what was there once stays"
    assert not any(store.of(trial).damage() for trial in TRIALS)


def leave_staged(store: Store) -> None:
    """Leave of a pack what an interruption leaves before the first trial is put in place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrialFolder, "take_trained", killed)
        with pytest.raises(Killed):
            train(store)


def killed(*_: object) -> None:
    raise Killed


def test_putting_in_place_may_be_interrupted_again_and_again(tmp_path: Path) -> None:
    undisturbed, store = Store(tmp_path / "undisturbed"), Store(tmp_path / "results")
    train(undisturbed)
    leave_staged(store)
    for attempt in range(100):
        try:
            with killed_at(attempt):
                for trial in TRIALS:
                    staged.settle_interrupted(store.of(trial), store.of)
            break
        except Killed:
            continue
    assert attempt > len(TRIALS)
    assert [content(store.of(t)) for t in TRIALS] == [content(undisturbed.of(t)) for t in TRIALS]


@pytest.mark.parametrize("harmed", TRIALS)
def test_what_was_damaged_while_it_waited_is_thrown_away_with_that_of_the_others(harmed: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    leave_staged(store)
    path = store.of(harmed).staged.adapter / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    for trial in TRIALS:
        staged.settle_interrupted(store.of(trial), store.of)
    assert [store.of(trial).is_trained() for trial in TRIALS] == [False] * 3
    assert [content(store.of(trial)) for trial in TRIALS] == [{}] * 3
