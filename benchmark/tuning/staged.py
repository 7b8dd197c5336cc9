"""What training leaves of trials that trained together: in all of their folders, or in none, whatever interrupts it.

A trial that trains beside others ends in other last digits than alone. So what a pack leaves is first written whole
beside its place, in `.trained` of each trial's folder, with the ids of all; only when the disk holds every one is the
first put in its place. What an interruption left of that, the next session puts in place where all of it is there, and
throws away where it isn't: then none of the pack is trained.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.disk.files import read_model, remove, write_json
from benchmark.errors import UserError
from benchmark.forms.record import Stored, WrittenFiles
from benchmark.results.integrity import differing
from benchmark.results.trial_folder import TrialFolder


class TrainedTogether(Stored):
    """The content of `.trained/together.json`, written last.

    Attributes:
        schema_version: of this model.
        trials: ids of all that trained at the same time and went through to the end.
    """

    schema_version: int = 1
    trials: tuple[str, ...]


def begin(folder: TrialFolder) -> TrialFolder:
    """Return an empty folder beside a trial's results, for what training leaves."""
    remove(folder.staged.path)
    return folder.staged


def put_all_in_place(folders: Sequence[TrialFolder]) -> None:
    """Put in place what training has left in `staged` of these folders: in all of them, or in none.

    Args:
        folders: of the trials that trained together.
    """
    together = TrainedTogether(trials=tuple(folder.path.name for folder in folders))
    for folder in folders:
        write_json(_mark(folder), together, durable=True)
    for folder in folders:
        _put_in_place(folder)


def settle_interrupted(folder: TrialFolder, of: Callable[[str], TrialFolder]) -> None:
    """Put in place what an interruption kept from it, or throw it away; whoever calls it holds the trial's lock.

    Args:
        folder: the trial's.
        of: gives the folder of a trial by its id.
    """
    if folder.staged.path.exists():
        if (together := _together(folder)) is not None and all(_is_whole(of(one), together) for one in together.trials):
            _put_in_place(folder)
        else:
            remove(folder.staged.path)


def _is_whole(folder: TrialFolder, together: TrainedTogether) -> bool:
    """Return whether what training left of a trial is there: in its place, or where it was staged with these others."""
    if _together(folder) != together:
        return folder.is_trained()
    files = read_model(folder.staged.written, WrittenFiles).files
    missing = differing(folder.staged.path, files)
    return not differing(folder.path, {name: files[name] for name in missing})


def _together(folder: TrialFolder) -> TrainedTogether | None:
    """Return with whom a trial's training was staged; None where nothing whole was."""
    try:
        together = read_model(_mark(folder), TrainedTogether)
        read_model(folder.staged.written, WrittenFiles)
    except UserError:
        return None
    return together if folder.path.name in together.trials else None


def _put_in_place(folder: TrialFolder) -> None:
    folder.take_trained(folder.staged, read_model(folder.staged.written, WrittenFiles).files)
    remove(folder.snapshot)  # which the adapter takes the place of
    remove(_mark(folder))
    remove(folder.staged.path)


def _mark(folder: TrialFolder) -> Path:
    return folder.staged.path / "together.json"
