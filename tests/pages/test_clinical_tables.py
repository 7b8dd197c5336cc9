"""The clinical parts of a leaderboard: suspicious categories, who reads the labels, licence and consent."""

import re

import numpy as np
import pytest
from known import known
from sklearn.metrics import recall_score
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.format import with_interval
from benchmark.board.model import Board
from benchmark.board.results import SuiteResults, read_results
from benchmark.pages import clinical
from benchmark.pages.leaderboard import files_of
from metrics.labels.labeler import label
from metrics.labels.measured import Agreement, measured

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def results(stored: StoredSuite) -> SuiteResults:
    return read_results(stored.results, "stored")


@pytest.fixture(scope="module")
def board(results: SuiteResults) -> Board:
    return collect(results)


def _page(board: Board) -> str:
    return files_of(board)["README.md"].decode()


def test_sensitivity_and_specificity_are_sklearn_s_and_say_how_many_reports_they_are_of(
    results: SuiteResults, board: Board
) -> None:
    by_id = {one.trial.id: one for one in results.trials}
    references = {i: label(text).birads for i, text in results.references.of("test").items()}
    stated = [i for i, category in references.items() if category]
    truth = [known(references[i])[0] in "0456" for i in stated]
    lines = clinical.suspicious_table(board.main_rows).splitlines()[2:]
    assert len(lines) == len(board.main_rows) > 1
    for row, line in zip(board.main_rows, lines, strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        said = [[label(by_id[trial].predictions[i]).birads for i in stated] for trial in row.trials]
        called = [[bool(category) and known(category)[0] in "0456" for category in one] for one in said]
        cleared = [[bool(category) and known(category)[0] in "123" for category in one] for one in said]
        sensitivity = np.mean([recall_score(truth, one) for one in called])
        specificity = np.mean([recall_score([not positive for positive in truth], one) for one in cleared])
        assert float(cells[2].split()[0]) == pytest.approx(sensitivity, abs=6e-4)
        assert float(cells[4].split()[0]) == pytest.approx(specificity, abs=6e-4)
        assert cells[3:6:2] == [str(sum(truth)), str(len(truth) - sum(truth))]
        assert cells[2] == with_interval(row.scores["birads_sensitivity"])
        assert "[" in cells[2]
        assert "[" in cells[4]


def test_rows_without_these_scores_have_no_such_table(board: Board) -> None:
    without = [row.model_copy(update={"scores": {"rouge_l": row.scores["rouge_l"]}}) for row in board.main_rows]
    assert clinical.suspicious_table(without) == ""


def test_the_page_says_who_reads_and_how_well(board: Board) -> None:
    own, other = measured().data_sets
    page = _page(board)
    assert "Read by rules, not by a radiologist" in page
    assert f"{own.wholly_right} of {own.reports} of DMID's own reports" in page
    assert f"{other.wholly_right} of {other.reports} of reports in other radiologists' words" in page
    assert f"[{own.low:.2f}, {own.high:.2f}]" in page.replace("\u00a0", " ")


def test_the_whole_table_stands_in_scores_and_is_linked(board: Board) -> None:
    text = files_of(board)["scores.md"].decode()
    (anchor,) = re.findall(r"\(scores\.md#([^)]+)\)", _page(board))
    headings = [heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)]
    assert anchor in headings
    table = clinical.agreement_table(board.labeler)
    assert table in text
    assert len(table.splitlines()) == 2 + len(measured().data_sets[0].fields)


def test_a_board_of_another_labeler_claims_no_agreement(board: Board) -> None:
    other = board.model_copy(update={"labeler": "amrg-rules/0.1"})
    assert f"Read by rules, not by a radiologist; {clinical.UNMEASURED}." in _page(other)
    assert clinical.agreement_table("amrg-rules/0.1") == ""


@pytest.mark.parametrize(
    ("f1", "cases", "mark"),
    [
        (0.9499, 50, "**no**: F1 0.950 is below 0.95"),
        (0.95, 50, "yes"),
        (1.0, 9, "**no**: hands read it 9 times, fewer than the 10 that say something"),
        (None, 0, "**no**: hands read it 0 times, fewer than the 10 that say something"),
    ],
)
def test_by_a_field_that_rules_read_badly_or_hands_seldom_no_row_is_ranked(
    board: Board, monkeypatch: pytest.MonkeyPatch, f1: float | None, cases: int, mark: str
) -> None:
    own, other = measured().data_sets
    fields = tuple(
        field.model_copy(update={"f1": f1, "by_hand": cases} if field.name == "mass" else {"f1": 1.0, "by_hand": 10})
        for field in own.fields
    )
    changed = Agreement(labeler=board.labeler, data_sets=(own.model_copy(update={"fields": fields}), other))
    monkeypatch.setattr(clinical, "measured_of", lambda _: changed)
    cells = {
        line.split("|")[1].strip(): line.strip("|").split("|")[-1].strip()
        for line in clinical.agreement_table(board.labeler).splitlines()[2:]
    }
    assert cells.pop("mass") == mark
    assert set(cells.values()) == {"yes"}


def test_licence_and_consent_are_one_line_of_what_was_run(board: Board) -> None:
    def line(page: str) -> str:
        (found,) = [one for one in page.splitlines() if one.startswith("- **Licence and consent**")]
        return found

    assert "nobody's images" in line(_page(board))
    real = line(_page(board.model_copy(update={"data": board.data.model_copy(update={"source": "dmid"})})))
    for part in ("CC BY 4.0", "CC BY-SA", "No patient identifier", "not documented", "isn't known"):
        assert part in real
