"""Run the tests as they would run on other machines: `make test-machines`.

Or: python tests/machines.py [NAME ...] [--seed N] [--quick] [-- what pytest is told as well].

Results that hang on one processor's rounding, on the number of threads, on the order of tests or of a set, on the
account's locale, time zone, umask or home show here, before they show at somebody else's.
"""

import argparse
import os
import platform
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

KERNELS = {
    "native": {},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "plain": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-FMA4,-AVX512F",
    },
}
"""What holds torch's own kernels, its MKL and oneDNN, OpenBLAS of numpy and scipy, and the C library's mathematics to
plainer instructions."""

AVX2 = {"X86_V3", "AVX2", "FMA3"}
"""numpy's names of what a processor with AVX2 has beside those of its baseline: since 2.4, and before."""

SOMEBODY = {"LC_ALL": "C", "TZ": "CHAST-12:45", "HOME": "/sys"}
"""Another account: C's locale, 12:45 hours ahead of UTC, and a home that not even root can write to."""

PLACES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "AMRG_CACHE_DIR", "HF_HOME", "MPLCONFIGDIR", "LANG")
"""Variables that would lead around that home."""


NUMERIC = "numeric"
"""The marker of tests that compute what a processor may round otherwise."""


@dataclass(frozen=True)
class Machine:
    """A machine to imitate.

    Attributes:
        name: as asked for.
        tests: pytest's arguments that choose them.
        kernels: a key of `KERNELS`.
        threads: of each process that computes.
        somebody: under another account.
    """

    name: str
    tests: tuple[str, ...] = ("-m", NUMERIC)
    kernels: str = "native"
    threads: int = 1
    somebody: bool = False

    def environment(self, seed: int) -> dict[str, str]:
        """The variables of a process on this machine; `seed` is that of hashes."""
        variables = dict(os.environ)
        if self.somebody:
            variables = {k: v for k, v in variables.items() if k not in PLACES and not k.startswith("LC_")}
        variables |= KERNELS[self.kernels] | (SOMEBODY if self.somebody else {})
        # A thread that waits for one whose core is taken mustn't spin: nine times the time on a busy machine.
        variables |= {"PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": str(self.threads), "OMP_WAIT_POLICY": "PASSIVE"}
        if disabled := without(self.kernels):
            variables["NPY_DISABLE_CPU_FEATURES"] = " ".join(disabled)
        return variables

    def run(self, seed: int, more: list[str], *, quick: bool) -> int:
        """pytest's exit status; its closing line is the last that is printed."""
        once = ("-m", f"{NUMERIC} and not slow" if self.tests else f"not {NUMERIC} or slow")
        options = ["-n", "2", f"--randomly-seed={seed}", *(once if quick else self.tests), *more]
        environment = self.environment(seed)
        settings = [f"{k}={v!r}" for k, v in environment.items() if os.environ.get(k) != v]
        print(f"\n== {self.name}: {' '.join(settings)}{' umask 077' if self.somebody else ''}", flush=True)
        umask = 0o077 if self.somebody else -1
        command = [sys.executable, "-m", "pytest", *options]
        return subprocess.run(command, cwd=ROOT, env=environment, umask=umask, check=False).returncode


MACHINES = (
    # Two things at once, since each costs a third of the time of all tests: neither kernels nor threads may matter.
    Machine("plain", kernels="plain", threads=2),
    Machine("avx2", kernels="avx2"),
    # Last: all tests, natively and with one thread.
    Machine("somebody", tests=(), somebody=True),
)


def numpy_features() -> list[str]:
    """The features that numpy has kernels for beyond its baseline, and that this processor has.

    A name that isn't among numpy's, or that the processor lacks, is answered by a warning; one of the baseline ends
    the process. So no list that is written down fits every machine.
    """
    return list(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))


def avx2_adds_nothing() -> str:
    """Why a run held to AVX2 would show nothing here that others don't; empty where it would."""
    found = set(numpy_features())
    if not found & AVX2:
        return "no AVX2"
    return "" if found - AVX2 else "nothing beyond AVX2: the native runs are that one"


def without(kernels: str) -> list[str]:
    """The features that numpy has to go without."""
    if kernels == "native":
        return []
    return [name for name in numpy_features() if kernels == "plain" or name not in AVX2]


def main() -> int:
    """Run the tests on each machine that was named, or on all; 1 where one of them failed."""
    names = [m.name for m in MACHINES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("machines", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all, if none is named")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="each test once: what processors may round otherwise by the plainest kernels, unless it takes long",
    )
    parser.add_argument("--seed", type=int, help="of the order of tests and of hashes, as an earlier run printed it")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    options, more = parser.parse_args(words[:end]), words[end + 1 :]
    if unknown := sorted(set(options.machines) - set(names)):
        parser.error(f"no machine {', '.join(unknown)}; there are {', '.join(names)}")
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    print(
        f"Order of tests and of hashes: --seed {seed}. "
        f"numpy finds {' '.join(numpy_features()) or 'nothing beyond its baseline'}"
    )
    failed = []
    for machine in MACHINES:
        if options.machines and machine.name not in options.machines:
            continue
        if machine.kernels == "avx2" and options.quick:
            continue
        if machine.kernels == "avx2" and (why := avx2_adds_nothing()):
            print(f"\n== {machine.name}: left out, {platform.processor() or platform.machine()} has {why}")
            continue
        started = time.monotonic()
        if machine.run(seed, more, quick=options.quick):
            failed.append(f"{machine.name} after {time.monotonic() - started:.0f} s")
    if failed:
        print(f"\nFailed: {', '.join(failed)}. Again: {sys.executable} {__file__} --seed {seed} {failed[0].split()[0]}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
