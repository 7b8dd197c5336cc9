"""What is decided within training, in words: which step's adapter is kept."""

from benchmark.board.format import several
from benchmark.evaluations import LOSS
from benchmark.suite import Protocol
from metrics.registry import METRICS


def criterion_label(name: str) -> str:
    """Return what a criterion is called, for people."""
    return "loss" if name == LOSS else METRICS[name].label


def within_training(protocol: Protocol) -> str:
    """Return what the validation part says within training, in words; nothing where it isn't asked."""
    if protocol.evaluate_every is None:
        return ""
    when = (
        "each epoch" if protocol.evaluate_every == "epoch" else f"every {several(int(protocol.evaluate_every), 'step')}"
    )
    said = f"evaluated on the validation part after {when} and at the end"
    if protocol.keep == "best":
        better = (
            "least" if protocol.keep_by == LOSS or METRICS[protocol.keep_by].higher_is_better is False else "highest"
        )
        return f"{said}; kept is the adapter of the {better} {criterion_label(protocol.keep_by)} there"
    return f"{said}; kept is the adapter of the last step"
