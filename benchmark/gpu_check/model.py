"""What `amrg gpu-check` finds, as data: the content of `gpu-check.json`."""

import math
from datetime import datetime
from typing import Literal

from pydantic import field_validator

from benchmark.forms.record import Machine, Provenance, Stored
from benchmark.rehearsal.model import TOLERANCE

GPU_CHECK = 1
"""Version of the form."""
Kind = Literal["load", "parity", "parity, dropout", "waits", "memory", "out of memory", "speed", "kernels", "compile"]
Ended = Literal["passed", "failed", "skipped"]
Contender = Literal["A", "C", "D"]
"""As in `amrg bench`: the Trainer with peft, our sequential engine, our packed engine."""


class Difference(Stored):
    """How far the packed engine is from plain peft.

    Attributes:
        what: is compared.
        value: relative; None where it is no finite number, which JSON can't hold.
        allowed: None where nothing is promised.
    """

    what: str
    value: float | None
    allowed: float | None = None

    @field_validator("value")
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        return value if value is not None and math.isfinite(value) else None

    @property
    def exceeds(self) -> bool:
        """Whether it is more than allowed, or no number."""
        return self.allowed is not None and (self.value is None or self.value > self.allowed)

    def __str__(self) -> str:
        value = "not finite" if self.value is None else f"{self.value:.1e}"
        return f"{self.what} {value}" + ("" if self.allowed is None else f" (allowed {self.allowed:.0e})")


class MemoryUse(Stored):
    """Bytes at the peak of a stage beside the plan's.

    Attributes:
        stage: what was done.
        measured, planned: bytes.
        judged: whether more than planned is a failure; at reduced size and on a processor it isn't.
    """

    stage: str
    measured: int
    planned: int
    judged: bool = True

    @property
    def exceeds(self) -> bool:
        """Whether it is over the plan, beyond a rehearsal's tolerance."""
        return self.judged and self.measured > (1 + TOLERANCE) * self.planned


class Speed(Stored):
    """How fast a contender trains and writes.

    Attributes:
        contender, way: who, and what is other than usual.
        trials, together: asked for, and how many of them memory holds at a time, which is what was measured.
        rows, tokens: reports of a trial in a step, and tokens of each.
        steps_per_second: optimiser steps of all trials together.
        operations_per_second, share_of_peak: by the plan's count, and of the card's rate by its data sheet.
        reports_per_second, new_tokens: reports written, of so many tokens each; None where none were.
        first_step_seconds: the first step, in which kernels are chosen and code is compiled.
    """

    contender: Contender
    way: str = ""
    trials: int
    together: int
    rows: int
    tokens: int
    steps_per_second: float
    operations_per_second: float
    share_of_peak: float | None = None
    reports_per_second: float | None = None
    new_tokens: int | None = None
    first_step_seconds: float | None = None


class Finding(Stored):
    """One check of one backbone.

    Attributes:
        check, backbone, dtype, quantization: what was done on what.
        ended: how; a check that didn't pass stops no other.
        reason: why it failed or was skipped.
        seconds: by the clock.
        note: what is to be known of it.
        differences, memory, speeds: what it measured.
    """

    check: Kind
    backbone: str
    dtype: str
    quantization: str | None = None
    ended: Ended
    reason: str = ""
    seconds: float = 0.0
    note: str = ""
    differences: tuple[Difference, ...] = ()
    memory: tuple[MemoryUse, ...] = ()
    speeds: tuple[Speed, ...] = ()


class GpuCheck(Provenance):
    """All that was found; written anew after each check, so that what a time limit cuts off leaves the rest.

    Attributes:
        schema_version: of this model.
        device, memory_bytes: the GPU's name as torch gives it, and its memory; the processor's where small.
        peak_tflops, card: its dense 16-bit rate by the data sheet of which card; None where none is known.
        machine: beside it.
        kernels: of a library beside torch's, where they are installed.
        small: whether all was run at reduced size.
        minutes, seconds: asked for and taken.
        complete: whether it came to its end.
        at: when it began.
        findings: in the order of the work.
    """

    schema_version: int = GPU_CHECK
    device: str
    memory_bytes: int | None
    peak_tflops: float | None = None
    card: str | None = None
    machine: Machine
    kernels: str | None = None
    small: bool
    minutes: float
    seconds: float = 0.0
    complete: bool = False
    at: datetime
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed; what was skipped says nothing."""
        return not any(finding.ended == "failed" for finding in self.findings)
