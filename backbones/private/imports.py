"""peft imported without torch's compiler, which bitsandbytes would load with it: a sixth of what a start takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

Function = Callable[..., Any]


def import_peft() -> None:
    """Import peft, and with it transformers and bitsandbytes, and leave torch's compiler to whoever compiles."""
    with compiled_later():
        import peft  # noqa: F401


@contextmanager
def compiled_later() -> Iterator[None]:
    """Let functions that are marked within for `torch.compile` be compiled when they are called first.

    bitsandbytes (0.50) marks four when it is imported. `torch.compile` then loads inductor, triton's kernels and
    networkx at once, which takes two seconds of processor time, and nothing here calls those functions but quantised
    models on a processor.
    """
    import torch

    compile_now: Function = torch.compile

    def later(function: Function | None = None, **options: Any) -> Function:
        if function is None:
            return lambda one: later(one, **options)
        compiled: list[Function] = []

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if not compiled:
                compiled.append(compile_now(function, **options))
            return compiled[0](*arguments, **named)

        return call

    torch.compile = later  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.compile = compile_now
