"""Machines that packs run on beside this one: a Ray cluster, or jobs of Slurm. Nothing of either is imported here.

What they share stands in `remote.py` (which pieces, what each told, how it ended), `home.py` (what a worker has to
find) and `piece.py` (what runs there). Results never travel: they go into the store on a shared folder, as every
pack's do, so whatever a machine had finished when it was lost is kept.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.errors import UserError, unknown_name

if TYPE_CHECKING:
    from benchmark.executors.remote import Remote

LOCAL = "local"
NAMES = (LOCAL, "ray", "slurm")
"""Executors by name."""


def executor_named(name: str, *, address: str | None, settings: Sequence[str]) -> "Remote | None":
    """Return an executor of other machines, connected; None for this machine's processes.

    Args:
        name: one of `NAMES`.
        address: of a Ray cluster; None for the one that this machine belongs to.
        settings: of Slurm's jobs, each NAME=VALUE, e.g. partition=gpu.

    Raises:
        UserError: no such executor, its libraries aren't installed, or nothing answers.
    """
    if name not in NAMES:
        raise unknown_name("executor", name, NAMES)
    if address is not None and name != "ray":
        raise UserError(f"--address {address}: only --executor ray has an address.")
    if settings and name != "slurm":
        raise UserError(f"--slurm {settings[0]}: only --executor slurm has settings of Slurm.")
    if name == "ray":
        from benchmark.executors.ray_cluster import RayCluster

        return RayCluster(address)
    if name == "slurm":
        from benchmark.executors.slurm import Slurm

        return Slurm(_parsed(settings))
    return None


def _parsed(settings: Sequence[str]) -> Mapping[str, str]:
    """Return settings by name."""
    parted = [setting.partition("=") for setting in settings]
    for name, sign, value in parted:
        if not (name and sign and value):
            raise UserError(f"--slurm {name}{sign}{value}: expected NAME=VALUE, such as partition=gpu.")
    return {name.strip(): value for name, _, value in parted}
