"""Results by true category and density: sklearn's figures on those reports, and no interval of a handful of blocks."""

import json
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from known import known
from sklearn.metrics import accuracy_score, f1_score
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.done import References
from benchmark.board.folds import Result
from benchmark.board.model import Board, Stratum
from benchmark.board.results import SuiteResults, read_results
from benchmark.board.strata import strata_of
from benchmark.pages.clinical import strata_table
from benchmark.pages.leaderboard import files_of
from benchmark.scoring.score import report_statistics
from metrics.labels.kinds import KINDS
from metrics.labels.labeler import Label, label

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def results(stored: StoredSuite) -> SuiteResults:
    return read_results(stored.results, "stored")


@pytest.fixture(scope="module")
def board(results: SuiteResults) -> Board:
    return collect(results)


def _asserted(read: Label) -> list[bool]:
    return [read.findings.get(kind) in ("present", "uncertain") for kind in KINDS]


def test_the_scores_of_a_stratum_are_sklearn_s_on_its_reports(results: SuiteResults, board: Board) -> None:
    by_id = {one.trial.id: one for one in results.trials}
    truths = {i: label(report) for i, report in results.references.of("test").items()}
    seen = 0
    for row in board.main_rows:
        for stratum in row.strata:
            of = {"birads": lambda read: read.birads_major, "density": lambda read: read.density}[stratum.of]
            ids = [i for i, read in truths.items() if of(read) == stratum.value]
            assert stratum.reports == len(ids)
            assert stratum.blocks == len({results.references.blocks[i] for i in ids})
            for place, trial in enumerate(row.trials):
                said = {i: label(by_id[trial].predictions[i]) for i in ids}
                stated = [i for i in ids if truths[i].birads]
                exact = accuracy_score([truths[i].birads for i in stated], [str(said[i].birads) for i in stated])
                assert stratum.scores["birads_exact"].by_seed[place] == pytest.approx(exact)
                true, guess = (np.array([_asserted(reads[i]) for i in ids]) for reads in (truths, said))
                f1 = stratum.scores["findings_f1_micro"].by_seed[place]
                if (true | guess).any():
                    assert f1 == pytest.approx(f1_score(true, guess, average="micro"))
                    seen += 1
                else:
                    assert f1 is None
    assert seen > 10


def test_every_report_that_states_it_is_in_one_stratum(results: SuiteResults, board: Board) -> None:
    reads = [label(report) for report in results.references.of("test").values()]
    for row in board.main_rows:
        for of, stated in (("birads", [r.birads for r in reads]), ("density", [r.density for r in reads])):
            total = sum(stratum.reports for stratum in row.strata if stratum.of == of)
            assert total == sum(value is not None for value in stated)
    assert not any(row.strata for i, row in enumerate(board.entries) if i not in board.main)


def _strata(reports: Sequence[str], predictions: Sequence[str], blocks: Sequence[str]) -> list[Stratum]:
    ids = [f"Img{i:03d}" for i in range(len(reports))]
    references = References(
        dict(zip(ids, reports, strict=True)), {"test": tuple(ids)}, dict(zip(ids, blocks, strict=True)), {}
    )
    statistics = report_statistics(
        dict(zip(ids, predictions, strict=True)), references.reports, names=["birads_exact", "findings_f1_micro"]
    )
    return list(strata_of([cast(Result, SimpleNamespace(statistics=statistics))], references))


@pytest.mark.parametrize("blocks", [4, 5, 9])
def test_there_is_no_interval_below_five_blocks(blocks: int) -> None:
    reports = ["BIRADS: 4b\nACR B. A mass is seen."] * blocks + ["BIRADS: 2\nA mass is seen."] * 12
    strata = _strata(reports, reports, [f"b{i:02d}" for i in range(len(reports))])
    assert [(one.of, one.value, one.reports) for one in strata] == [
        ("birads", "2", 12), ("birads", "4", blocks), ("density", "B", blocks),
    ]  # fmt: skip
    for one in strata[1:]:
        score = one.scores["birads_exact"]
        assert score.value == 1
        if blocks < 5:
            assert (score.low, score.high) == (None, None)
        else:
            # All right in n blocks: Clopper's and Pearson's bound.
            assert score.low == pytest.approx(0.025 ** (1 / blocks))
            assert score.high == 1


def test_blocks_that_do_not_count_make_no_interval() -> None:
    reports = [f"BIRADS: 1\nACR A. {'A mass is seen.' if i < 3 else 'No mass is seen.'}" for i in range(8)]
    birads = _strata(reports, reports, [f"b{i}" for i in range(8)])[0]
    assert birads.blocks == 8
    assert birads.scores["birads_exact"].low is not None
    assert birads.scores["findings_f1_micro"].value == 1
    assert birads.scores["findings_f1_micro"].low is None


def test_what_no_report_defines_says_so() -> None:
    reports = ["BIRADS: 1\nACR A. No mass is seen."] * 6
    score = _strata(reports, reports, [f"b{i}" for i in range(6)])[0].scores["findings_f1_micro"]
    assert (score.value, score.low, score.undefined) == (None, None, "no findings to count")


def test_boards_of_before_load_and_stay_as_they_are(board: Board) -> None:
    content: dict[str, Any] = json.loads(files_of(board)["results.json"])
    assert content.pop("choices")
    for row in content["rows"]:
        row.pop("strata", None)
    before = Board.model_validate(content)
    assert json.loads(before.model_dump_json()) == content
    page = files_of(before)["README.md"].decode()
    assert "By what the reference states" not in page
    assert "How clear the choice" not in page


def test_the_page_shows_each_stratum_of_each_row(board: Board) -> None:
    lines = strata_table(board.main_rows, {"birads_exact": "exact", "findings_f1_micro": "F1"}).splitlines()[2:]
    assert len(lines) == sum(len(row.strata) for row in board.main_rows)
    for row in board.main_rows:
        for stratum in row.strata:
            name = {"birads": "BI-RADS", "density": "density"}[stratum.of]
            line = next(one for one in lines if f"| {name} {stratum.value} " in one and row.name in one)
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert cells[1:3] == [str(stratum.reports), str(stratum.blocks)]
            exact = known(stratum.scores["birads_exact"].value)
            assert math.isclose(float(cells[5].split()[0]), exact, abs_tol=6e-4)
