"""Packs as jobs of Slurm, by submitit: an array task a pack, which works on what of it nobody has claimed by a lock."""

import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.errors import RunFailed, UserError
from benchmark.executors.execute import Needs
from benchmark.executors.piece import Ended, Piece, run_piece
from benchmark.executors.remote import END_SECONDS, POLL_SECONDS, RETRIES, Opened, Remote, not_installed

if TYPE_CHECKING:
    from submitit import AutoExecutor, Job

AT_ONCE = 16
"""Jobs of an array that run at the same time, at most, unless --jobs says how many."""
GB = 1e9
TRY = "cluster"
"""The setting whose value `local` runs jobs as processes of this machine, where there is no Slurm: for a try."""


class Slurm(Remote):
    """Slurm, on a machine that may submit jobs.

    Args:
        settings: of `sbatch`, by name, e.g. partition, time, account; `cluster: local` for a try without Slurm.

    Raises:
        UserError: submitit isn't installed, or there is no Slurm here.
    """

    name = "slurm"

    def __init__(self, settings: Mapping[str, str]) -> None:
        super().__init__()
        try:
            import submitit
        except ImportError:
            raise not_installed("submitit") from None
        self._submitit = submitit
        self._settings = dict(settings)
        self._is_local = self._settings.pop(TRY, "slurm") == "local"
        if not self._is_local and shutil.which("sbatch") is None:
            raise UserError(
                "there is no Slurm here: `sbatch` isn't found. Run the command on a machine that may submit jobs; "
                f"--slurm {TRY}=local tries it without Slurm."
            )
        self._jobs: list[Job[Ended]] = []

    def has_gpus(self) -> bool:
        """Return whether jobs ask for a GPU: always, but where a try is made without Slurm."""
        return not self._is_local

    def gpu_memory(self, ask: Callable[[], float]) -> float:
        """Return infinity: which GPU a job gets is known when it runs, and a trial that doesn't fit says so then."""
        return math.inf

    def set_processes(self, wanted: int | None, *, gpus: bool) -> None:
        """Settle how many jobs run at the same time: as wanted, else `AT_ONCE`."""
        self.processes = wanted or AT_ONCE

    def _handed_out(self, pieces: Sequence[Piece], opened: Opened) -> Iterator[tuple[int, Ended]]:
        waiting: dict[int, Job[Ended]] = {}
        for needs in dict.fromkeys(piece.needs for piece in pieces):
            alike = [index for index, piece in enumerate(pieces) if piece.needs == needs]
            submitted = self._executor(needs, opened).map_array(run_piece, [pieces[index] for index in alike])
            waiting |= dict(zip(alike, submitted, strict=True))
        self._jobs = list(waiting.values())
        tries = dict.fromkeys(waiting, 0)
        while waiting:
            time.sleep(POLL_SECONDS)
            yield -1, Ended()
            for index, job in list(waiting.items()):
                if not job.done():
                    continue
                ended = self._end_of(job)
                if ended is not None:
                    del waiting[index]
                    yield index, ended
                    continue
                tries[index] += 1
                if tries[index] > RETRIES:
                    raise RunFailed(
                        f"job {job.job_id} was lost, {RETRIES + 1} times in a row. What was finished is kept; run the "
                        "same command again, with more memory or time (--slurm time=…), or fewer trials at a time."
                    )
                waiting[index] = self._executor(pieces[index].needs, opened).submit(run_piece, pieces[index])
                self._jobs = list(waiting.values())

    def _end_of(self, job: "Job[Ended]") -> Ended | None:
        """Return how a job ended; None where it was lost on the way."""
        try:
            return job.result()
        except self._submitit.core.utils.UncompletedJobError:
            return None
        except self._submitit.core.utils.FailedJobError as error:
            last = str(error).strip().splitlines()[-1:]
            raise RunFailed(f"job {job.job_id} failed: {' '.join(last)} What was finished is kept.") from None

    def _executor(self, needs: Needs, opened: Opened) -> "AutoExecutor":
        """Return what submits jobs with such needs."""
        executor = self._submitit.AutoExecutor(opened.folder, cluster="local" if self._is_local else "slurm")
        common: dict[str, Any] = {"name": "amrg", "cpus_per_task": 1, "gpus_per_node": needs.gpus, "nodes": 1}
        common["timeout_min"] = 24 * 60
        if needs.memory:
            common["mem_gb"] = math.ceil(needs.memory / GB)
        if not self._is_local:
            common["slurm_array_parallelism"] = self.processes
            if "time" in self._settings:
                common["slurm_time"] = self._settings["time"]
            further = {name: value for name, value in self._settings.items() if name != "time"}
            common["slurm_additional_parameters"] = further
        executor.update_parameters(**common)
        return executor

    def end(self, *, now: bool) -> None:
        """Cancel what still runs or waits, where it is to end now."""
        left = [job for job in self._jobs if now and not job.done()]
        for job in left:
            job.cancel(check=False)
        deadline = time.monotonic() + END_SECONDS
        while not all(job.done() for job in left) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
