"""What is decided within training, in words: which step's adapter is kept."""

from benchmark.forms.suite import Protocol
from benchmark.results.evaluations import LOSS
from metrics.registry import METRICS


def criterion_label(name: str) -> str:
    """Return what a criterion is called, for people."""
    return "loss" if name == LOSS else METRICS[name].label


def within_training(protocol: Protocol) -> str:
    """Return what the validation part says within training, in words; nothing where it isn't asked."""
    if protocol.evaluate_every is None:
        return ""
    every = protocol.evaluate_every
    when = "each epoch" if every == "epoch" else "each step" if every == 1 else f"every {every} steps"
    said = f"evaluated on the validation part after {when} and at the end"
    if protocol.keep == "last":
        return f"{said}; kept is the adapter of the last step"
    least = protocol.keep_by == LOSS or METRICS[protocol.keep_by].higher_is_better is False
    best = f"{'least' if least else 'highest'} {criterion_label(protocol.keep_by)}"
    return f"{said}; kept is the adapter of the {best} there"
