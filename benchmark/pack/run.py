"""A pack, run: stage by stage, each of which finds what an earlier session finished and does the rest."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext

from benchmark.forms.record import Stage
from benchmark.pack.model import Pack
from benchmark.pack.session import Session
from benchmark.pack.stages import encode_images, load_backbone, score_trials, train_adapters, write_reports
from benchmark.progress.events import spanned

STAGES: dict[Stage, Callable[[Session], None]] = {
    "load": load_backbone,
    "vision": encode_images,
    "train": train_adapters,
    "generate": write_reports,
    "score": score_trials,
}


def run_pack(
    pack: Pack, around: Callable[[Stage], AbstractContextManager[None]] = lambda _: nullcontext()
) -> dict[str, str | None]:
    """Train, write and score the trials of a pack that aren't done; what is finished is never done again.

    An error ends the trial that it came about in, which becomes a row of the leaderboard, and no other; one that no
    single trial is guilty of ends all that were in the stage.

    Args:
        pack: what to run.
        around: gives what holds within a stage, such as a clock.

    Returns:
        Why each trial failed, or None, by id; without those that were done already or that another process is at.

    Raises:
        UserError: something that concerns all trials and that the user can mend.
        MachineFault: the machine failed, as by a full disk; what was finished is kept.
    """
    with ExitStack() as until_the_end:
        session = Session.begin(pack, until_the_end)
        for stage, work in STAGES.items():
            if trials := session.concerned(stage):
                with around(stage), spanned(stage, pack.entry.name), session.guarded(stage, trials):
                    work(session)
        return session.ended
