"""Whether the host waits for the device within training steps; no other check can see that."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch

from backbones.private.reads import NoReads
from benchmark.gpu_check.found import Found
from benchmark.gpu_check.subject import Subject
from benchmark.tuning.packed.stepping import Stepping
from benchmark.tuning.snapshots import Snapshot

STEPS = 3
"""That are watched, after one in which libraries set themselves up."""


def waits(subject: Subject) -> Found:
    """Train packed trials while everything that waits for the device is an error."""
    sizes, (low, high) = subject.sizes, subject.sizes.ranks
    trials = subject.trials([(low, 0), (high, 1)], batch_size=sizes.parity_rows, steps=STEPS + 1, dropout=0.05)
    pack = Stepping(subject.backbone, [Snapshot(trial) for trial in trials], subject.data(sizes.report), merge=False)
    with pack.begun():
        pack.take([0])
        subject.synchronize()
        pack.take(range(1, STEPS + 1), partial(_waiting_forbidden, subject.device))
        pack.look()
    how = "torch.cuda.set_sync_debug_mode" if subject.device.type == "cuda" else "a watch for values that are read"
    return Found(note=f"{STEPS} steps under {how}")


@contextmanager
def _waiting_forbidden(device: torch.device) -> Iterator[None]:
    """Make it an error, within, to wait for the device; on a processor, which is never waited for, to read a value."""
    if device.type != "cuda":
        with NoReads():
            yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")
