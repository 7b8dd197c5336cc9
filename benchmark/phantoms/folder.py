"""Where a suite's phantoms lie: drawn once, as a folder in DMID's layout, in this user's cache."""

from pathlib import Path

from backbones.locks import making
from benchmark.data import dmid
from benchmark.errors import UserError
from benchmark.forms.suite import PhantomData
from benchmark.phantoms import write
from benchmark.phantoms.places import phantom_folder
from benchmark.products import discard_unsound, tell_waiting
from benchmark.progress.events import Event, progress, tell


def draw_phantoms(part: PhantomData, processes: int) -> Path:
    """Return the folder of a suite's phantoms, drawn by so many processes if it isn't there."""
    folder = phantom_folder(part)
    with making(folder, tell_waiting(f"phantoms in {folder}")):
        discard_unsound(folder, "phantoms")
        if not folder.is_dir():
            detail = f"{part.studies} images of {part.size} pixels, written as a DMID folder to {folder}"
            tell(Event("stage", "phantoms", detail=detail))
            write.write(
                folder,
                studies=part.studies,
                seed=part.seed,
                size=part.size,
                dialect=part.dialect,
                jobs=processes,
                progress=progress("phantoms"),
                manifest=True,
            )
    return folder


def drawn_phantoms(part: PhantomData, fingerprint: str) -> Path | None:
    """Return the folder of the phantoms that a suite ran on, or None where this user's cache doesn't have them.

    They are known by their fingerprint: drawn by an earlier version, they lie in another folder than new ones would.
    """
    likely = phantom_folder(part)
    for folder in (likely, *sorted(set(likely.parent.glob("*")) - {likely})):
        if not folder.is_dir():
            continue
        try:
            release = dmid.read(folder)
        except UserError:
            continue  # cut short, while another sweep draws it say
        if release.fingerprint == fingerprint:
            return folder
    return None
