"""Where the weights of a suite's backbones lie: the hub's cache, a folder, or a miniature's, trained if need be."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmark.errors import UserError
from benchmark.executors.execute import Workers, prepare_worker
from benchmark.forms.suite import Entry, Suite
from benchmark.phantoms import miniatures
from benchmark.phantoms.miniatures import MiniatureJob
from benchmark.products import problems_of
from benchmark.progress.events import Event, progress, spanned, tell

if TYPE_CHECKING:
    from backbones.generic import GenericBackbone


@dataclass(frozen=True)
class Weights:
    """A backbone's weights.

    Attributes:
        source: the folder that they lie in; None for the hub's cache.
        fingerprint: of weights, configuration and tokenizer.
    """

    source: Path | None
    fingerprint: str


def find_weights(suite: Suite, workers: Workers) -> dict[str, Weights]:
    """Return the weights of each backbone of a suite; miniatures are trained that lie nowhere."""
    sources = {entry.name: _source(suite, entry) for entry in suite.backbones}
    jobs = [job for job in sources.values() if isinstance(job, MiniatureJob)]
    if new := [job for job in jobs if not miniatures.is_sound(job)]:
        names = ", ".join(job.backbone for job in new)
        what = f"trained on {new[0].part.examples} phantoms of their own: {names}"
        tell(Event("stage", "miniatures", detail=what))
        with spanned("phantoms", "of miniatures"):
            miniatures.draw_examples(new[0], processes=workers.here, progress=progress("miniatures: phantoms"))
    work = [partial(_prepare, entry, sources[entry.name]) for entry in suite.backbones]
    weights = dict(workers.run(work))
    return {entry.name: weights[index] for index, entry in enumerate(suite.backbones)}


def _source(suite: Suite, entry: Entry) -> Path | MiniatureJob | None:
    if entry.checkpoint == "miniature":
        return miniatures.source_of(suite, entry)
    return None if entry.checkpoint == "hub" else Path(entry.checkpoint)


def _prepare(entry: Entry, source: Path | MiniatureJob | None) -> Weights:
    """Make or find one checkpoint, in a worker."""
    from backbones.checkpoint import fingerprint, locate
    from benchmark.entries.plugins import files_of, is_by_name, plugin_of

    plugin = plugin_of(entry)
    if is_by_name(entry):
        prepare_worker()
        from benchmark.tuning.checking import require  # the contract brings all that a backbone is checked with

        require(files_of(entry), cast("type[GenericBackbone]", plugin))
    if isinstance(source, MiniatureJob):
        prepare_worker()
        with spanned("miniature", entry.name):
            source = miniatures.build(source, progress(f"{entry.name}: miniature"))
    elif entry.checkpoint == "miniature" and source is not None and (problems := problems_of(source)):
        raise UserError(
            f"{entry.name}: its miniature isn't the one that comes with amrg: {'; '.join(problems)}. Install amrg "
            "again (in a checkout: git checkout -- backbones/miniatures)."
        )
    return Weights(source, fingerprint(locate(source, plugin.checkpoint)))
