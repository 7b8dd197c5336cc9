"""What commands import, in a process of their own: nothing that takes seconds and that they don't use.

No time is asserted, which another machine or a busy minute changes; which libraries are loaded is the same everywhere.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stored_suite import StoredSuite

LEARNING = {"torch", "transformers", "peft", "accelerate", "bitsandbytes", "torchvision", "open_clip", "liger_kernel"}
SCIENCE = {"scipy", "sklearn", "pandas", "matplotlib"}
SCORES = {"nltk", "rouge_score", "pycocoevalcap"}
READERS = {"pydicom", "tifffile", "imagecodecs", "openpyxl"}
HEAVY = LEARNING | SCIENCE | SCORES | READERS
SCRIPT = """
import json, sys
from benchmark.cli import main
sys.argv = ["amrg", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
loaded = sorted({name.partition(".")[0] for name in sys.modules} & set(json.loads(sys.stdin.read())))
print(json.dumps(loaded), file=sys.stderr)
"""


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The heavy libraries that a command has loaded when it ends."""
    environment = os.environ | {"AMRG_CACHE_DIR": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(arguments)],
        input=json.dumps(sorted(HEAVY)), cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["--version"],
        ["sweep", "--help"],
        ["backbones", "list"],
        ["backbones", "list", "--json"],
        ["plan", "--help"],
    ],
    ids=" ".join,
)
def test_what_only_names_things_loads_no_heavy_library(command: list[str], tmp_path: Path) -> None:
    assert loaded(tmp_path, *command) == set()


def test_status_loads_no_heavy_library(tmp_path: Path) -> None:
    suite = StoredSuite(tmp_path / "results", studies=60)
    suite.trials = [suite.trial("medgemma-4b-it", 2, 8, seed) for seed in (0, 1)]
    suite.write_record()
    assert loaded(tmp_path, "status", "stored") == set()


def test_a_processor_s_class_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from backbones.registry import get; plugin = get('qwen2.5-vl-3b')\n"
        "print('torch' in sys.modules, plugin.processor_class.__name__, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "ImageProcessor", "True"]


def test_work_on_a_backbone_loads_no_compiler(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from benchmark.executors.execute import prepare_worker\n"
        "from benchmark.suites.load import read_suite\n"
        "from benchmark.tuning import weights\n"
        "suite = read_suite('smoke').suite\n"
        "entry = suite.backbones[0]\n"
        "weights._prepare(entry, weights._source(suite, entry))\n"
        "prepare_worker()\n"
        "from benchmark.pack import stages\n"
        "from benchmark.tuning.engines import engine_named\n"
        "engine_named(suite.engine)\n"
        "print('peft' in sys.modules, 'torch._inductor.compile_fx' in sys.modules)"
    )
    environment = os.environ | {"AMRG_CACHE_DIR": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_scores_and_statistics_load_neither_scikit_learn_nor_the_statistics_of_scipy() -> None:
    code = (
        "import sys\n"
        "from benchmark.board.collect import collect\n"
        "from benchmark.scoring.score import score_predictions\n"
        "texts = {str(i): f'BIRADS: {i}. A mass.' for i in range(6)}\n"
        "score_predictions(dict(zip(texts, reversed(texts.values()))), texts, names=['rouge_l', 'birads_exact'])\n"
        "print(*(name in sys.modules for name in ('nltk', 'sklearn', 'scipy.stats')))\n"
        "import scipy.stats\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "False"]
