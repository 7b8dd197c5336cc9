"""Every verb prints wherever standard output goes, whatever letters that has."""

import io
import json
import sys
from pathlib import Path

import pytest
from stored_suite import StoredSuite

from benchmark import cli

REPORT = "Masse spiculée de 1½ cm – α × β"


def printed(arguments: list[str], encoding: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a verb prints, as a terminal of that encoding shows it."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "argv", ["amrg", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code in (0, None)
    out.flush()
    # Of ASCII, click takes it that UTF-8 is meant.
    return out.buffer.getvalue().decode("utf-8" if encoding == "ascii" else encoding)


def test_a_leaderboard_is_printed_where_standard_output_lacks_its_letters(
    stored: StoredSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = ["--results", str(stored.results), "--leaderboards", str(tmp_path / "leaderboards")]
    assert "medgemma-4b-it" in printed(["leaderboard", "stored", *places], "cp1252", monkeypatch)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "cp437", "shift_jis", "utf-8"])
def test_verbs_print_in_any_encoding(
    encoding: str, stored: StoredSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = tmp_path / "reports.jsonl"
    reports.write_text(json.dumps({"id": "é", "report": REPORT, "prediction": REPORT}) + "\n")
    assert printed(["status", "stored", "--results", str(stored.results)], encoding, monkeypatch)
    labels = json.loads(printed(["label", str(reports), "--key", "report"], encoding, monkeypatch))
    assert labels["id"] == "é", "JSON loses no letter"
    assert printed(["--help"], encoding, monkeypatch)
