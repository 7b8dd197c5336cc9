"""The check, run: each backbone is loaded in each way once, and each check stands for itself."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, cast

import torch

from backbones.base import Backbone
from benchmark.entries.named import miniature_entry, published_entry
from benchmark.entries.plugins import files_of, folder_name, is_by_name, plugin_of
from benchmark.errors import reason
from benchmark.executors.execute import quiet
from benchmark.gpu_check.found import Found
from benchmark.gpu_check.memory import memory, out_of_memory
from benchmark.gpu_check.model import Finding, GpuCheck, Kind
from benchmark.gpu_check.parity import parity, parity_with_dropout
from benchmark.gpu_check.sizes import BACKBONES, FULL, SMALL
from benchmark.gpu_check.speed import compiled, speed, with_and_without_kernels
from benchmark.gpu_check.subject import Subject, write_checkpoint
from benchmark.gpu_check.waits import waits
from benchmark.planning.devices import Target, named, of_machine
from benchmark.provenance import gpu, machine, now, provenance
from benchmark.results.store import write_json
from benchmark.tuning import kernels
from benchmark.tuning.memory import release

if TYPE_CHECKING:
    from backbones.generic import GenericBackbone

CHECKS: dict[Kind, Callable[[Subject], Found]] = {
    "parity": parity,
    "parity, dropout": parity_with_dropout,
    "waits": waits,
    "memory": memory,
    "out of memory": out_of_memory,
    "speed": speed,
    "kernels": with_and_without_kernels,
    "compile": compiled,
}
SECONDS: dict[Kind, float] = {
    "load": 20, "parity": 30, "parity, dropout": 20, "waits": 6, "memory": 23, "out of memory": 20, "speed": 65,
    "kernels": 22, "compile": 75,
}  # fmt: skip
"""That each takes on an H100. `compile` is assumed; the others were measured in bfloat16, where parity and the Trainer
wrote more, which is taken off."""


@dataclass(frozen=True)
class Part:
    """Checks of a backbone as it is loaded once.

    Attributes:
        backbone, quantization: what is loaded, in bfloat16.
        checks: in their order.
        widened: those that are made in float32 after them, by the same weights.
    """

    backbone: str
    quantization: str | None
    checks: tuple[Kind, ...]
    widened: tuple[Kind, ...] = ()


def parts(backbones: Sequence[str]) -> list[Part]:
    """Return all parts, what matters most first, so that a short budget leaves out what matters least."""
    first, *others = backbones
    usual: tuple[Kind, ...] = ("parity", "parity, dropout", "waits", "memory", "speed")
    in_4_bits: tuple[Kind, ...] = ("parity", "parity, dropout", "waits")
    return [
        Part(first, None, (*usual, "out of memory", "kernels"), widened=("parity",)),
        *(Part(name, None, usual) for name in others),
        Part(first, "nf4", in_4_bits),
        *(Part(name, "nf4", in_4_bits) for name in others),
        *(Part(name, None, ("compile",)) for name in backbones),
        *(Part(name, None, ("out of memory", "kernels"), widened=("parity",)) for name in others),
    ]


@dataclass
class Wanted:
    """What is asked for.

    Attributes:
        device: as torch names it.
        small: miniatures' structures instead of the published ones.
        minutes: how long it may take.
        out: the file that findings go to, written anew after each.
        backbones: which, by name, hub repository or folder.
        state: what their files don't say, each `name=value`.
    """

    device: str
    small: bool
    minutes: float
    out: Path
    backbones: tuple[str, ...] = BACKBONES
    state: tuple[str, ...] = ()

    def plugin(self, named: str) -> type[Backbone]:
        """Return the plugin of one of them; one that is made of a checkpoint's files is held to the contract first.

        Raises:
            UserError: there is no such backbone, something has to be stated, or it breaks the contract.
        """
        entry = (miniature_entry if self.small else published_entry)(named, self.state)
        plugin = plugin_of(entry)
        if is_by_name(entry):
            # The contract brings all that a backbone is checked with.
            from benchmark.tuning.checking import require

            require(files_of(entry), cast("type[GenericBackbone]", plugin))
        return plugin


@dataclass
class Run:
    """A check while it runs."""

    wanted: Wanted
    say: Callable[[Finding], None]
    target: Target
    result: GpuCheck
    began: float = field(default_factory=perf_counter)
    taken: float = 0.0
    assumed: float = 0.0

    @property
    def left(self) -> float:
        """Seconds left of the budget."""
        return 60 * self.wanted.minutes - (perf_counter() - self.began)

    def needed(self, kinds: Sequence[Kind]) -> float:
        """Return the seconds that checks need, by what was assumed of them and how far off that was so far."""
        slower = max(1.0, self.taken / self.assumed) if self.assumed else 1.0
        return slower * sum(SECONDS[kind] for kind in kinds)

    def note(self, finding: Finding) -> None:
        """Keep a finding, on disk too."""
        if finding.seconds and not self.wanted.small:
            self.taken, self.assumed = self.taken + finding.seconds, self.assumed + SECONDS[finding.check]
        self.write(findings=(*self.result.findings, finding))
        self.say(finding)

    def write(self, **changes: object) -> None:
        """Write all that was found so far."""
        seconds = round(perf_counter() - self.began, 1)
        self.result = self.result.model_copy(update={**changes, "seconds": seconds})
        write_json(self.wanted.out, self.result)


def run(wanted: Wanted, say: Callable[[Finding], None]) -> GpuCheck:
    """Make all checks that the budget has room for; none that fails stops another.

    Args:
        wanted: what.
        say: told of each finding.
    """
    quiet()
    target = named("cpu") if wanted.device == "cpu" else of_machine(small=False)
    name, memory_bytes = gpu(wanted.device)
    about = machine()
    result = GpuCheck(
        **dict(provenance()),
        device=name or about.processor,
        memory_bytes=memory_bytes,
        peak_tflops=target.card.tensor if target.card else None,
        card=target.card.name if target.card else None,
        machine=about,
        kernels=kernels.name() if find_spec("liger_kernel") else None,
        small=wanted.small,
        minutes=wanted.minutes,
        at=now(),
    )
    running = Run(wanted, say, target, result)
    running.write()
    with TemporaryDirectory(prefix="amrg-gpu-check-") as folder:
        for part in parts(wanted.backbones):
            _part(running, part, Path(folder))
    running.write(complete=True)
    return running.result


def _part(running: Run, part: Part, work: Path) -> None:
    """Load a backbone, and make its checks as far as the budget reaches."""
    if part.quantization and find_spec("bitsandbytes") is None:
        _skip(running, part, part.checks, "bfloat16", "bitsandbytes isn't installed")
        return
    if running.left < running.needed(["load", part.checks[0]]):
        _skip(running, part, ["load", *part.checks], "bfloat16", _out_of_time(running, ["load", part.checks[0]]))
        _skip(running, part, part.widened, "float32", "it wasn't loaded")
        return
    began = perf_counter()
    try:
        subject = _loaded(running, part, work)
    except Exception as error:
        seconds = perf_counter() - began
        running.note(_finding(part, "load", "bfloat16", seconds, problem=reason(error, ())))
        _skip(running, part, part.checks, "bfloat16", "it couldn't be loaded")
        _skip(running, part, part.widened, "float32", "it couldn't be loaded")
        return
    found = Found(note=f"{sum(p.numel() * p.element_size() for p in subject.backbone.model.parameters()) / 1e9:.2f} GB")
    running.note(_finding(part, "load", "bfloat16", perf_counter() - began, found))
    for kind in part.checks:
        _check(running, part, kind, subject)
    if part.widened:
        try:
            subject.backbone.model.float()
            subject.dtype = "float32"
            subject.__dict__.pop("features", None)
        except Exception as error:
            _skip(running, part, part.widened, "float32", reason(error, ()))
        else:
            for kind in part.widened:
                _check(running, part, kind, subject)
    del subject
    release(torch.device(running.wanted.device))


def _loaded(running: Run, part: Part, work: Path) -> Subject:
    wanted, plugin = running.wanted, running.wanted.plugin(part.backbone)
    folder = work / folder_name(plugin.name)
    if not folder.is_dir():
        write_checkpoint(plugin, folder, small=wanted.small)
    backbone = plugin.load(folder, device=wanted.device, dtype=torch.bfloat16, quantization=part.quantization)
    sizes = SMALL if wanted.small else FULL
    return Subject(backbone, "bfloat16", part.quantization, sizes, wanted.small, running.target, work)


def _check(running: Run, part: Part, kind: Kind, subject: Subject) -> None:
    if running.left < running.needed([kind]):
        _skip(running, part, [kind], subject.dtype, _out_of_time(running, [kind]))
        return
    began = perf_counter()
    found, problem = Found(), ""
    try:
        found = CHECKS[kind](subject)
        subject.synchronize()
    except Exception as error:
        problem = reason(error, ())
    seconds = perf_counter() - began
    subject.forget_folders()
    gc.collect()
    subject.release()
    running.note(_finding(part, kind, subject.dtype, seconds, found, problem=problem))


def _skip(running: Run, part: Part, kinds: Sequence[Kind], dtype: str, why: str) -> None:
    for kind in kinds:
        running.note(
            Finding(
                check=kind,
                backbone=part.backbone,
                dtype=dtype,
                quantization=part.quantization,
                ended="skipped",
                reason=why,
            )
        )


def _out_of_time(running: Run, kinds: Sequence[Kind]) -> str:
    left, needed = max(0.0, running.left), running.needed(kinds)
    return f"{left:.0f} s are left of {running.wanted.minutes:g} minutes, about {needed:.0f} s are needed"


def _finding(
    part: Part, kind: Kind, dtype: str, seconds: float, found: Found | None = None, *, problem: str = ""
) -> Finding:
    found = found or Found()
    wrong = "; ".join(filter(None, [problem, found.wrong]))
    return Finding(
        check=kind,
        backbone=part.backbone,
        dtype=dtype,
        quantization=part.quantization,
        ended="failed" if wrong else "skipped" if found.skipped else "passed",
        reason=wrong or found.skipped,
        seconds=round(seconds, 2),
        note=found.note,
        differences=tuple(found.differences),
        memory=tuple(found.memory),
        speeds=tuple(found.speeds),
    )
