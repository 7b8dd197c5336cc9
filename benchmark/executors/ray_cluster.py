"""Packs as tasks of a Ray cluster: Ray places them, and runs them elsewhere where a worker or a node is lost."""

import math
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmark.errors import RunFailed, UserError
from benchmark.executors import ending
from benchmark.executors.execute import Needs
from benchmark.executors.piece import Ended, Piece, run_piece
from benchmark.executors.remote import END_SECONDS, POLL_SECONDS, RETRIES, Opened, Remote, not_installed

if TYPE_CHECKING:
    from types import ModuleType

CONNECT_SECONDS = 5.0
PROBE_SECONDS = 300.0
"""How long a node may take to say how large its GPU is: it imports torch for that."""
GB = 1e9


class RayCluster(Remote):
    """A Ray cluster that runs.

    Args:
        address: HOST:PORT of its head; None for the cluster that this machine belongs to, or that RAY_ADDRESS names.

    Raises:
        UserError: Ray isn't installed, nothing answers there, or the cluster has another version of Ray or Python.
    """

    name = "ray"

    def __init__(self, address: str | None) -> None:
        super().__init__()
        self._ray = _connected(address)
        self._waiting: dict[Any, int] = {}

    def has_gpus(self) -> bool:
        """Return whether a node of it has a GPU."""
        return any(node.get("GPU", 0) >= 1 for node in self._nodes())

    def gpu_memory(self, ask: Callable[[], float]) -> float:
        """Return GB of memory of the GPU that a task is given, the first that is free."""
        asked = self._ray.remote(num_gpus=1, max_retries=RETRIES)(ask).remote()
        try:
            return float(self._ray.get(asked, timeout=PROBE_SECONDS))
        except self._ray.exceptions.RayError as error:
            raise RunFailed(f"the Ray cluster gave no GPU to ask how large it is: {_first_line(error)}.") from error

    def set_processes(self, wanted: int | None, *, gpus: bool) -> None:
        """Settle how many packs are dealt: as wanted, else one for each GPU or core there is now.

        Machines that join later take what waits.
        """
        there = sum(int(node.get("GPU" if gpus else "CPU", 0)) for node in self._nodes())
        self.processes = wanted or max(1, there)

    def _handed_out(self, pieces: Sequence[Piece], opened: Opened) -> Iterator[tuple[int, Ended]]:
        self._refuse_unplaceable([piece.needs for piece in pieces])
        task = self._ray.remote(run_piece)
        waiting: dict[Any, int] = {}
        for index, piece in enumerate(pieces):
            needs = piece.needs
            options = {"num_cpus": 1, "num_gpus": needs.gpus, "memory": needs.memory or None}
            # Ray's own errors alone are tried again; what a piece raises comes back as what it returns.
            reference = task.options(**options, max_retries=RETRIES, retry_exceptions=False, name="amrg").remote(piece)
            waiting[reference] = index
        self._waiting = waiting
        while waiting:
            # Not within Ray: what a signal raises there, its own code can't pass on.
            time.sleep(POLL_SECONDS)
            with _signals_passed_on():
                ended, _ = self._ray.wait(list(waiting), num_returns=len(waiting), timeout=0)
            yield -1, Ended()
            for reference in ended:
                yield waiting.pop(reference), self._end_of(reference)

    def _end_of(self, reference: Any) -> Ended:
        """Return how a task ended.

        Raises:
            RunFailed: its machine was lost too often, or it could not be started.
        """
        exceptions = self._ray.exceptions
        try:
            with _signals_passed_on():
                ended = self._ray.get(reference)
        except exceptions.OutOfMemoryError as error:
            raise RunFailed(
                f"memory is used up on a node of the Ray cluster, {RETRIES + 1} times. What was finished is kept; run "
                "the same command again with fewer trials at a time (--jobs), or on larger nodes."
            ) from error
        except (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.ObjectLostError) as error:
            raise RunFailed(
                f"a worker of the Ray cluster was lost {RETRIES + 1} times, most likely for want of memory. What was "
                "finished is kept; run the same command again, with fewer trials at a time (--jobs)."
            ) from error
        except exceptions.RayError as error:
            raise RunFailed(
                f"the Ray cluster could not run a pack: {_first_line(error)}. What was finished is kept. Is amrg "
                "installed on every node?"
            ) from error
        assert isinstance(ended, Ended), "`run_piece` returns it"
        return ended

    def _refuse_unplaceable(self, needs: Sequence[Needs]) -> None:
        """Raise where no node can take a piece: Ray would wait for one for ever."""
        nodes = self._nodes()
        for need in sorted(set(needs), key=lambda need: (need.gpus, need.memory), reverse=True):
            if not any(_holds(node, need) for node in nodes):
                largest = max((node.get("memory", 0) for node in nodes), default=0)
                asked = f"{need.gpus} GPU and " if need.gpus else ""
                gpus = max((node.get("GPU", 0) for node in nodes), default=0)
                raise UserError(
                    f"no node of the Ray cluster can take a pack, which needs {asked}1 core and "
                    f"{need.memory / GB:.1f} GB of memory; of {len(nodes)} nodes the largest has {int(gpus)} GPUs and "
                    f"{largest / GB:.1f} GB. Add a larger node, or start nodes with more (`ray start --memory`)."
                )

    def _nodes(self) -> list[Mapping[str, float]]:
        """Return the resources of every node that lives."""
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def end(self, *, now: bool) -> None:
        """Leave the cluster, which ends what this sweep still runs there."""
        if now and self._waiting:
            for reference in self._waiting:
                self._ray.cancel(reference, force=True)
            self._ray.wait(list(self._waiting), num_returns=len(self._waiting), timeout=END_SECONDS)
        self._ray.shutdown()


def _holds(node: Mapping[str, float], need: Needs) -> bool:
    return (
        node.get("CPU", 0) >= 1
        and node.get("GPU", 0) >= need.gpus
        and node.get("memory", math.inf if not need.memory else 0) >= need.memory
    )


def _connected(address: str | None) -> "ModuleType":
    """Return Ray, connected to a cluster."""
    try:
        import ray
    except ImportError:
        raise not_installed("Ray") from None
    where = f"at {address}" if address else "here"
    refused = (
        f"no Ray cluster answers {where}. Start one (`ray start --head`, and `ray start --address HOST:PORT` on the "
        "other machines) and name its head: --address HOST:PORT."
    )
    if address is not None and not _answers(address):
        raise UserError(refused)
    try:
        with _our_signals():
            ray.init(address=address or "auto", log_to_driver=False, configure_logging=False, namespace="amrg")
    except ConnectionError:
        raise UserError(refused) from None
    except RuntimeError as error:
        if "ersion" not in str(error):
            raise
        raise UserError(f"the Ray cluster {where} can't be joined: {' '.join(str(error).split())}") from None
    return ray


@contextmanager
def _signals_passed_on() -> Iterator[None]:
    """Raise what a signal raised within Ray's compiled code, which makes a SystemError of it."""
    try:
        yield
    except SystemError as error:
        if isinstance(error.__cause__, ending.Ended):
            raise error.__cause__ from None
        raise


@contextmanager
def _our_signals() -> Iterator[None]:
    """Leave this process its own answers to signals, in whose place Ray puts others."""
    before = {number: signal.getsignal(number) for name in ending.SIGNALS if (number := getattr(signal, name, None))}
    try:
        yield
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)


def _answers(address: str) -> bool:
    """Return whether anything listens at HOST:PORT.

    Ray itself would ask for a minute.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        raise UserError(f"--address {address}: expected HOST:PORT, of the head of a Ray cluster.")
    try:
        with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
            return True
    except (OSError, OverflowError):
        return False


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
