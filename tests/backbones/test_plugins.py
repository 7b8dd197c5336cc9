"""Plugins by name: built in, from an installed package, broken, unfinished; and the starter package."""

import ast
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from known import known
from published_families import FAMILIES
from published_folders import Family, write_folder

from backbones import registry
from backbones.checkpoint import DESCRIPTION, Checkpoint, shipped
from backbones.contract import BUILT, CLAUSES, sentence_of
from backbones.errors import UserError
from backbones.miniature_checkpoint import specification
from backbones.registry import BUILT_IN, get, locations
from backbones.starter import write_starter
from backbones.structure import structure
from benchmark.tuning.contract import CLAUSES as CLAUSES_OF_TUNING

EXAMPLE = Path(__file__).resolve().parents[1] / "example_plugin"


def install(package: Path, target: Path) -> None:
    """pip install into a folder of its own, without network."""
    source = target.parent / f"{target.name}-source"
    for path in package.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = source / path.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--no-cache-dir"]
    done = subprocess.run([*command, "--target", str(target), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def visible(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """A function that puts a folder of installed packages on the path."""

    def show(target: Path) -> None:
        monkeypatch.syspath_prepend(str(target))
        importlib.invalidate_caches()

    return show


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site") / "packages"
    install(EXAMPLE, target)
    return target


def every_sentence() -> list[str]:
    return [BUILT, *(sentence_of(clause) for clause in (*CLAUSES, *CLAUSES_OF_TUNING))]


def lines_of(file: Path) -> int:
    """A file's lines that aren't blank."""
    return len([line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()])


def pass_of(file: Path) -> list[str]:
    """Run a package's own test of the contract; the names of its tests, all of which pass."""
    spec = importlib.util.spec_from_file_location("its_test", file)
    its_test = importlib.util.module_from_spec(known(spec))
    known(known(spec).loader).exec_module(its_test)
    [mark] = its_test.test_contract.pytestmark
    for parameters in mark.args[1]:
        its_test.test_contract(*parameters.values)
    return [parameters.id for parameters in mark.args[1]]


@pytest.fixture
def in_the_hubs_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Checkpoint, Family], None]:
    """A function that puts a checkpoint's files, but no weights, into an empty cache of the hub without a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def put(checkpoint: Checkpoint, family: Family) -> None:
        repository = tmp_path / "hub" / f"models--{checkpoint.hub_id.replace('/', '--')}"
        write_folder(family, repository / "snapshots" / checkpoint.revision)

    return put


INTERNVL3_2B = replace(
    FAMILIES["internvl"],
    config={
        "text_config": {
            "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12,
            "num_key_value_heads": 2, "vocab_size": 151_674,
        },
        "tie_word_embeddings": False,
    },
)  # fmt: skip
"""InternVL3-2B's sizes."""


@pytest.mark.slow
def test_a_package_tests_itself_in_one_line_a_test_a_clause(tmp_path: Path) -> None:
    """As pytest runs it: a plugin without a miniature is one failure, with the reason, and nothing else is tried."""
    (tmp_path / "test_itself.py").write_text(
        "from amrg.testing import contract\nfrom backbones.medgemma import MedGemma\n\n\n"
        "class Unfinished(MedGemma):\n    @classmethod\n"
        "    def miniature(cls):\n        raise KeyError('processor')\n\n\n"
        "test_contract = contract(Unfinished)\n"
    )
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-p", "no:randomly", "-c", os.devnull]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "-v", str(tmp_path)],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"1 failed, {len(every_sentence()) - 1} skipped" in done.stdout
    assert "KeyError: 'processor'" in done.stdout
    assert all(f"test_contract[{sentence}]" in done.stdout for sentence in every_sentence())


def test_every_plugin_here_is_whole_and_under_60_lines() -> None:
    for name in BUILT_IN:
        plugin = get(name)
        assert plugin.name == name
        assert len(plugin.checkpoint.revision) == 40
        tree = ast.parse(Path(known(sys.modules[plugin.__module__].__file__)).read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                assert known(node.end_lineno) - node.lineno + 1 < 60, node.name


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown backbone 'medgema-4b'.*'medgemma-4b-it'"):
        get("medgema-4b")


def test_a_plugin_of_an_installed_package_keeps_the_contract(
    example: Path,
    visible: Callable[[Path], None],
    in_the_hubs_cache: Callable[[Checkpoint, Family], None],
    one_thread: None,
) -> None:
    assert "internvl3-2b" not in locations()
    visible(example)
    plugin = get("internvl3-2b")
    in_the_hubs_cache(plugin.checkpoint, INTERNVL3_2B)
    assert plugin.__module__ == "amrg_internvl"
    assert pass_of(EXAMPLE / "tests/test_internvl.py") == every_sentence()
    full_size = known(structure(plugin))
    assert full_size.parameters == plugin.checkpoint.parameters
    assert len(full_size.adapted) == 7 * 28
    assert lines_of(example / "amrg_internvl.py") < 40


def test_a_plugin_that_fails_on_import_breaks_only_itself(example: Path, visible: Callable[[Path], None]) -> None:
    visible(example)
    with pytest.raises(UserError, match=r"amrg_broken:Plugin can't be imported: ModuleNotFoundError.*uninstall it"):
        get("broken-on-import")
    assert get("internvl3-2b").name == "internvl3-2b"
    assert get("medgemma-4b-it").name == "medgemma-4b-it"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise SystemExit(3)", "can't be imported: SystemExit"),
        ("Plugin = 3", "not a subclass of backbones.base.Backbone"),
        ("", "can't be imported: AttributeError"),
        ("from backbones.medgemma import MedGemma as Plugin", "calls itself 'medgemma-4b-it'"),
        (
            "from backbones.base import Backbone\nclass Plugin(Backbone):\n    name = 'odd'",
            "doesn't state its checkpoint, model_type, processor_class, end_token",
        ),
    ],
)
def test_an_odd_plugin_says_what_is_wrong(
    source: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"odd_{abs(hash(source))}"
    (tmp_path / f"{module}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "locations", lambda: {"odd": f"{module}:Plugin"})
    with pytest.raises(UserError, match=reason):
        get("odd")


BLANKS = {
    "from backbones.base import Backbone\n": (
        "from transformers import LlavaProcessor\n\nfrom backbones.base import Backbone\n"
    ),
    "    checkpoint: Checkpoint = ...  # type: ignore[assignment]\n": (
        "    checkpoint = Checkpoint(hub_id='llava-hf/vip-llava-7b-hf', revision='0' * 40, licence='Llama 2',\n"
        "        gated=False, parameters=7_079_690_240, image_size=336, image_tokens=576)\n"
    ),
    "(..., ..., ...)  # type: ignore[assignment]": '("vipllava", LlavaProcessor, "</s>")',
    '    # files = "published"\n': (
        "\n    def prompt_text(self, prompt):\n        return self.tokenizer.bos_token + self.chat_prompt(prompt)\n"
    ),
}
"""The starter's blanks as the author of a plugin for VipLLaVA would fill them."""


def test_a_starter_keeps_the_contract_once_its_two_blanks_are_filled(
    tmp_path: Path,
    visible: Callable[[Path], None],
    in_the_hubs_cache: Callable[[Checkpoint, Family], None],
    one_thread: None,
) -> None:
    package = tmp_path / "my-vip"
    written = write_starter("vip-llava.7b", package)
    assert [path.relative_to(package).as_posix() for path in written] == [
        "amrg_vip_llava_7b.py",
        "pyproject.toml",
        "tests/test_plugin.py",
        "README.md",
    ]
    plugin = written[0].read_text()
    assert plugin.count("# Blank ") == 2
    for blank, filled in BLANKS.items():
        assert plugin.count(blank) == 1
        plugin = plugin.replace(blank, filled)
    install(package, tmp_path / "unfilled")
    written[0].write_text(plugin)
    install(package, tmp_path / "filled")
    visible(tmp_path / "filled")
    in_the_hubs_cache(get("vip-llava.7b").checkpoint, FAMILIES["vipllava"])
    assert pass_of(tmp_path / "filled-source/tests/test_plugin.py") == every_sentence()


def test_an_unfilled_starter_names_its_blanks(tmp_path: Path, visible: Callable[[Path], None]) -> None:
    package = tmp_path / "blank"
    write_starter("still-blank", package)
    install(package, tmp_path / "site")
    visible(tmp_path / "site")
    with pytest.raises(UserError, match="doesn't state its checkpoint, model_type, processor_class, end_token"):
        get("still-blank")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Upper Case", "small letters"), ("../evil", "small letters"), ("medgemma-4b-it", "is there already")],
)
def test_a_starter_refuses_a_name(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=reason):
        write_starter(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_starter_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    with pytest.raises(UserError, match="isn't empty"):
        write_starter("mine", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


WHAT_FAMILIES_SHARE = ("backbones.qwen", "backbones.qwen_processor", "backbones.deepstack")


@pytest.mark.parametrize(
    "module", sorted({*WHAT_FAMILIES_SHARE, *(place.split(":")[0] for place in BUILT_IN.values())})
)
def test_a_plugins_file_holds_what_is_its_familys_own_in_under_40_lines(module: str) -> None:
    assert lines_of(Path(known(importlib.import_module(module).__file__))) < 40


SPECIFICATIONS = {
    "medgemma-4b-it": "bb8a0a3851ce50ba",
    "llava-med-7b": "5452ec4b404f858a",
    "qwen2.5-vl-3b": "d08a21db5c14b996",
    "qwen3-vl-4b": "b41bda2dfef5e8cf",
    "paligemma2-3b": "6ccae16da92db811",
    "smolvlm-2.2b": "3b24c3689af1a09e",
}
"""Digests of what miniatures are built from. Results are kept by weights that come of it, so none may change."""


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_what_a_miniature_is_built_from_stays_what_it_was(name: str) -> None:
    assert specification(get(name))[:16] == SPECIFICATIONS[name]
    if folder := shipped(name):
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        assert described["specification"] == specification(get(name))
