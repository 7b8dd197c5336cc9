"""Miniatures that come with the project, and those that a suite has trained."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from known import known
from transformers import AutoConfig

from backbones.checkpoint import DESCRIPTION, is_miniature, shipped
from backbones.contract import CLAUSES, Subject, examples
from backbones.made_after import miniature_of
from backbones.manifest import MANIFEST, unsound
from backbones.miniature import train_tokenizer
from backbones.miniature_checkpoint import MINIATURES, ROLES, specification
from backbones.pretraining import READING_PROMPT
from backbones.quantization import decoder_widths, misfit
from backbones.registry import get
from benchmark.forms.suite import Entry, Suite
from benchmark.phantoms import miniatures
from benchmark.phantoms.cases import plan
from benchmark.phantoms.miniatures import SEED, SHIPPED, SHIPPED_PART, MiniatureJob, reports_of, source_of, tuned_texts
from benchmark.suites.load import parse
from benchmark.tuning.contract import reloads

OUTDATED = "the miniature isn't what its code makes now: raise MINIATURES, run `make miniatures`, and commit them"


def description_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))


@pytest.fixture(params=SHIPPED)
def folder(request: pytest.FixtureRequest) -> Path:
    path = shipped(request.param)
    assert path is not None, request.param
    return path


def test_one_that_comes_with_the_project_is_of_this_version(folder: Path) -> None:
    description = description_of(folder)
    assert description["version"] == MINIATURES, OUTDATED
    assert description["specification"] == specification(get(folder.name)), OUTDATED
    assert description["examples"] == SHIPPED_PART.examples, OUTDATED
    recipe = description["recipe"]
    assert (recipe["vision_steps"], recipe["language_steps"]) == (
        SHIPPED_PART.vision_steps,
        SHIPPED_PART.language_steps,
    ), OUTDATED


def test_its_configuration_is_the_plugins(folder: Path) -> None:
    plugin = get(folder.name)
    tokenizer = plugin.load_processor(folder).tokenizer
    spec = miniature_of(plugin)
    expected = spec.config(spec.processor(tokenizer).tokenizer).to_dict()
    stored = AutoConfig.from_pretrained(folder).to_dict()
    for values in (expected, stored):
        for part in (values, values["text_config"], values["vision_config"]):
            for key in ("dtype", "transformers_version", "_name_or_path", "architectures"):
                part.pop(key, None)
    assert stored == expected, OUTDATED


def test_its_tokenizer_is_made_of_the_reports_of_its_phantoms(folder: Path, tmp_path: Path) -> None:
    """The texts of all its phantoms, and the training of a tokenizer, which has no rounding: to the last byte."""
    truths = [case.truth for case in plan(SHIPPED_PART.examples, seed=SEED, size=miniatures.DRAWN_SIZE)]
    reports = [text for truth in truths for text in reports_of(truth)]
    prompts = [description_of(folder)["prompt"], READING_PROMPT, *ROLES] * len(truths)
    spec = miniature_of(get(folder.name))
    trained = train_tokenizer(spec, [*reports, *tuned_texts(truths), *prompts])
    spec.processor(trained).tokenizer.save_pretrained(tmp_path)
    assert (tmp_path / "tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes(), OUTDATED


def test_it_keeps_the_contract(folder: Path, one_thread: None) -> None:
    backbone = get(folder.name).load(folder)
    images = [example.image for example in examples(3)]
    subject = Subject(backbone, images, backbone.encode_images(images))
    for clause in (*CLAUSES, reloads):
        clause(subject)


def test_it_is_held_in_four_bits(folder: Path, one_thread: None) -> None:
    backbone = get(folder.name).load(folder, quantization="nf4")
    assert misfit(decoder_widths(backbone.model, backbone.decoder)) is None


@pytest.mark.long
def test_the_command_that_makes_them_repeated_in_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one machine the same phantoms and steps give the same bytes, and what is written loads as any checkpoint."""
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("first", "second"):
        arguments = ["--folder", str(tmp_path / name), "--examples", "32", "--steps", "3"]
        command = [sys.executable, "-m", "benchmark", "backbones", "miniatures", "medgemma-4b-it", *arguments]
        process = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        assert f"written: {tmp_path / name / 'medgemma-4b-it'}" in process.stdout
    first, second = (
        {path.name: path.read_bytes() for path in sorted((tmp_path / name / "medgemma-4b-it").iterdir())}
        for name in ("first", "second")
    )
    assert first == second
    written = tmp_path / "first" / "medgemma-4b-it"
    assert is_miniature(written)
    assert set(first) == {path.name for path in known(shipped("medgemma-4b-it")).iterdir()}
    backbone = get("medgemma-4b-it").load(written)
    assert backbone.model.dtype == torch.float32
    assert {p.suffix for p in written.iterdir() if p.name != MANIFEST} <= {".json", ".jinja", ".safetensors", ".txt"}
    assert unsound(written) == []
    (tmp_path / "plain").touch()  # as readable as the account's umask lets any file be
    assert {path.stat().st_mode for path in written.iterdir()} == {(tmp_path / "plain").stat().st_mode}


def suite(**settings: object) -> Suite:
    return parse(
        json.dumps(
            {
                "name": "one",
                "title": "One",
                "data": {"source": "phantom"},
                "image": {"size": 112},
                "backbones": [{"name": "medgemma-4b-it", "checkpoint": "miniature"}],
                "grid": {"rank": [2], "alpha": [4]},
                "protocol": {"steps": 1},
                **settings,
            }
        ),
        where="one.yaml",
    )


def entry_of(backbone: str) -> Entry:
    return Entry(name=backbone, checkpoint="miniature")


def job(backbone: str = "qwen3-vl-4b", **settings: object) -> MiniatureJob:
    source = source_of(suite(**settings), entry_of(backbone))
    assert isinstance(source, MiniatureJob)
    return source


def test_a_suite_that_says_nothing_uses_those_that_come_with_the_project() -> None:
    assert source_of(suite(), entry_of("medgemma-4b-it")) == shipped("medgemma-4b-it")
    assert isinstance(source_of(suite(miniature={"examples": 32}), entry_of("medgemma-4b-it")), MiniatureJob)
    assert isinstance(source_of(suite(), entry_of("qwen3-vl-4b")), MiniatureJob)


def test_what_decides_the_weights_decides_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {
        job().folder,
        job(miniature={"examples": 32}).folder,
        job(miniature={"vision_steps": 7}).folder,
        job(protocol={"steps": 1, "prompt": "Describe."}).folder,
        job(image={"size": 112, "flip": True}).folder,
        job("smolvlm-2.2b").folder,
    }
    for module, constant in (
        ("backbones.miniature_checkpoint", "MINIATURES"),
        ("benchmark.phantoms.miniatures", "PHANTOMS"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(f"{module}.{constant}", 999)
            folders.add(job().folder)
    plugin = get("qwen3-vl-4b")
    spec = miniature_of(plugin)
    with monkeypatch.context() as patched:
        changed = dataclasses.replace(spec, chat_template=known(spec.chat_template) + " ")
        patched.setattr(plugin, "miniature", classmethod(lambda cls: changed))
        folders.add(job().folder)
    assert len(folders) == 9
    assert job(name="another").folder == job().folder, "a suite's name decides nothing"
