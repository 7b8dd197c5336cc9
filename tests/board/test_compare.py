"""Comparisons of stored trials, suites and files: against the statistics they are made from."""

import json
from pathlib import Path

import pytest
from known import known
from markdown_it import MarkdownIt
from stored_suite import StoredSuite
from typer.testing import CliRunner

from benchmark.board.compare import Compared, Comparison, comparisons, find
from benchmark.cli.verbs import app
from benchmark.errors import UserError
from benchmark.pages import compare

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def trials(stored: StoredSuite) -> dict[tuple[str, int, int], str]:
    return {(t.backbone, t.rank, t.seed): t.id for t in stored.trials}


def _compare(stored: StoredSuite, a: str, b: str, primary: str | None = None) -> list[Comparison]:
    return comparisons(find(a, stored.results), find(b, stored.results), None, primary)


def test_values_are_those_that_are_stored(stored: StoredSuite, trials: dict[tuple[str, int, int], str]) -> None:
    a, b = trials["medgemma-4b-it", 2, 0], trials["llava-med-7b", 2, 0]
    (comparison,) = _compare(stored, a, b)
    contents = [json.loads((stored.results / i / "scores.json").read_text())["scores"] for i in (a, b)]
    for score in comparison.scores:
        assert score.a == pytest.approx(contents[0][score.name]["value"])
        assert score.b == pytest.approx(contents[1][score.name]["value"])
        assert score.difference.value == pytest.approx(known(score.a) - known(score.b))
    assert comparison.scores[0].name == comparison.primary == "rouge_l"
    assert comparison.scores[0].adjusted == comparison.scores[0].p
    for score in comparison.scores:
        assert score.adjusted is None or score.adjusted >= known(score.p)


def test_swapping_the_sides_turns_every_sign(stored: StoredSuite, trials: dict[tuple[str, int, int], str]) -> None:
    a, b = trials["medgemma-4b-it", 2, 0], trials["llava-med-7b", 4, 1]
    (ours,), (theirs,) = _compare(stored, a, b), _compare(stored, b, a)
    for one, other in zip(ours.scores, theirs.scores, strict=True):
        assert one.difference.value == pytest.approx(-known(other.difference.value))
        assert one.p == pytest.approx(other.p)
        assert {one.better, other.better} in ({None}, {"a", "b"})


def test_a_trial_does_not_differ_from_itself(stored: StoredSuite, trials: dict[tuple[str, int, int], str]) -> None:
    same = trials["medgemma-4b-it", 2, 0]
    (comparison,) = _compare(stored, same, same[:8])
    assert all(s.difference.value == 0 and s.p == 1 and s.better is None for s in comparison.scores)


def test_categories_part_the_reports_and_their_means_make_the_whole(
    stored: StoredSuite, trials: dict[tuple[str, int, int], str]
) -> None:
    (comparison,) = _compare(stored, trials["medgemma-4b-it", 2, 0], trials["llava-med-7b", 2, 0])
    assert sum(c.n for c in comparison.categories) == comparison.reports
    mean = sum(c.n * known(c.a) for c in comparison.categories) / comparison.reports
    assert mean == pytest.approx(comparison.scores[0].a)
    differences = [abs(s.a - s.b) for s in comparison.studies]
    assert differences == sorted(differences, reverse=True)
    assert len(differences) == comparison.reports


def test_suites_are_compared_backbone_by_backbone(stored: StoredSuite) -> None:
    comparison = _compare(stored, "stored", "stored")
    assert [c.a.split(" ")[1] for c in comparison] == ["medgemma-4b-it", "llava-med-7b"]


def test_files_need_references_and_give_the_same_as_trials(
    stored: StoredSuite, trials: dict[tuple[str, int, int], str], tmp_path: Path
) -> None:
    a, b = trials["medgemma-4b-it", 2, 0], trials["llava-med-7b", 2, 0]
    file = tmp_path / "mine.jsonl"
    file.write_text((stored.results / a / "predictions.jsonl").read_text())
    with pytest.raises(UserError, match="give --data or --references"):
        _compare(stored, str(file), str(file))
    (comparison,), (expected,) = _compare(stored, str(file), b), _compare(stored, a, b)
    by_name = {s.name: s for s in comparison.scores}
    for score in expected.scores:
        assert by_name[score.name].a == pytest.approx(score.a)
        assert by_name[score.name].p == pytest.approx(score.p)


def test_mistakes_are_explained(stored: StoredSuite, trials: dict[tuple[str, int, int], str]) -> None:
    with pytest.raises(UserError, match="no file of predictions, no suite and no trial"):
        find("nothing", stored.results)
    with pytest.raises(UserError, match=r"trials in .* begin so"):
        find("", stored.results)
    with pytest.raises(UserError, match="Did you mean 'rouge_l'"):
        _compare(stored, trials["medgemma-4b-it", 2, 0], trials["medgemma-4b-it", 2, 1], "rouge_ll")


def test_reports_are_shown_only_when_asked_and_as_text(
    stored: StoredSuite, trials: dict[tuple[str, int, int], str]
) -> None:
    (comparison,) = _compare(stored, trials["medgemma-4b-it", 2, 0], trials["llava-med-7b", 2, 0])
    without = compare.markdown(comparison, studies=3, texts=False)
    assert not any(line in without for s in comparison.studies for line in s.texts[0].splitlines() if len(line) > 20)
    hostile = "| a | `b` <script>x</script>\n# not a heading\n- not a list"
    study = comparison.studies[0]
    changed = type(study)(**{**vars(study), "texts": (hostile, *study.texts[1:])})
    shown = compare.markdown(type(comparison)(**{**vars(comparison), "studies": (changed,)}), studies=1, texts=True)
    page = MarkdownIt("gfm-like", {"linkify": False}).render(shown.split("**Reference**")[1].split("**A**")[0])
    assert "<script>" not in page
    assert "<table>" not in page
    assert "| a | `b` &lt;script&gt;x&lt;/script&gt;" in page


def test_the_verb_prints_and_writes(
    stored: StoredSuite, trials: dict[tuple[str, int, int], str], tmp_path: Path
) -> None:
    a, b = trials["medgemma-4b-it", 2, 0], trials["llava-med-7b", 2, 0]
    arguments = ["compare", a, b, "--results", str(stored.results)]
    shown = CliRunner().invoke(app, [*arguments, "--markdown", str(tmp_path / "c.md")])
    assert shown.exit_code == 0, shown.output
    assert "Studies that differ most in ROUGE-L" in shown.output
    assert Path(tmp_path / "c.md").read_text().startswith("# A: medgemma-4b-it")
    printed = CliRunner().invoke(app, [*arguments, "--json"])
    printed_comparison = json.loads(printed.stdout)[0]
    assert printed_comparison.keys() == {"schema_version", *Comparison.__dataclass_fields__}
    assert printed_comparison["primary"] == "rouge_l"
    assert printed_comparison["scores"][0].keys() == set(Compared.__dataclass_fields__)
    assert printed_comparison["studies"][0].keys() == {"id", "a", "b", "birads"}
    shown = json.loads(CliRunner().invoke(app, [*arguments, "--json", "--texts"]).stdout)[0]
    assert len(shown["studies"][0]["texts"]) == 3
