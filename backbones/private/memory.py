"""torch's errors of memory that ran out."""


def host_memory_ran_out(error: BaseException) -> bool:
    """Return whether torch says so of the host's memory, for which it has no error class of its own."""
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
