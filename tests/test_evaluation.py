"""Adapters from elsewhere, end to end: a trial's own adapter gets the trial's own row; others theirs, or none."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from lines import read_lines
from peft import LoraConfig, get_peft_model
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from backbones.adapter import WEIGHTS
from backbones.private.lora import lora_layers, take_out
from backbones.registry import get
from backbones.targets import decoder_projections
from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.methods import methods
from benchmark.board.results import read_results
from benchmark.cli.verbs import app
from benchmark.data.dmid import read
from benchmark.data.image import ImageSettings, prepare
from benchmark.errors import RunFailed, UserError
from benchmark.evaluation import Request, evaluate
from benchmark.exporting import export_trial
from benchmark.forms.suite import Entry, ImagePart, PhantomData, Trial
from benchmark.phantoms.places import phantom_folder
from benchmark.results.store import Store, write_json
from benchmark.suites.load import parse
from benchmark.tuning import merging

NAME = "medgemma-4b-it"
SUITE = """\
name: own
title: Tuned here
data: {{source: phantom, studies: 24, seed: 3, size: 64}}
image: {{size: 112}}
backbones: [{{name: medgemma-4b-it, checkpoint: {checkpoint}}}]
grid: {{rank: [2], alpha: [16], seed: [0]}}
protocol: {{steps: 6, batch_size: 2, max_new_tokens: 8, learning_rate: 5.0e-2, warmup_steps: 0}}
baselines: [most_frequent_report]
"""


@dataclass(frozen=True)
class Tuned:
    """A trial that was trained here."""

    trial: Trial
    base: Path
    data: Path
    results: Path
    folder: Path
    cache: Path

    def pictures(self, studies: Iterable[str]) -> list[np.ndarray]:
        """Return images as the trial was shown them."""
        images = {study.id: study.image for study in read(self.data).studies}
        return [prepare(images[study], ImageSettings(size=112)) for study in studies]  # type: ignore[arg-type]

    def request(self, adapter: Path | None = None, **more: object) -> Request:
        protocol = self.trial.protocol
        settings = {"prompt": protocol.prompt, "max_new_tokens": protocol.max_new_tokens, "baselines": ()}
        return Request(
            adapter=str(adapter or Store(self.results).of(self.trial).adapter),
            backbone=Entry(name=NAME, checkpoint=str(self.base)),
            data=self.data,
            image=ImagePart(size=112),
            **(settings | more),  # type: ignore[arg-type]
        )


@pytest.fixture(scope="module")
def tuned(miniature: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    folder = tmp_path_factory.mktemp("own")
    base = miniature(NAME)
    suite = parse(SUITE.format(checkpoint=base), where="own.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
        summary = sweep.run(suite, data=None, results=folder / "results", listener=lambda _: None, processes=1)
        assert isinstance(suite.data, PhantomData)
        data = phantom_folder(suite.data)
    assert (summary.ran, summary.failed) == (1, {})
    return Tuned(summary.trials[0], base, data, folder / "results", folder, folder / "cache")


@pytest.fixture(autouse=True)
def _cache(tuned: Tuned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tuned.cache))


def _drawn(tuned: Tuned, folder: Path, targets: str, std: float) -> Path:
    """Write an adapter whose second matrices are drawn so wide; 0 leaves it as it is before training."""
    backbone = get(NAME).load(tuned.base)
    torch.manual_seed(1)
    model = get_peft_model(backbone.model, LoraConfig(r=3, lora_alpha=6, target_modules=targets))
    for layer in lora_layers(model).values():
        torch.nn.init.normal_(layer.lora_B["default"].weight, std=std)  # type: ignore[arg-type]
    model.save_pretrained(str(folder))
    take_out(backbone.model)
    return folder


@pytest.fixture(scope="module")
def evaluated(tuned: Tuned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results and boards of the trial's own adapter, evaluated on the command line."""
    folder = tmp_path_factory.mktemp("evaluated")
    adapter = Store(tuned.results).of(tuned.trial).adapter
    command = ["evaluate", "--adapter", str(adapter), "--backbone", NAME, "--data", str(tuned.data)]
    places = ["--results", str(folder / "results"), "--leaderboards", str(folder / "boards")]
    more = ["--checkpoint", str(tuned.base), "--dtype", "float32", "--image-size", "112", "--max-new-tokens", "8"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(tuned.cache))
        done = CliRunner().invoke(app, [*command, *places, *more, "--untuned", "prompt"])
    assert done.exit_code == 0, done.output
    assert "+ adapter" in " ".join(done.output.split())
    return folder


def test_a_trials_own_adapter_gets_the_trials_own_row(tuned: Tuned, evaluated: Path) -> None:
    stored = read_results(evaluated / "results", "adapters")
    [one] = stored.done
    trial = one.trial
    assert (trial.rank, trial.alpha) == (2, 16)
    ours, theirs = (
        Store(results).of(of) for results, of in ((evaluated / "results", trial), (tuned.results, tuned.trial))
    )
    for name in ("predictions", "validation", "controls"):
        texts = [[(line["id"], line["prediction"]) for line in read_lines(getattr(f, name))] for f in (ours, theirs)]
        assert texts[0] == texts[1]
    assert ours.read_scores() == theirs.read_scores()
    record = ours.read_trial()
    assert record.adapter is not None
    assert (record.adapter.name, record.adapter.image_modules) == ("adapter", 0)
    assert record.seconds.get("train", 0) == 0
    board = collect(stored)
    [row] = board.main_rows
    assert row.name == f"{NAME} (own checkpoint) + adapter"
    assert row.gain is not None
    assert [adapter.name for adapter in board.evaluated] == ["adapter"]
    readme = (evaluated / "boards" / "adapters" / "README.md").read_text(encoding="utf-8")
    assert "nothing was trained" in readme
    assert "isn't known here" in readme
    # What nobody here knows stays blank in the methods statement.
    [tuning] = [item for item in methods(board).items if item.id == "tuning"]
    assert tuning.needed


def test_one_on_the_encoder_writes_what_plain_transformers_write_with_it(tuned: Tuned, tmp_path: Path) -> None:
    adapter = _drawn(tuned, tmp_path / "vision", r".*vision_tower.*\.(q_proj|v_proj|fc1)", 0.5)
    results = tmp_path / "results"
    summary, _ = evaluate(tuned.request(adapter, name="seeing"), results=results, listener=lambda _: None)
    [trial] = summary.trials
    folder = Store(results).of(trial)
    record = folder.read_trial()
    assert record.adapter is not None
    assert record.adapter.image_modules > 0
    written = folder.read_predictions()
    base = get(NAME).load(tuned.base)
    from peft import PeftModel

    model = PeftModel.from_pretrained(base.model, str(adapter)).eval()
    prompt = base.prompt_text(trial.protocol.prompt)
    for study, picture in zip(written, tuned.pictures(written), strict=True):
        image = Image.fromarray(picture).convert("RGB")
        inputs = base.processor(images=[[image]], text=[prompt], add_special_tokens=False, return_tensors="pt")
        tokens = model.generate(**inputs, max_new_tokens=8, do_sample=False, eos_token_id=base.end)
        assert base.decode(tokens[0, inputs["input_ids"].shape[1] :].tolist()) == written[study]


def test_what_doesnt_fit_or_does_nothing_is_refused_and_leaves_no_board(tuned: Tuned, tmp_path: Path) -> None:
    results = tmp_path / "results"
    idle = _drawn(tuned, tmp_path / "idle", decoder_projections(), 0.0)
    with pytest.raises(UserError, match=f"idle changes no logit of {NAME}"):
        evaluate(tuned.request(idle), results=results, listener=lambda _: None)
    short = tmp_path / "short"
    shutil.copytree(idle, short)
    tensors = load_file(short / WEIGHTS)
    save_file({name: tensors[name] for name in sorted(tensors)[1:]}, short / WEIGHTS)
    with pytest.raises(UserError, match=f"short doesn't fit {NAME}.*missing"):
        evaluate(tuned.request(short), results=results, listener=lambda _: None)
    assert not Store(results).suite("adapters").exists()


def test_another_adapter_joins_the_board_and_other_settings_dont(tuned: Tuned, evaluated: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(evaluated / "results", results)
    other = _drawn(tuned, tmp_path / "other", decoder_projections(), 0.3)
    evaluate(tuned.request(other, baselines=("most_frequent_report",)), results=results, listener=lambda _: None)
    board = collect(read_results(results, "adapters"))
    assert sorted(row.name.split(" + ")[1] for row in board.main_rows) == ["adapter", "other"]
    with pytest.raises(UserError, match="another prompt or limit"):
        evaluate(tuned.request(prompt="Report."), results=results, listener=lambda _: None)
    with pytest.raises(UserError, match="was swept here"):
        evaluate(tuned.request(name="own"), results=tuned.results, listener=lambda _: None)


def test_what_is_wrong_with_a_request_is_said_before_anything_is_loaded(tuned: Tuned) -> None:
    adapter = Store(tuned.results).of(tuned.trial).adapter
    command = ["evaluate", "--adapter", str(adapter), "--backbone", NAME, "--data", str(tuned.data)]
    for more, said in ((["--dtype", "float8"], "dtype"), (["--untuned", "few_shot=0"], "few_shot")):
        wrong = CliRunner().invoke(app, [*command, *more])
        assert isinstance(wrong.exception, UserError)
        assert said in str(wrong.exception)


def test_an_exported_model_writes_what_base_and_adapter_write(tuned: Tuned, tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    output = tmp_path / "merged"
    command = ["export", str(output), "--trial", tuned.trial.id[:8], "--results", str(tuned.results), "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {"trial": tuned.trial.id, "dtype": "float32", "reports": 2}
    files = {path.name for path in output.iterdir()}
    assert {"model.safetensors", "config.json", "README.md", "tokenizer_config.json"} <= files
    assert not any(name.endswith(".bin") or "adapter" in name for name in files)
    card = (output / "README.md").read_text(encoding="utf-8")
    assert tuned.trial.id in card
    assert str(tuned.folder) not in card
    # Its reports are those that the sweep stored for the same images.
    model, processor = AutoModelForImageTextToText.from_pretrained(output), AutoProcessor.from_pretrained(output)
    base = get(NAME).load(tuned.base)
    written = Store(tuned.results).of(tuned.trial).read_predictions()
    pictures = tuned.pictures(written)
    assert merging.write_plainly(base, model, processor, tuned.trial.protocol, pictures) == list(written.values())
    # And it is another model than the base.
    plain = merging.write_plainly(base, base.model, base.processor, tuned.trial.protocol, pictures)
    assert plain != list(written.values())
    with pytest.raises(UserError, match="is there already"):
        export_trial(tuned.results, tuned.trial.id, output)


def test_an_idle_adapter_isnt_exported_nor_a_model_that_writes_otherwise(
    tuned: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, output = tmp_path / "results", tmp_path / "merged"
    shutil.copytree(tuned.results, results)
    folder = Store(results).of(tuned.trial)
    # As a release before digests left it: else a changed adapter is refused for being changed.
    write_json(folder.trial, folder.read_trial().model_copy(update={"files": None}))
    weights = folder.adapter / WEIGHTS
    trained = load_file(weights)
    save_file({name: t * 0 if "lora_B" in name else t for name, t in trained.items()}, weights)
    with pytest.raises(UserError, match="changes no logit"):
        export_trial(results, tuned.trial.id, output)
    assert not output.exists()
    # A merge that loses the adapter: what is loaded again is the base.
    save_file(trained, weights)
    save = merging._save

    def lossy(backbone: object, trial: Trial, folder: object, place: Path) -> None:
        save(backbone, trial, folder, place)  # type: ignore[arg-type]
        shutil.copy(tuned.base / "model.safetensors", place / "model.safetensors")

    monkeypatch.setattr(merging, "_save", lossy)
    with pytest.raises(RunFailed, match="writes another text"):
        export_trial(results, tuned.trial.id, output)
    assert list(tmp_path.iterdir()) == [results]
