"""Plugins that state no miniature: one is made after their checkpoint's own files, wherever those are."""

import importlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import transformers
from known import known
from published_families import FAMILIES, IM
from published_folders import Family, write_folder
from published_further import FURTHER

from backbones import registry
from backbones.base import Backbone
from backbones.beside import Beside
from backbones.checkpoint import Checkpoint
from backbones.configuration import configuration
from backbones.contract import check
from backbones.errors import UserError
from backbones.made_after import miniature_of, with_files
from backbones.miniature_checkpoint import specification
from backbones.registry import get
from backbones.structure import structure
from benchmark.entries.plugins import plugin_of
from benchmark.forms.suite import Entry
from benchmark.tuning.contract import CLAUSES

PUBLISHED: Mapping[str, Family] = {
    "medgemma-4b-it": FURTHER["gemma3_27b"],
    "llava-med-7b": replace(FAMILIES["llava"], template=None),
    "qwen2.5-vl-3b": FURTHER["qwen2_5_vl"],
    "qwen3-vl-4b": FAMILIES["qwen3_vl"],
    "paligemma2-3b": Family(
        "paligemma",
        "PaliGemmaProcessor",
        "SiglipImageProcessorPil",
        None,
        {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"},
        {"image_token": "<image>"},
        image_settings={"size": {"height": 448, "width": 448}, "image_seq_length": 1024},
    ),
    "smolvlm-2.2b": replace(
        FAMILIES["smolvlm"],
        model_type="idefics3",
        processor="Idefics3Processor",
        images="Idefics3ImageProcessorPil",
        image_settings={"size": {"longest_edge": 1536}, "max_image_size": {"longest_edge": 384}},
    ),
}
"""Processor and tokens of the families that are built in, by a backbone of each."""


def folder_of(name: str, folder: Path) -> Path:
    """Write a backbone's files as published, its configuration among them, but a tokenizer of bytes; return them."""
    family = PUBLISHED[name]
    values = configuration(known(get(name).configuration)).to_dict()
    values = {key: value for key, value in values.items() if key != "model_type"}
    return write_folder(replace(family, config=values), folder)


def unstated(name: str, folder: Path) -> type[Backbone]:
    """Return a built-in plugin without its own miniature, whose package has its files in a folder."""
    plugin = get(name)
    return type(plugin.__name__, (plugin,), {
        "__module__": plugin.__module__, "miniature": Backbone.__dict__["miniature"], "files": str(folder),
    })  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_family_keeps_the_contract_on_a_miniature_that_nobody_stated(
    name: str, tmp_path: Path, one_thread: None
) -> None:
    plugin = unstated(name, folder_of(name, tmp_path / "files"))
    outcomes = list(check(plugin, CLAUSES))
    assert len(outcomes) == 15
    assert [(clause.sentence, clause.reason) for clause in outcomes if not clause.kept] == []


class LlavaOfTheirs(Backbone):
    """As in a package of somebody's own: what no file says, and nothing else."""

    name: ClassVar[str] = "llava-of-theirs"
    checkpoint: ClassVar[Checkpoint] = Checkpoint(
        hub_id="theirs/llava-7b", revision="5" * 40, licence="Apache-2.0", gated=False,
        parameters=7_062_902_784, image_size=336, image_tokens=576,
    )  # fmt: skip
    model_type: ClassVar[str] = "llava"
    processor_class: ClassVar[type] = transformers.LlavaProcessor
    end_token: ClassVar[str] = "</s>"
    stacked_features: ClassVar[bool] = False


def theirs(**stated: Any) -> type[Backbone]:
    """Return their plugin with other statements; a new class each time, so that nothing is remembered."""
    return type("Theirs", (LlavaOfTheirs,), {"__module__": __name__, **stated})


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of their checkpoint."""
    return write_folder(FAMILIES["llava"], tmp_path_factory.mktemp("published") / "files")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of the hub, and no way to it; returns the cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached(published: Path, hub: Path, revision: str) -> Path:
    """Put files into the hub's cache, as a download of this revision would; return its snapshot."""
    snapshot = hub / "models--theirs--llava-7b" / "snapshots" / revision
    return Path(shutil.copytree(published, snapshot))


def test_the_pinned_revisions_files_in_the_hubs_cache_are_enough(published: Path, no_network: Path) -> None:
    plugin = theirs()
    assert plugin.full_configuration() is None
    cached(published, no_network, "5" * 40)
    assert known(plugin.full_configuration()).model_type == "llava"
    assert known(structure(plugin)).parameters == plugin.checkpoint.parameters
    assert miniature_of(plugin).tokens["eos_token"] == "</s>"


def test_another_revision_in_the_cache_is_not_taken(published: Path, no_network: Path) -> None:
    cached(published, no_network, "6" * 40)
    with pytest.raises(UserError, match="theirs/llava-7b: its files aren't in the local cache"):
        miniature_of(theirs())


def test_files_that_are_nowhere_are_told_with_where_to_put_which(no_network: Path) -> None:
    plugin = theirs()
    with pytest.raises(UserError) as told:
        miniature_of(plugin)
    for part in (
        "llava-of-theirs: its plugin states no `miniature`",
        "HF_HUB_OFFLINE is set",
        f"hf download theirs/llava-7b --revision {'5' * 40} --include",
        "put config.json, tokenizer.json (or tokenizer.model), tokenizer_config.json",
        "`files` in the plugin, in a suite's entry, or with --files",
    ):
        assert part in str(told.value)
    assert plugin.known_specials() == ["</s>"]  # what can be told without
    [clause] = check(plugin)
    assert clause.reason == str(told.value)


def test_a_folder_that_a_package_brings_lies_beside_its_module(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: Path
) -> None:
    (tmp_path / "amrg_theirs.py").write_text(
        "from backbones.base import Backbone\nfrom test_without_miniature import LlavaOfTheirs\n\n\n"
        "class Plugin(LlavaOfTheirs):\n    files = 'published'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    plugin = importlib.import_module("amrg_theirs").Plugin
    with pytest.raises(UserError, match=r"`files` of its plugin is 'published', and there is no folder"):
        miniature_of(plugin)
    shutil.copytree(published, tmp_path / "published")
    assert miniature_of(plugin).tokens["eos_token"] == "</s>"
    assert plugin.texts_folder() == tmp_path / "published"
    later: type[Backbone] = type("Later", (plugin,), {"__module__": __name__})
    assert later.texts_folder() == tmp_path / "published"


def test_a_package_may_bring_tokenizer_and_processor_and_state_the_configuration(
    published: Path, tmp_path: Path, no_network: Path
) -> None:
    folder = Path(shutil.copytree(published, tmp_path / "files"))
    config = transformers.AutoConfig.from_pretrained(folder)
    (folder / "config.json").unlink()
    with pytest.raises(UserError, match=r"there is no config\.json in .*or state `full_configuration`"):
        miniature_of(theirs(files=folder))
    stating = theirs(files=folder, full_configuration=classmethod(lambda cls: config))
    assert specification(stating) == specification(theirs(files=published))


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({"end_token": "<end>"}, "has no '<end>', which its plugin states as the `end_token`"),
        ({"model_type": "gemma3"}, "states model_type 'gemma3', but .* is of 'llava'. State that one"),
        (
            {"checkpoint": replace(LlavaOfTheirs.checkpoint, parameters=7_000_000_000, image_tokens=256)},
            "image_tokens=256 where its files say image_tokens=576, and parameters=7_000_000_000 where its files say "
            "parameters=7_062_902_784",
        ),
        (
            {"prompt_text": lambda self, prompt: prompt},
            r"makes nothing of a blank picture and the prompt '' \(ValueError",
        ),
        ({"processor_class": transformers.Gemma3Processor}, "llava-of-theirs's processor can't be loaded"),
    ],
)
def test_what_a_plugin_states_is_held_to_its_checkpoints_files(
    stated: dict[str, Any], says: str, published: Path
) -> None:
    with pytest.raises(UserError, match=says):
        miniature_of(theirs(files=published, **stated))


def test_a_folder_can_be_named_from_outside_a_plugin(
    published: Path, monkeypatch: pytest.MonkeyPatch, no_network: Path
) -> None:
    places = {**registry.BUILT_IN, "llava-of-theirs": f"{__name__}:LlavaOfTheirs"}
    monkeypatch.setattr(registry, "locations", lambda: places)
    entry = Entry(name="llava-of-theirs", checkpoint="miniature", files=str(published))
    assert specification(plugin_of(entry)) == specification(with_files(theirs(), published))
    with pytest.raises(UserError, match="medgemma-4b-it: its plugin states its miniature, so none is made after"):
        plugin_of(Entry(name="medgemma-4b-it", checkpoint="miniature", files=str(published)))


def test_a_processor_that_tiles_by_size_is_told_its_switches(tmp_path: Path) -> None:
    folder = write_folder(FAMILIES["internvl"], tmp_path / "files")
    stated = {
        "checkpoint": replace(LlavaOfTheirs.checkpoint, parameters=11_765_025_792, image_size=448, image_tokens=256),
        "model_type": "internvl", "processor_class": transformers.InternVLProcessor, "end_token": "<|im_end|>",
    }  # fmt: skip
    for tiling in (theirs(files=folder, **stated), theirs(files=folder, **stated, load_processor=classmethod(tiled))):
        with pytest.raises(UserError) as told:
            miniature_of(tiling)
        assert "makes more of a larger picture (224 px: " in str(told.value)
        assert "State `switched_off = ('crop_to_patches',)`" in str(told.value)
    assert miniature_of(theirs(files=folder, **stated, switched_off=("crop_to_patches",))).tokens["pad_token"]


def tiled(cls: type[Backbone], folder: Path) -> Any:
    """Return a processor whose image processor cuts larger pictures into tiles by itself, too."""
    processor: Any = Backbone.__dict__["load_processor"].__func__(cls, folder)
    processor.image_processor.crop_to_patches = True
    return processor


def test_token_counts_that_vary_with_the_picture_are_named(tmp_path: Path) -> None:
    folder = folder_of("qwen2.5-vl-3b", tmp_path / "files")
    plugin = get("qwen2.5-vl-3b")
    varying = type("Varying", (plugin,), {
        "__module__": __name__, "miniature": Backbone.__dict__["miniature"], "files": str(folder),
        "load_processor": classmethod(lambda cls, at: Backbone.__dict__["load_processor"].__func__(cls, at)),
    })  # fmt: skip
    with pytest.raises(UserError, match=r"makes more of a larger picture .*State `resized = True`"):
        miniature_of(varying)


def test_a_template_without_a_generation_prompt_is_named_with_what_it_writes_before_answers(tmp_path: Path) -> None:
    silent = IM.replace("IMAGE", "<image>").split("{% if add_generation_prompt")[0]
    folder = write_folder(replace(FAMILIES["llava"], template=silent), tmp_path / "files")
    says = r"no generation prompt; before a finished answer it writes '<\|im_start\|>assistant\\n'"
    with pytest.raises(UserError, match=says):
        miniature_of(theirs(files=folder))
    own = theirs(files=folder, prompt_text=lambda self, prompt: self.chat_prompt(prompt) + "<|im_start|>assistant\n")
    assert miniature_of(own).chat_template == silent


def test_a_padding_token_that_is_the_end_token_is_no_fault(tmp_path: Path, one_thread: None) -> None:
    padded = {**FAMILIES["llava"].tokens, "pad_token": "</s>"}
    folder = write_folder(replace(FAMILIES["llava"], tokens=padded), tmp_path / "files")
    outcomes = {clause.sentence: clause.reason for clause in check(theirs(files=folder, prompt_text=begun))}
    assert outcomes["the label mask covers the report and its end token, and nothing else"] is None
    assert [reason for reason in outcomes.values() if reason] == []


def begun(backbone: Backbone, prompt: str) -> str:
    """Return the prompt with the token that LLaVA's tokenizer puts before it."""
    return f"{backbone.tokenizer.bos_token}{backbone.chat_prompt(prompt)}"


ASKED: dict[str, tuple[str, dict[str, Any], list[tuple[str, dict[str, Any]]]]] = {
    "qwen2_vl": (
        "<|im_end|>",
        {"image_size": 448, "image_tokens": 256, "parameters": 2_442_752_512},
        [
            ("State `resized = True`", {"resized": True}),
            ("State `token_types = 'mm_token_type_ids'`", {"token_types": "mm_token_type_ids"}),
            (r"Derive the plugin from backbones\.beside\.Beside", {}),
            (r"state `image_inputs = \('image_grid_thw',\)`", {"image_inputs": ("image_grid_thw",)}),
            ("State `stacked_features = False`", {"stacked_features": False}),
        ],
    ),
    "lfm2_vl": (
        "<|im_end|>",
        {"image_size": 512, "image_tokens": 256, "parameters": 2_812_857_088},
        [
            (r"State `switched_off = \('do_image_splitting',\)`", {"switched_off": ("do_image_splitting",)}),
            (r"Derive the plugin from backbones\.beside\.Beside", {}),
            (
                r"state `image_inputs = \('pixel_attention_mask', 'spatial_shapes'\)`",
                {"image_inputs": ("pixel_attention_mask", "spatial_shapes")},
            ),
            ("State `stacked_features = False`", {"stacked_features": False}),
        ],
    ),
}
"""A family's end token and numbers, and what its plugin is asked for, one thing after another, with the answer."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_a_plugin_is_asked_for_each_thing_that_it_has_to_state(name: str, tmp_path: Path, one_thread: None) -> None:
    end, numbers, asked = ASKED[name]
    family = FAMILIES[name]
    stated = {
        "__module__": __name__, "name": name, "model_type": family.model_type, "end_token": end,
        "processor_class": getattr(transformers, family.processor), "files": write_folder(family, tmp_path / "files"),
        "checkpoint": replace(LlavaOfTheirs.checkpoint, **numbers),
    }  # fmt: skip
    base: type[Backbone] = Backbone
    for says, answer in asked:
        with pytest.raises(UserError, match=says):
            miniature_of(type("Asked", (base,), stated))
        stated |= answer
        base = Beside if "Beside" in says else base
    outcomes = list(check(type("Whole", (base,), stated)))
    assert [(clause.sentence, clause.reason) for clause in outcomes if not clause.kept] == []


def test_a_family_that_can_not_learn_from_embeddings_is_told_what_to_state(tmp_path: Path, one_thread: None) -> None:
    family = FAMILIES["gemma4"]
    stated = {
        "__module__": __name__, "name": "gemma4", "model_type": "gemma4", "end_token": "<turn|>",
        "processor_class": transformers.Gemma4Processor, "files": write_folder(family, tmp_path / "files"),
        "checkpoint": replace(
            LlavaOfTheirs.checkpoint, image_size=896, image_tokens=256, parameters=5_246_311_936
        ),
        "token_types": "mm_token_type_ids", "image_inputs": ("image_position_ids",), "stacked_features": False,
    }  # fmt: skip
    [reason] = [clause.reason for clause in check(type("Blunt", (Beside,), stated)) if not clause.kept]
    assert "states `learns_as_generating` (backbones/beside.py)" in known(reason)
    assert all(clause.kept for clause in check(type("Told", (Beside,), stated | {"learns_as_generating": True})))
