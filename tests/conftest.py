"""What tests of several folders share: barely trained miniatures, a finished suite, and facts beside the checkout."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_suite import StoredSuite

# Installed by its own test; its tests run there.
collect_ignore = ["example_plugin"]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real tokenizers and reports beside the checkout; tests skip where it is absent."""
    folder = Path(os.environ.get("AMRG_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip("no folder of real tokenizers and reports beside the checkout")
    return folder


@pytest.fixture(scope="session")
def one_thread() -> None:
    """One thread of torch: more cost time on a busy machine. And no bars of the libraries."""
    import torch
    from transformers.utils import logging

    torch.set_num_threads(1)
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
    from backbones.miniature import write_miniature
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
