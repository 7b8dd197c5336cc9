"""When a miniature is trained again: whenever code that decides its weights has changed."""

from pathlib import Path

import pytest

from benchmark import miniatures
from benchmark.suite import ImagePart, MiniaturePart


def folder_of(backbone: str) -> Path:
    [job] = miniatures.jobs_for([backbone], MiniaturePart(), ImagePart(size=112), "Describe.")
    return job.folder


@pytest.mark.parametrize(
    ("backbone", "module", "decides"),
    [
        ("qwen3-vl-4b", "backbones.qwen3_vl", True),
        ("qwen3-vl-4b", "backbones.qwen_vl", True),  # the module of the class that it is a subclass of
        ("qwen3-vl-4b", "backbones.muon", True),  # the optimiser, which only the training imports
        ("qwen3-vl-4b", "backbones.medgemma", False),
        ("medgemma-4b-it", "backbones.gemma_masks", True),
    ],
)
def test_another_source_is_another_folder(
    backbone: str, module: str, decides: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = folder_of(backbone)
    changed = tmp_path / "changed.py"
    find_spec = miniatures.find_spec
    spec = find_spec(module)
    changed.write_text(Path(spec.origin).read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    spec.origin = str(changed)
    monkeypatch.setattr(miniatures, "find_spec", lambda name: spec if name == module else find_spec(name))
    assert (folder_of(backbone) != before) is decides
