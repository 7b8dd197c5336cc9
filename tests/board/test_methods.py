"""The methods statement as data: every item is filled or blank, and what is filled is the board's."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.format import decimal, with_interval
from benchmark.board.methods import methods
from benchmark.board.methods_model import Item, Statement, asked
from benchmark.board.model import Board, NotThere
from benchmark.board.results import read_results
from benchmark.forms.suite import DmidData
from metrics.labels.measured import measured

AUTHORS_ONLY = {
    "intended_use", "design", "pretraining_overlap", "cutoff", "prompt_testing", "human_evaluation",
    "failure_analysis", "ethics", "protocol", "involvement", "funding", "interests",
}  # fmt: skip
ON_PATIENTS = {"dates_and_sites", "eligibility", "characteristics", "readers", "data_consent"}


@pytest.fixture(scope="module")
def board(stored: StoredSuite) -> Board:
    return collect(read_results(stored.results, "stored"))


@pytest.fixture
def statement(board: Board) -> Statement:
    return methods(board)


def on_patients(board: Board) -> Board:
    """The same board as if of mammograms and of published checkpoints."""
    suite = board.suite.model_copy(update={"data": DmidData(source="dmid")})
    checkpoints = [c.model_copy(update={"miniature": False, "name": c.backbone}) for c in board.checkpoints]
    data = board.data.model_copy(update={"source": "dmid"})
    return board.model_copy(update={"data": data, "suite": suite, "checkpoints": tuple(checkpoints)})


def text_of(statement: Statement, identity: str) -> str:
    """All that an item says."""
    item = next(item for item in statement.items if item.id == identity)
    return "\n".join(part for part in (item.text, *item.entries, item.verbatim) if part)


def test_an_item_is_either_filled_or_says_what_is_needed() -> None:
    about = {"id": "x", "section": "Data", "topic": "Topic", "asked_by": asked("1")}
    for wrong in ({}, {"text": "known", "needed": "more"}, {"text": ""}, {"needed": "more", "entries": ("one",)}):
        with pytest.raises(ValidationError):
            Item.model_validate(about | wrong)
    with pytest.raises(ValidationError):
        Item.model_validate(about | {"text": "known", "asked_by": ()})


def test_what_only_authors_know_is_blank_and_nothing_else(board: Board, statement: Statement) -> None:
    assert {item.id for item in statement.blank} == AUTHORS_ONLY
    assert {item.id for item in methods(on_patients(board)).blank} == AUTHORS_ONLY | ON_PATIENTS
    for filled in (statement, methods(on_patients(board))):
        assert len({item.id for item in filled.items}) == len(filled.items)


def test_all_of_mi_clear_llm_is_asked(statement: Statement) -> None:
    numbers = {by.number for item in statement.items for by in item.asked_by if by.checklist == "MI-CLEAR-LLM"}
    assert numbers == set("123456")


def test_the_numbers_are_the_board_s(board: Board, statement: Statement) -> None:
    split, protocol = board.split, board.suite.protocol
    parts = text_of(statement, "parts")
    assert [int(n) for n in re.findall(r"(\d+) (?:training|validation|test studies)", parts)] == [
        split.sizes[part] for part in ("train", "validation", "test")
    ]
    assert f"{board.blocks} blocks" in parts
    assert split.fingerprint in parts
    leak = split.leakage
    assert f"{leak.verbatim_in_train} of the test reports stand word for word" in text_of(statement, "independence")
    assert decimal(leak.rouge_l_of_random) in text_of(statement, "independence")
    tuning = text_of(statement, "tuning")
    assert f"{protocol.steps} steps in batches of {protocol.batch_size} reports" in tuning
    assert f"learning rate of {protocol.learning_rate:g}," in tuning
    assert "rank 2, 4, alpha 8 (scale: alpha / rank) and seed 0, 1," in tuning
    assert text_of(statement, "prompt").endswith(f"\n{protocol.prompt}")
    assert f"{protocol.max_new_tokens} tokens" in text_of(statement, "decoding")
    assert f"{board.data.studies} digital phantoms" in text_of(statement, "source")


def test_the_scores_are_the_board_s_and_so_are_their_signatures(board: Board, statement: Statement) -> None:
    for row in board.main_rows:
        line = next(e for e in text_of(statement, "performance").split("\n") if f"Model {row.name}, {row.point}:" in e)
        assert with_interval(row.scores[board.primary]) in line
        assert with_interval(row.above_floor, sign=True) in line
        assert ("not shown to be above" in line) == (row.clears_floor is False)
    assert board.signatures[board.primary] in text_of(statement, "metrics")
    for floor in board.floors:
        assert f"Predictor {floor.name}: {floor.says}" in text_of(statement, "comparators")
    assert board.labeler in text_of(statement, "labeler")


def test_what_failed_and_what_did_not_run_is_said(board: Board) -> None:
    changed = board.model_copy(
        update={
            "failed": (NotThere(label="a r=2", reason="the loss is nan at step 3 of 60"),),
            "missing": (NotThere(label="b r=4", reason="has not run"),),
        }
    )
    text = text_of(methods(changed), "trials")
    assert "Failed: a r=2: the loss is nan at step 3 of 60" in text
    assert "Not there: b r=4: has not run" in text
    assert "None failed" not in text


def test_a_miniature_and_a_folder_are_not_taken_for_what_they_are_named_after(
    board: Board, statement: Statement
) -> None:
    assert text_of(statement, "models").count("not the published model") == len(board.checkpoints)
    assert "f" * 40 not in text_of(statement, "models"), "a miniature has no revision of the hub's"
    folders = [c.model_copy(update={"miniature": False, "folder": True}) for c in board.checkpoints]
    text = text_of(methods(board.model_copy(update={"checkpoints": tuple(folders)})), "models")
    assert text.count("whether its weights are the published ones isn't known") == len(folders)
    published = text_of(methods(on_patients(board)), "models")
    assert f"example/medgemma-4b-it at revision {'f' * 40}, licence: Example" in published


def test_a_board_without_results_has_no_performance(board: Board) -> None:
    comparisons = board.main_comparisons.model_copy(update={"rows": 0, "pairs": 0})
    empty = {"rows": (), "main": (), "grid_comparisons": comparisons, "main_comparisons": comparisons}
    statement = methods(board.model_copy(update=empty))
    assert "performance" in {item.id for item in statement.blank}
    assert text_of(statement, "tests") == "None: there are no two rows to compare."


def test_the_tests_of_a_board_of_before_are_not_described_as_today_s(board: Board) -> None:
    rows = [row.model_copy(update={"falls": {"swapped": {}, "blank": {}}}) for row in board.rows]
    blank = {item.id for item in methods(board.model_copy(update={"rows": tuple(rows)})).blank}
    assert blank == AUTHORS_ONLY | {"tests", "floors"}


def test_shuffled_images_are_said(board: Board, statement: Statement) -> None:
    protocol = board.suite.protocol.model_copy(update={"training_images": "shuffled"})
    suite = board.suite.model_copy(update={"protocol": protocol})
    shuffled = methods(board.model_copy(update={"suite": suite}))
    assert "image of another study" in text_of(shuffled, "tuning")
    assert "image of another study" not in text_of(statement, "tuning")


def test_what_is_known_of_licence_and_agreement_is_said_and_consent_is_left_blank(
    board: Board, statement: Statement
) -> None:
    assert "nobody's images" in text_of(statement, "availability")
    on_mammograms = methods(on_patients(board))
    known = text_of(on_mammograms, "availability")
    for part in ("figshare 24522883, version 2", "CC BY 4.0 by secondary sources", "CC BY-SA", "isn't known"):
        assert part in known
    blank = next(item for item in on_mammograms.blank if item.id == "data_consent")
    assert "not documented" in str(blank.needed)
    own, other = measured().data_sets
    assert f"{own.wholly_right} of {own.reports} reports of DMID" in text_of(statement, "labeler")
    assert f"{other.wholly_right} of {other.reports} in other" in text_of(statement, "labeler")
    unmeasured = methods(board.model_copy(update={"labeler": "amrg-rules/0.1"}))
    assert "this version of the rules with labels given by hand was not measured" in text_of(unmeasured, "labeler")


def test_published_boards_have_a_statement() -> None:
    for path in (Path(__file__).parents[2] / "leaderboards").glob("*/results.json"):
        text = path.read_text(encoding="utf-8")
        if '"kind": "suite"' in text[:40]:
            assert len(methods(Board.model_validate_json(text)).items) > 40


def test_too_few_blocks_and_epochs_are_said(board: Board) -> None:
    short = board.main_comparisons.model_copy(update={"blocks_needed": board.blocks + 1})
    text = text_of(methods(board.model_copy(update={"main_comparisons": short})), "size")
    assert f"takes {board.blocks + 1} blocks; there are {board.blocks}, so none could be found" in text
    protocol = board.suite.protocol.model_copy(update={"steps": None, "epochs": 5, "micro_batch_size": 2})
    suite = board.suite.model_copy(update={"protocol": protocol})
    tuning = text_of(methods(board.model_copy(update={"suite": suite})), "tuning")
    assert f"5 epochs in batches of {protocol.batch_size} reports (2 at a time)" in tuning
