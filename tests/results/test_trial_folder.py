"""What is left of a trial whose files came to harm: the deepest sound stage."""

import shutil
from pathlib import Path

import pytest
from damage import DAMAGES, damage
from stored_suite import StoredSuite

from benchmark.forms.record import TRIAL_RECORD, Evaluation
from benchmark.results.store import Store, TrialFolder, write_lines
from benchmark.results.trial_folder import SCORED, TRAINED, WRITTEN

STAGES = (TRAINED, WRITTEN, SCORED)
FILES = [(name, stage) for stage, names in enumerate(STAGES) for name in names if name != "draws.jsonl"]


@pytest.fixture
def folder(stored: StoredSuite, tmp_path: Path) -> TrialFolder:
    """A trial that is done, looked at within training, with digests."""
    source = stored.store.of(stored.trials[0])
    copy = TrialFolder(Path(shutil.copytree(source.path, tmp_path / source.path.name)))
    write_lines(copy.evaluations, [Evaluation(step=step, loss=1 / step) for step in (1, 2)])
    copy.finish(copy.read_trial().model_copy(update={"schema_version": TRIAL_RECORD}))
    return copy


def present(folder: TrialFolder) -> set[str]:
    """Files of the trial that are there."""
    return {name for names in STAGES for name in names if (folder.path / name).is_file()}


def test_a_finished_trial_holds_digests_of_its_files(folder: TrialFolder) -> None:
    files = folder.read_trial().files
    assert files is not None
    assert set(files) == present(folder)
    assert folder.is_done()
    assert folder.restore() == {}
    assert folder.is_done()


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize(
    ("name", "stage"), [(n, i) for i, names in enumerate(STAGES) for n in names if "draws" not in n]
)
def test_what_does_not_fit_and_all_that_was_made_of_it_is_gone(
    folder: TrialFolder, name: str, stage: int, kind: str
) -> None:
    before = present(folder)
    damage(folder.path / name, kind, seed=1)
    assert not folder.is_done()
    assert name in folder.damage()
    assert name in folder.restore()
    assert present(folder) == before - {one for names in STAGES[stage:] for one in names}
    assert not folder.is_done()
    assert folder.damage() == {}
    assert not folder.trial.exists()


@pytest.mark.parametrize("kind", sorted(DAMAGES))
def test_a_damaged_record_costs_no_file(folder: TrialFolder, kind: str) -> None:
    before = present(folder)
    damage(folder.trial, kind, seed=2)
    if kind == "a bit flipped" and folder.is_done():
        return  # in a place that decides nothing, as the commit's
    folder.restore()
    assert present(folder) == before
    assert not folder.is_done()


def test_files_of_an_earlier_version_are_taken_for_sound_where_they_can_be_read(
    stored: StoredSuite, tmp_path: Path
) -> None:
    source = stored.store.of(stored.trials[0])
    copy = TrialFolder(Path(shutil.copytree(source.path, tmp_path / "old")))
    copy.forget(copy.written)
    assert copy.read_trial().files is None
    assert copy.is_done()
    copy.losses.write_text("")
    assert set(copy.damage()) == {"losses.csv"}
    assert not copy.is_done()


def test_scores_that_are_made_again_belong_to_their_trial(folder: TrialFolder) -> None:
    folder.rewrite_scores(folder.read_scores().model_copy(update={"references": "others"}))
    assert folder.is_done()
    assert folder.read_scores().references == "others"


def test_a_trial_in_the_making_is_one_processs(stored: StoredSuite, tmp_path: Path) -> None:
    store = Store(tmp_path)
    lock = store.lock("0123456789abcdef")
    assert lock.take()
    assert not store.lock("0123456789abcdef").take()
    assert store.lock("fedcba9876543210").take()
    lock.release()
    assert store.lock("0123456789abcdef").take()
