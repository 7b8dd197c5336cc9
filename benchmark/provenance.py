"""What made a result, and when: versions, commit, machine, time."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from benchmark.forms.record import Machine, Provenance

PACKAGES = (
    "amrg", "torch", "transformers", "peft", "bitsandbytes", "tokenizers", "numpy", "pillow",
    "rouge-score", "pycocoevalcap", "nltk", "scipy",
)  # fmt: skip

CHANGES = "+changes"
"""What is said of a commit that files differ from."""


@cache
def versions() -> dict[str, str]:
    """Return versions of Python and of the packages that results depend on."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


@cache
def commit() -> str | None:
    """Return the commit of the checkout that runs, with "+changes" where files differ from it; None outside of one."""
    folder = Path(__file__).resolve().parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # Installed in somebody's own checkout, it isn't a part of that.
    if git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    head = git("rev-parse", "HEAD")
    if head is None:
        return None
    # What a sweep itself writes doesn't change how it runs.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude,top)leaderboards")
    return f"{head}{CHANGES}" if changed or changed is None else head


@cache
def code_version() -> str | None:
    """Return what names the code that runs, as a version does: of the package that is installed, or of the commit.

    None where nothing names it: files of the checkout were changed, or it is no checkout, and not installed either.
    """
    at = commit()
    if at is not None:
        return None if at.endswith(CHANGES) else f"{versions()['amrg']} at {at}"
    try:
        installed = Path(str(distribution("amrg").locate_file("benchmark/provenance.py")))
        return versions()["amrg"] if installed.samefile(__file__) else None
    except (PackageNotFoundError, OSError):
        return None


def provenance() -> Provenance:
    """Return what makes the results of this process."""
    return Provenance(versions=versions(), commit=commit())


def machine() -> Machine:
    """Return what machine this is, without its name."""
    import psutil
    import torch

    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        kernels=torch.backends.cpu.get_cpu_capability(),
        reproducible_mkl=os.environ.get("MKL_CBWR"),
        cores=psutil.cpu_count(),
        memory_bytes=psutil.virtual_memory().total,
    )


def now() -> datetime:
    """Return the time in UTC to the second, as records state it."""
    return datetime.now(UTC).replace(microsecond=0)


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu(device: str) -> tuple[str | None, int | None]:
    """Return name and bytes of memory of a device as torch names it; None for a processor."""
    if not device.startswith("cuda"):
        return None, None
    import torch

    properties = torch.cuda.get_device_properties(torch.device(device))
    return properties.name, properties.total_memory
