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
    return out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "cp437", "shift_jis", "utf-8"])
def test_verbs_print_in_any_encoding(
    encoding: str, stored: StoredSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = tmp_path / "reports.jsonl"
    reports.write_text(json.dumps({"id": "é", "report": REPORT, "prediction": REPORT}) + "\n")
    places = ["--results", str(stored.results), "--leaderboards", str(tmp_path / "leaderboards")]
    for arguments in (["leaderboard", "stored", *places], ["status", "stored", "--results", str(stored.results)]):
        assert printed(arguments, encoding, monkeypatch)
    labels = json.loads(printed(["label", str(reports), "--key", "report"], encoding, monkeypatch))
    assert labels["id"] == "é", "JSON loses no letter"
    assert printed(["--help"], encoding, monkeypatch)
