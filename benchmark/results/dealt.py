"""Which trials were dealt together, remembered while a suite runs: an interrupted sweep goes on with the same packs.

A trial that trains beside others ends in other last digits than alone. Dealt anew, those that are left of a pack would
train with others, so each stays with those that it was dealt with until all of these are done.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from benchmark.errors import UserError
from benchmark.forms.record import Stored
from benchmark.results.store import Store, read_model, write_json


class DealtPacks(Stored):
    """Packs as they were dealt.

    Attributes:
        processes: that they were dealt to; for others they are dealt anew.
        packs: ids of the trials of each.
    """

    processes: int
    packs: tuple[tuple[str, ...], ...]


def dealt_before(store: Store, suite: str, processes: int, todo: Collection[str]) -> list[tuple[str, ...]]:
    """Return packs of which something is left, as they were dealt to so many processes; damaged ones are forgotten.

    Args:
        store: of the results.
        suite: its name.
        processes: that work at the same time.
        todo: ids of the trials that aren't done.
    """
    try:
        before = read_model(_file(store, suite), DealtPacks)
    except UserError:
        return []  # none yet, or damaged
    if before.processes != processes:
        return []
    return [pack for pack in before.packs if not set(pack).isdisjoint(todo)]


def remember_dealt(store: Store, suite: str, processes: int, packs: Sequence[Sequence[str]]) -> None:
    """Write which trials are dealt together."""
    store.suite_folder(suite)
    write_json(_file(store, suite), DealtPacks(processes=processes, packs=tuple(map(tuple, packs))))


def _file(store: Store, suite: str) -> Path:
    return store.references(suite).with_name("packs.json")
