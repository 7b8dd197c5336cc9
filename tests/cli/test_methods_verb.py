"""`amrg methods`: from stored results and from a published leaderboard; mistakes explained."""

import json
from pathlib import Path

import pytest
from stored_suite import StoredSuite
from typer.testing import CliRunner, Result

from benchmark.board.collect import collect
from benchmark.board.results import read_results
from benchmark.cli.verbs import app
from benchmark.errors import UserError

runner = CliRunner()


def run(*arguments: object) -> Result:
    return runner.invoke(app, ["methods", *map(str, arguments)])


@pytest.fixture(scope="module")
def published(stored: StoredSuite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stored") / "results.json"
    path.write_text(collect(read_results(stored.results, "stored")).model_dump_json(), encoding="utf-8")
    return path


def test_stored_results_and_their_published_leaderboard_give_the_same_statement(
    stored: StoredSuite, published: Path
) -> None:
    printed = run("stored", "--results", stored.results)
    assert printed.exit_code == 0, printed.output
    assert printed.stdout.startswith("# Methods of Stored results\n")
    for source in (published, published.parent):
        assert run("stored", "--from", source).stdout == printed.stdout
        assert run("--from", source).stdout == printed.stdout


def test_output_holds_what_would_be_printed(published: Path, tmp_path: Path) -> None:
    written = run("--from", published, "--output", tmp_path / "methods.md")
    assert written.exit_code == 0
    assert written.stdout == ""
    assert (tmp_path / "methods.md").read_text(encoding="utf-8") == run("--from", published).stdout


def test_json_has_the_items(published: Path) -> None:
    content = json.loads(run("--from", published, "--json").stdout)
    assert content["suite"] == "stored"
    ethics = next(item for item in content["items"] if item["id"] == "ethics")
    assert ethics["text"] is None
    assert ethics["needed"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["mini", "--from", "{published}"], "holds the suite 'stored', not 'mini'"),
        (["--from", "nowhere.json"], "can't be read"),
        (["stored", "--results", "nowhere"], "Run `amrg sweep` with the suite's file"),
    ],
)
def test_a_mistake_is_explained(
    arguments: list[str], says: str, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*(argument.format(published=published) for argument in arguments))
    assert isinstance(result.exception, UserError)
    assert says in str(result.exception)


def test_floors_have_no_methods_statement(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"kind": "floors"}')
    result = run("--from", tmp_path)
    assert isinstance(result.exception, UserError)
    assert "holds floors" in str(result.exception)
