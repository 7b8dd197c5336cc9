"""`amrg label`."""

import json
from pathlib import Path

from typer.testing import CliRunner

from benchmark.cli.verbs import app
from benchmark.errors import UserError

runner = CliRunner()


def write(path: Path, *lines: object) -> str:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return str(path)


def test_a_line_is_labelled_whatever_its_text_is_called(tmp_path: Path) -> None:
    file = write(
        tmp_path / "reports.jsonl",
        {"id": "a", "report": "BIRADS: 4b (ACR C). No mass."},
        "",
        {"id": "b", "prediction": "Skin thickening."},
        {"id": 3, "text": ""},
    )
    result = runner.invoke(app, ["label", file])
    assert result.exit_code == 0
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert (first["id"], first["birads"], first["density"]) == ("a", "4B", "C")
    assert first["findings"] == {"mass": "absent"}
    assert (second["id"], second["birads"], second["findings"]) == ("b", None, {"skin": "present"})
    assert (third["id"], third["birads"], third["findings"]) == (3, None, {})


def test_output_holds_what_would_be_printed(tmp_path: Path) -> None:
    file = write(tmp_path / "reports.jsonl", {"id": "a", "report": "BIRADS: 2"})
    printed = runner.invoke(app, ["label", file])
    written = runner.invoke(app, ["label", file, "--output", str(tmp_path / "labels.jsonl")])
    assert written.exit_code == 0
    assert written.stdout == ""
    assert (tmp_path / "labels.jsonl").read_text() == printed.stdout


def test_every_bad_line_is_named_and_no_text_is_repeated(tmp_path: Path) -> None:
    file = write(
        tmp_path / "reports.jsonl",
        {"id": "a", "report": "secret"},
        "{not json",
        {"report": "secret"},
        {"id": "c", "other": "secret"},
        {"id": "d", "report": "secret", "prediction": "secret"},
        {"id": "e", "report": 4},
        [1],
    )
    result = runner.invoke(app, ["label", file])
    message = str(result.exception)
    assert isinstance(result.exception, UserError)
    assert result.exception.exit_code == 2
    assert result.stdout == ""
    for part in (
        "line 2: not JSON",
        "line 3: no 'id'",
        "line 4: no 'report' or 'prediction' or 'text'",
        "line 5: has 'report' and 'prediction'",
        "line 6: 'report' is int",
        "line 7: a JSON list",
    ):
        assert part in message
    assert "secret" not in message


def test_key_says_which_text_is_meant(tmp_path: Path) -> None:
    file = write(tmp_path / "both.jsonl", {"id": "d", "report": "BIRADS: 1", "prediction": "BIRADS: 5"})
    result = runner.invoke(app, ["label", file, "--key", "prediction"])
    assert json.loads(result.stdout)["birads"] == "5"


def test_a_missing_an_empty_and_a_foreign_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes('{"id": "é", "report": ""}'.encode("latin-1"))
    for name, part in (
        ("none.jsonl", "no such file"),
        ("empty.jsonl", "holds no record"),
        ("latin.jsonl", "not UTF-8"),
    ):
        if name == "empty.jsonl":
            (tmp_path / name).write_text("\n")
        result = runner.invoke(app, ["label", str(tmp_path / name)])
        assert isinstance(result.exception, UserError)
        assert result.exception.exit_code == 2
        assert part in str(result.exception)
        assert name in str(result.exception)
