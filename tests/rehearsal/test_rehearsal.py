"""A rehearsal takes a checkpoint of random weights through every stage of a sweep, and holds it to the plan."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from backbones.miniature import SIDE
from backbones.miniature_checkpoint import train_tokenizer
from backbones.registry import get
from benchmark.rehearsal import run
from benchmark.rehearsal.materials import Wanted
from benchmark.rehearsal.model import Rehearsal, StageCost
from benchmark.rehearsal.table import show
from benchmark.suite import ImagePart, Protocol

WORDS = 1400


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Give a plugin its miniature's configuration for the published one, so that it is rehearsed in seconds."""

    def narrowed(name: str, image_tokens: int) -> None:
        plugin: Any = get(name)
        config = plugin.miniature().config(train_tokenizer(plugin.miniature(), []))
        config.get_text_config().vocab_size = WORDS
        pinned = replace(plugin.checkpoint, image_size=SIDE, image_tokens=image_tokens)
        monkeypatch.setattr(plugin, "checkpoint", pinned)
        monkeypatch.setattr(plugin, "full_configuration", lambda: config)

    return narrowed


def wanted(name: str, layers: int | None) -> Wanted:
    protocol = Protocol(epochs=5, batch_size=8, micro_batch_size=2, dropout=0.05)
    return Wanted(name, "float32", None, "cpu", protocol, (2, 4), ImagePart(size=SIDE), layers)


@pytest.mark.parametrize(("name", "image_tokens"), [("medgemma-4b-it", 16), ("qwen3-vl-4b", 16)])
def test_every_stage_is_gone_through(
    name: str, image_tokens: int, narrow: Callable[[str, int], None], tmp_path: Path
) -> None:
    narrow(name, image_tokens)
    said: list[str] = []
    rehearsal = run.rehearse(wanted(name, 2), tmp_path, said.append)
    stages = {stage.stage: stage for stage in rehearsal.stages}
    assert [*stages] == ["checkpoint", "load", "vision", "interrupted", "resume", "write", "score", "reload"]
    assert rehearsal.layers == 2
    assert stages["checkpoint"].disk == pytest.approx(stages["checkpoint"].planned_disk, rel=0.1)
    for stage in ("interrupted", "resume"):
        assert stages[stage].disk == pytest.approx(stages[stage].planned_disk, rel=0.2)
    assert "differ by" in stages["reload"].note
    assert Rehearsal.model_validate_json(rehearsal.model_dump_json()) == rehearsal
