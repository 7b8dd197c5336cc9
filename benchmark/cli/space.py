"""How much address space `amrg` has to be allowed, so that what it imports can be loaded at all."""

from benchmark.errors import RunFailed

PYTHON = 64_000_000
"""Bytes that Python takes with what every verb imports, at least. Where it has less, even its own errors go wrong."""
NUMPY = 500_000_000
"""The same with numpy, scipy and their like."""
TORCH = 2_000_000_000
"""The same with torch: importing it alone takes more."""
WITH_TORCH = {"sweep", "plan", "rehearse", "gpu-check", "bench", "evaluate", "generate"}
"""Verbs that import torch."""
WITHOUT_NUMPY = {"status", "results"}
"""Verbs that import no numpy: what runs can be looked at wherever Python starts."""


def refuse_little_space_for(verb: str | None) -> None:
    """Raise where this process may take less address space than what a verb has to import takes in any case.

    Args:
        verb: of `amrg`.

    Raises:
        RunFailed: as `refuse_little_space` says it.
    """
    if verb not in WITHOUT_NUMPY:
        refuse_little_space(TORCH if verb in WITH_TORCH else NUMPY)


def refuse_little_space(least: int) -> None:
    """Raise where this process may take less address space than so many bytes.

    A library that finds none left while it is loaded mostly says so. OpenBLAS asks again for ever, and no signal ends
    it but SIGKILL.

    Raises:
        RunFailed: it may not; with how much it may.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if allowed != resource.RLIM_INFINITY and allowed < least:
        raise RunFailed(
            f"memory is used up: {allowed / 1e6:,.0f} MB of address space are allowed here, and what has to be "
            f"imported takes more than {least / 1e6:,.0f} MB. Raise the limit (`ulimit -v`). Nothing was begun."
        )
