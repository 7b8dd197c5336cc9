"""What tests of several folders share: barely trained miniatures, a finished suite, and data that variables name."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stored_suite import StoredSuite

# Installed by its own test; its tests run there.
collect_ignore = ["example_plugin"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how the order of this run is had again."""
    if config.pluginmanager.hasplugin("randomly"):
        hashes = os.environ.get("PYTHONHASHSEED", "random")
        terminalreporter.write_line(f"Order: --randomly-seed={config.option.randomly_seed}, PYTHONHASHSEED={hashes}")


ASKED_FOR = {
    "full_width": ("--full-width", "run tests at the widths of published models too"),
    "long": ("--long", "run tests of whole sweeps, a minute each, too"),
}
"""Tests that run only where their option is given, by their marker."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make test-full-width` and `make test-long` ask for the tests that take minutes each."""
    for option, help_ in ASKED_FOR.values():
        parser.addoption(option, action="store_true", help=help_)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that have to be asked for, unless they were."""
    unasked = [marker for marker, (option, _) in ASKED_FOR.items() if not config.getoption(option)]
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in unasked)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def cache_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that a test computes is remembered in the user's cache, and nothing is found there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def _named(variable: str, what: str) -> Path:
    """What a variable names; tests skip where it names nothing, and fail where nothing is there."""
    if not os.environ.get(variable):
        pytest.skip(f"needs {what}, not shipped with the tests: name the place in {variable}")
    path = Path(os.environ[variable])
    assert path.exists(), f"{variable}={path}: there is nothing"
    return path


@pytest.fixture(scope="session")
def dmid() -> Path:
    """DMID, or the part of it that is here: all 510 reports, and images of some studies or all."""
    return _named("AMRG_DMID", "DMID's 510 reports and a mammogram")


@pytest.fixture(scope="session")
def published_predictions() -> Path:
    """What a published model wrote for the last 52 images of DMID, as JSON lines."""
    return _named("AMRG_PUBLISHED_PREDICTIONS", "a published model's predictions for DMID")


@pytest.fixture(scope="session")
def tokenizers() -> Path:
    """The folders qwen3 and mistral, each with a tokenizer's files."""
    return _named("AMRG_TOKENIZERS", "Qwen's and Mistral's own tokenizers")


@pytest.fixture(scope="session")
def gold() -> Path:
    """The folder with labels given by hand, `dmid.jsonl` and `world.jsonl`."""
    return _named("AMRG_GOLD", "labels given by hand")


@pytest.fixture(scope="session")
def threads() -> int:
    """How many threads torch computes with: one, for more cost time on a busy machine, or what OMP_NUM_THREADS says."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


@pytest.fixture(scope="session")
def one_thread(threads: int) -> None:
    """One thread of torch, unless others are asked for. And no bars of the libraries."""
    import torch
    from transformers.utils import logging

    torch.set_num_threads(threads)
    logging.set_verbosity_error()
    logging.disable_progress_bar()


@pytest.fixture(scope="session")
def bfloat16_attention() -> None:
    """Attention in bfloat16, which this process's kernels have to be able to compute; else the test is skipped.

    torch asks the processor whether it has AMX and then, held to plainer kernels by ATEN_CPU_CAPABILITY, lacks a part
    of what it chose. A processor without AMX, or one that isn't held back, computes.
    """
    import torch

    rows = torch.zeros(1, 4, 64, 32, dtype=torch.bfloat16)
    try:
        torch.nn.functional.scaled_dot_product_attention(rows, rows, rows)
    except RuntimeError as error:
        if "pack_vnni2" not in str(error):
            raise
        pytest.skip(f"torch can't attend in bfloat16 on a processor with AMX held to plainer kernels: {error}")


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Callable[[str], Path]:
    """Backbone's name → the folder of a barely trained miniature of it, built once a session. Don't write to it."""
    from backbones.contract import PROMPTS, examples
    from backbones.miniature_checkpoint import write_miniature
    from backbones.pretraining import Recipe
    from backbones.registry import get

    built: dict[str, Path] = {}

    def build(name: str) -> Path:
        if name not in built:
            folder = tmp_path_factory.mktemp("miniatures") / name
            recipe = Recipe(vision_steps=2, language_steps=2)
            built[name] = write_miniature(get(name), folder, examples(), prompt=PROMPTS[0], recipe=recipe)
        return built[name]

    return build


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredSuite:
    """Results of a finished suite: two backbones, two ranks, two seeds, three baselines."""
    suite = StoredSuite(tmp_path_factory.mktemp("stored") / "results")
    suite.write({"medgemma-4b-it": 1.0, "llava-med-7b": 0.2})
    return suite
