"""Files appear whole or not at all."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.store import TrialFolder, read_lines, write_json, write_lines

records = st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans()))


@given(content=records)
def test_lines_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, content: list[dict]) -> None:
    path = tmp_path_factory.mktemp("lines") / "records.jsonl"
    write_lines(path, content)
    assert read_lines(path) == content


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"id": 1}\n{"id": \n')
    with pytest.raises(UserError, match=r"records\.jsonl, line 2"):
        read_lines(path)


def test_a_broken_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    write_json(path, {"value": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"value": float("nan")})
    assert json.loads(path.read_text()) == {"value": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["scores.json"]


def test_a_broken_adapter_is_no_adapter(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")

    def save(path: str) -> None:
        (Path(path) / "adapter_config.json").write_text("{}")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        folder.write_adapter(save)
    assert not folder.is_trained()
