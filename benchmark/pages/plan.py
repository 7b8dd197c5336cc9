"""A suite that has not run, as a document: what it will compare, and what is published already."""

from collections import Counter

from benchmark.board.format import several
from benchmark.board.model import Checkpoint, PlanBoard
from benchmark.board.published import NOT_COMPARABLE
from benchmark.board.within_training import within_training
from benchmark.forms.suite import DmidData, Suite
from benchmark.forms.untuned import said
from benchmark.pages.environment import render
from benchmark.pages.readme import checkpoints_table, published_table
from benchmark.pages.sentences import NOT_A_DEVICE, SHUFFLED


def plan_of(suite: Suite) -> PlanBoard:
    """Return what a suite will run."""
    from benchmark.entries.plugins import plugin_of

    checkpoints = []
    for entry in suite.backbones:
        pinned = plugin_of(entry).checkpoint
        miniature = entry.checkpoint == "miniature"
        checkpoints.append(
            Checkpoint(
                name=f"{entry.name} (miniature)" if miniature else entry.name,
                backbone=entry.name,
                hub_id=pinned.hub_id,
                revision=pinned.revision,
                licence=pinned.licence + (", to be accepted on the hub" if pinned.gated else ""),
                parameters=None if miniature else pinned.parameters,
                miniature=miniature,
                folder=entry.is_folder,
                fingerprint="",
                quantization=entry.quantization,
                dtype=entry.dtype,
            )
        )
    data = " DMID=/path/to/DMID" if isinstance(suite.data, DmidData) else ""
    return PlanBoard(
        suite=suite,
        trials=suite.count_trials(),
        checkpoints=tuple(checkpoints),
        command=f"make sweep SUITE={suite.name}{data}",
    )


def readme(board: PlanBoard) -> str:
    """Return the document."""
    return render(
        "plan.md.j2",
        board=board,
        untuned=[said(way) for way in board.suite.untuned],
        warning=NOT_A_DEVICE,
        alone=_alone(board.suite),
        within_training=within_training(board.suite.protocol),
        control=SHUFFLED if board.suite.protocol.shuffles_images else "",
        checkpoints=checkpoints_table(board.checkpoints),
        published=published_table(),
        not_comparable=NOT_COMPARABLE,
    )


def _alone(suite: Suite) -> list[str]:
    """Say which points can't be packed, and why."""
    reasons = [point.alone for point in suite.points() if point.seed == suite.grid.seed[0]]
    counts = Counter(reason for reason in reasons if reason is not None)
    return [f"{several(n, 'point')} one after another, by plain peft: {reason}" for reason, n in counts.items()]


def line(board: PlanBoard) -> str:
    """Return the plan for a terminal."""
    return (
        f"{board.suite.title}: not yet run. {several(board.trials, 'trial')} are planned; `{board.command}` runs "
        f"them, `amrg plan {board.suite.name}` says what they cost."
    )
