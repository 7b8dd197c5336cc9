"""What one pair, one trial or another version spoils stays its own; scores are of their predictions, compared alike."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.compare import System, compare
from benchmark.board.results import read_results
from benchmark.errors import UserError
from benchmark.forms.record import ScoresRecord
from benchmark.results.store import Store, TrialFolder, write_json, write_lines
from benchmark.scoring.references import ReferenceSet
from benchmark.scoring.score import Score, score_predictions
from benchmark.scoring.stored import digest, stored_statistics
from benchmark.scoring.trial import is_scored
from metrics.metric import mean_of
from metrics.text.text import COCO, METEOR

REFERENCES = {"1": "A spiculated mass. BIRADS: 5", "2": "No mass seen in the left breast. BIRADS: 1", "4": "Cysts."}
PREDICTIONS = {"1": "A mass. BIRADS: 4", "2": "No mass in the right breast. BIRADS: 1", "4": "A cyst."}


def test_a_pair_that_meteor_cannot_align_costs_meteor_that_pair_and_nothing_else() -> None:
    words = [
        "breast",
        "composition",
        "fatty",
        "findings",
        "spiculated",
        "mass",
        "upper",
        "outer",
        "quadrant",
        "skin",
        "nipple",
    ]
    long = " ".join(random.Random(0).choices(words, k=1100))
    references, predictions = REFERENCES | {"3": long}, PREDICTIONS | {"3": " ".join(reversed(long.split()))}
    names = [name for name in COCO if not name.endswith("_frozen")]
    scores = score_predictions(predictions, references, names=names, resamples=0).scores
    alone = score_predictions(PREDICTIONS, REFERENCES, names=list(METEOR), resamples=0).scores
    assert [name for name, score in scores.items() if score.undefined is not None] == []
    for name, score in scores.items():
        if name in METEOR:
            assert (score.n, score.left_out, score.value) == (3, ("3",), alone[name].value)
            assert score.signature == f"{alone[name].signature}|not-aligned:1", "it isn't ranked with the score of all"
        else:
            assert (score.n, score.left_out) == (4, ())
            assert score.value > 0
    record = scores["meteor_coco"].to_record()
    assert Score.from_record(record) == scores["meteor_coco"]
    assert "left_out" not in alone["meteor_coco"].to_record().model_dump()


def test_scores_of_no_alignable_pair_say_why() -> None:
    long = "mass " * 1100
    scores = score_predictions({"1": long}, {"1": long}, names=["meteor_coco", "bleu_1_coco"], resamples=0).scores
    assert "too long" in str(scores["meteor_coco"].undefined)
    assert scores["bleu_1_coco"].value == pytest.approx(1)


@pytest.fixture
def store(stored: StoredSuite, tmp_path: Path) -> Store:
    """Results of a finished suite, to spoil."""
    return Store(Path(shutil.copytree(stored.results, tmp_path / "results")))


def changed(folder: TrialFolder, change: Any) -> None:
    content = json.loads(folder.scores.read_text())
    change(content)
    write_json(folder.scores, content)


def test_scores_of_other_predictions_are_refused_and_scored_again(stored: StoredSuite, store: Store) -> None:
    folder = store.of(stored.trials[0])
    predictions = folder.read_predictions()
    changed(folder, lambda content: content.update(predictions_sha256=digest([predictions])))
    record, references = folder.read_scores(), {i: stored.by_id[i].report for i in predictions}
    stored_statistics(record, [predictions], references)
    other = predictions | {next(iter(predictions)): "Another report. BIRADS: 5"}
    with pytest.raises(UserError, match="other predictions"):
        stored_statistics(record, [other], references)
    pairs = {"falls": {}, "unchanged": 0.5}
    changed(folder, lambda content: content.update(blank={"rouge_l": 0.1}, pairs=pairs))
    assert is_scored(folder, stored.split)
    write_lines(folder.predictions, [{"id": i, "prediction": text} for i, text in other.items()])
    assert not is_scored(folder, stored.split)


def test_a_digest_is_of_ids_and_texts_in_any_order() -> None:
    assert digest([PREDICTIONS]) == digest([dict(reversed(PREDICTIONS.items()))])
    assert digest([PREDICTIONS]) != digest([PREDICTIONS | {"1": "A mass. BIRADS: 4 "}])
    assert digest([PREDICTIONS, PREDICTIONS]) != digest([PREDICTIONS])


def test_a_trial_that_was_scored_otherwise_is_not_ranked(stored: StoredSuite, store: Store) -> None:
    first, second = stored.trials[:2]
    changed(store.of(first), lambda content: content["scores"]["rouge_l"].update(signature="rouge_l|another"))
    changed(store.of(second), lambda content: content["scores"]["birads_exact"].update(signature="other labels"))
    results = read_results(store.folder, "stored")
    assert first.label not in {done.trial.label for done in results.done}
    assert "another score than the others'" in results.failed[first.label]
    [other] = [done for done in results.done if done.trial.label == second.label]
    assert "birads_exact" not in other.scores.scores
    assert "rouge_l" in other.scores.scores
    board = collect(results)
    assert [failed.label for failed in board.failed] == [first.label]
    assert all(" and " not in signature for signature in board.signatures.values())


def test_a_trial_without_the_primary_score_is_a_row_of_what_failed(stored: StoredSuite, store: Store) -> None:
    trial = stored.trials[3]
    changed(store.of(trial), lambda content: content["scores"].pop("rouge_l"))
    assert collect(read_results(store.folder, "stored")).failed[0].label == trial.label


def test_files_of_before_have_no_digest_and_are_taken() -> None:
    record = ScoresRecord(scores={}, labeler="l", reports=())
    assert record.predictions_sha256 is None
    assert "predictions_sha256" not in record.model_dump()


def test_systems_that_were_scored_otherwise_are_not_compared() -> None:
    ids = sorted(PREDICTIONS)
    one, other = (
        System(name, [{"rouge_l": mean_of("rouge_l", signature, [0.1, 0.5, 0.9])}], PREDICTIONS)
        for name, signature in (("a", "rouge_l|1"), ("b", "rouge_l|2"))
    )
    against = ReferenceSet({i: REFERENCES[i] for i in ids})
    assert compare(one, one, against, "rouge_l").reports == 3
    with pytest.raises(UserError, match="other versions or settings"):
        compare(one, other, against, "rouge_l")
