"""`amrg`: one command a verb. Commands parse, call and print; no logic lives here.

Each group of verbs is a file of this package, and `verbs` has all of them. Nothing of that is imported here: what goes
wrong while it is imported, for want of memory or at a bad disk, is a sentence as well, and so is a signal.
"""

import os
from contextlib import suppress


def main() -> None:
    """Run `amrg`.

    Exit code 0: done; 1: a run failed; 2: a mistake in what was given; 128 and its number: a signal ended it, 130 for
    Ctrl-C.
    """
    try:
        from benchmark.cli.space import PYTHON, refuse_little_space
        from benchmark.executors.ending import end_at_signals

        refuse_little_space(PYTHON)
        end_at_signals()
        from benchmark.cli.verbs import run
    except BaseException as error:
        _end_unstarted(error)
        raise
    run()


def _end_unstarted(error: BaseException) -> None:
    """Say why nothing was begun, and end; return where that is neither a signal nor a fault of the machine."""
    try:
        said, code = _said_of(error)
    except Exception as another:  # of what it imports
        if not any(isinstance(one, MemoryError) or "failed to map segment" in str(one) for one in (error, another)):
            return
        said, code = "error: memory is used up. Give it more (`ulimit -v`, other programs). Nothing was begun.", 1
    if said is None:
        return
    with suppress(OSError):
        os.write(2, f"{said}\n".encode(errors="replace"))
    os._exit(code)  # what was imported by half might fail at its own end


def _said_of(error: BaseException) -> tuple[str | None, int]:
    """Return what is said of an error before anything was begun, and the exit code; None where it is a mistake here."""
    from benchmark.errors import RunFailed
    from benchmark.executors.ending import Ended

    if isinstance(error, Ended):
        return f"Interrupted ({error}) before anything was begun.", error.exit_code
    if isinstance(error, RunFailed):
        return f"error: {error}", error.exit_code
    from benchmark.disk.faults import fault_of

    fault = fault_of(error)
    return (None, 1) if fault is None else (f"error: amrg couldn't start: {fault}", fault.exit_code)
