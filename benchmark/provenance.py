"""What made a result, and when: versions, commit, machine, time."""

import hashlib
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmark.record import Machine, Provenance

PACKAGES = (
    "amrg", "torch", "transformers", "peft", "bitsandbytes", "tokenizers", "numpy", "pillow",
    "rouge-score", "pycocoevalcap", "nltk", "scipy",
)  # fmt: skip

CODE = ("backbones", "benchmark", "metrics")
"""Packages whose code decides results."""
ENDINGS = {".py", ".json", ".yaml"}
"""Of files in them that do: code, configurations, committed splits, suites."""


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
def code_digest() -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of amrg's code: a version number outlives changes."""
    digest = hashlib.sha256()
    for package in CODE:
        spec = find_spec(package)
        assert spec is not None, f"{package} is a part of amrg"
        root = Path(str(spec.origin)).parent
        for folder, below, names in os.walk(root):
            below.sort()
            for path in (Path(folder, name) for name in sorted(names) if Path(name).suffix in ENDINGS):
                digest.update(f"{package}/{path.relative_to(root).as_posix()}\n".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


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

    head = git("rev-parse", "HEAD")
    if head is None:
        return None
    # What a sweep itself writes doesn't change how it runs.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude,top)leaderboards")
    return f"{head}+changes" if changed else head


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
