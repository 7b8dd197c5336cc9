"""One advice of bitsandbytes is not for the users of amrg; everything else that it says is."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

SAYS = """
import logging
import backbones
logger = logging.getLogger("bitsandbytes.backends.cpu.ops")
logger.warning("Failed to load CPU gemm_4bit_forward from kernels-community: %s. Please", "No module named 'kernels'")
logger.warning("something else")
"""


def test_the_missing_kernel_is_not_told_and_everything_else_is() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SAYS], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == "something else\n"


def test_bitsandbytes_still_tells_it_by_that_logger_in_those_words() -> None:
    package = find_spec("bitsandbytes")
    assert package is not None
    assert package.submodule_search_locations is not None
    source = (Path(package.submodule_search_locations[0]) / "backends/cpu/ops.py").read_text(encoding="utf-8")
    assert "logger = logging.getLogger(__name__)" in source
    assert '"Failed to load CPU gemm_4bit_forward' in source
