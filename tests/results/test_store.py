"""Files appear whole or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.forms.record import Failure, Prediction, Report
from benchmark.results.store import TrialFolder, atomic_file, read_model, read_models, write_json, write_lines

KEYS: dict[str, Any] = {"prompt_sha256": "0" * 64, "tokens": 3, "stop": "end"}
texts = st.lists(st.tuples(st.text(), st.text()))


@given(content=texts)
def test_lines_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, content: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("lines") / "predictions.jsonl"
    predictions = [Prediction(id=i, prediction=text, **KEYS) for i, text in content]
    write_lines(path, predictions)
    assert read_models(path, Prediction) == predictions


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"id": ', "Invalid JSON"),
        ('{"id": "b"}', "prediction: Field required"),
        ('["b"]', "Input should be an object"),
    ],
)
def test_a_line_that_is_no_record_is_named_without_its_content(tmp_path: Path, line: str, wrong: str) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_text('{"id": "a", "prediction": "a spiculated mass"}\n' + line)
    with pytest.raises(UserError, match=rf"predictions\.jsonl, line 2: damaged.*{wrong}") as raised:
        read_models(path, Report)
    assert "spiculated" not in str(raised.value)


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "failure.json"
    with pytest.raises(UserError, match=r"failure\.json: can't be read: No such file"):
        read_model(path, Failure)
    path.write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"failure\.json: not UTF-8 at byte 0"):
        read_model(path, Failure)
    path.write_text('{"reason": 3}')
    with pytest.raises(UserError, match=r"failure\.json: damaged.*reason: Input should be a valid string"):
        read_model(path, Failure)


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "features.safetensors"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with atomic_file(path) as temporary:
            assert temporary.suffix == path.suffix
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


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
