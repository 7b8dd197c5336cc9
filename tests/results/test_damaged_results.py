"""Stored results that came to harm: noticed, healed or refused by name, and never a traceback."""

import shutil
from pathlib import Path

import pytest
from damage import DAMAGES, attempt, damage, restore
from stored_suite import StoredSuite

from benchmark.forms.record import FLOOR_RECORD, TRIAL_RECORD, TrialRecord
from benchmark.results.store import Store, read_record, read_references, write_record
from benchmark.results.upkeep import leftovers, verify


@pytest.fixture(scope="module")
def sound(stored: StoredSuite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with digests of all files."""
    results = Path(shutil.copytree(stored.results, tmp_path_factory.mktemp("sound") / "results"))
    store = Store(results)
    record = read_record(store, "stored")
    write_record(store, record, read_references(store, "stored"))
    for identity in (*record.trials, *record.floors):
        folder = store.of(identity)
        one = folder.read_trial_or_floor()
        version = TRIAL_RECORD if isinstance(one, TrialRecord) else FLOOR_RECORD
        folder.finish(one.model_copy(update={"schema_version": version}))
    return results


@pytest.fixture
def results(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "results"))


def files_of(results: Path, stored: StoredSuite) -> list[Path]:
    """A trial's files, a floor's, and the suite's own."""
    folders = [stored.trials[0].id, stored.baselines["random_report"]]
    found = [path for name in folders for path in (results / name).rglob("*") if path.is_file()]
    return [*sorted(found), *sorted(path for path in (results / "suites").rglob("*") if path.is_file())]


def test_nothing_is_wrong_with_sound_results(results: Path) -> None:
    found = verify(results)
    assert (found.problems, found.without_digests) == ({}, ())
    assert found.trials == 8 + 3
    assert leftovers(results) == {}
    assert attempt(["results", "verify", "--results", str(results)])[0] == 0


@pytest.mark.parametrize("kind", sorted(DAMAGES))
def test_damage_is_noticed_by_name_and_never_a_traceback(
    results: Path, sound: Path, stored: StoredSuite, kind: str, tmp_path: Path
) -> None:
    for path in files_of(results, stored):
        damage(path, kind, seed=3)
        place = path.relative_to(results)
        attempt(["status", "stored", "--results", str(results)])
        # What is remembered of a leaderboard, where a test before made one, is made again where it is damaged.
        if path.name not in ("written.json", "README.md", "leaderboard.json"):
            code, said = attempt(["results", "verify", "--results", str(results)])
            # A bit of a record may be one that decides nothing: a digit of a time, a letter of a version.
            record = path.name == "trial.json" and kind == "a bit flipped"
            # Whether a file that was removed with its record was ever there, nobody knows.
            gone = kind == "missing" and path.name in ("trial.json", "stored.json")
            assert code == 1 or record or gone, place
            assert code == 0 or path.name in said, (place, said)
        restore(results, sound)


@pytest.mark.parametrize(
    "name", ["predictions.jsonl", "scores.json", "losses.csv", "adapter/adapter_model.safetensors"]
)
def test_a_leaderboard_of_a_flipped_bit_is_refused(
    results: Path, stored: StoredSuite, name: str, tmp_path: Path
) -> None:
    path = results / stored.trials[0].id / name
    damage(path, "a bit flipped", seed=4)
    for verb in (
        ["leaderboard", "stored", "--leaderboards", str(tmp_path / "leaderboards")],
        ["gallery", "stored"],
        ["compare", "stored", stored.trials[1].id],
    ):
        code, said = attempt([*verb, "--results", str(results)])
        assert (code, str(path) in said) == (2, True), said
    assert not (tmp_path / "leaderboards").exists()


def test_predictions_that_are_damaged_are_not_scored_again(results: Path, stored: StoredSuite, tmp_path: Path) -> None:
    references = results / "suites/stored/references.jsonl"
    lines = [line for line in references.read_text().splitlines() if '"part": "test"' in line]
    (tmp_path / "references.jsonl").write_text("\n".join(lines))
    path = results / stored.trials[0].id / "predictions.jsonl"
    damage(path, "a bit flipped", seed=5)
    arguments = ["score", str(results), "--rescore", "--references", str(tmp_path / "references.jsonl")]
    code, said = attempt(arguments)
    assert (code, path.name in said) == (2, True), said


def test_what_nobody_needs_is_listed_and_removed_when_asked(results: Path, stored: StoredSuite) -> None:
    trial = results / stored.trials[0].id
    for name in (".amrg-00.scores.json", "checkpoint.safetensors"):
        (trial / name).write_text("")
    (trial / ".adapter.00").mkdir()
    (results / ".locks").mkdir(exist_ok=True)
    (results / ".locks/dead.lock").write_text("")
    code, said = attempt(["results", "gc", "--results", str(results)])
    assert (code, "4 of" in said) == (0, True), said
    assert (trial / "checkpoint.safetensors").exists()
    attempt(["results", "gc", "--results", str(results), "--delete"])
    assert leftovers(results) == {}
    assert verify(results).problems == {}
