"""The contract of backbones as tests: one line in a package's own test file, one test a clause.

`test_contract = contract(Plugin)` is the line, of a plugin's class.
"""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from backbones.base import Backbone
from backbones.contract import BUILT, CLAUSES, Check, Subject, outcome, sentence_of, subject_of, written_miniature
from backbones.made_after import with_files
from benchmark.tuning.contract import CLAUSES as CLAUSES_OF_TUNING

__all__ = ["contract"]


def contract(plugin: type[Backbone], *, files: Path | None = None) -> Callable[[Check | None], None]:
    """Return a test that holds a plugin to the contract on its miniature, parametrised: a clause is a test of its name.

    The miniature is built for the first clause that is tried in a process and serves the others. It needs no weights,
    and no network where the plugin states it, or where the files that it is made after are here. Where it can't be
    built, that is the one failure, and the other clauses are skipped.

    Args:
        plugin: the plugin's class.
        files: a folder with the checkpoint's configuration, tokenizer and processor, which the miniature is made after;
            None for the plugin's own, or those in the hub's cache.
    """
    clauses = [pytest.param(None, id=BUILT)]
    clauses += [pytest.param(clause, id=sentence_of(clause)) for clause in (*CLAUSES, *CLAUSES_OF_TUNING)]
    folders: list[tempfile.TemporaryDirectory[str]] = []

    @cache
    def subject_or_error() -> Subject | Exception:
        folder = tempfile.TemporaryDirectory(prefix="amrg-contract-")
        folders.append(folder)  # it lies there as long as the test does: a clause loads it anew
        try:
            tried = plugin if files is None else with_files(plugin, files)
            return subject_of(tried, written_miniature(tried, Path(folder.name)))
        except Exception as error:  # a plugin may raise anything; each clause says so
            return error

    @pytest.mark.parametrize("clause", clauses)
    def test_contract(clause: Check | None) -> None:
        subject = subject_or_error()
        if clause is None:
            if isinstance(subject, Exception):
                raise subject
            return
        if isinstance(subject, Exception):
            pytest.skip(f"{plugin.name}: its miniature can't be built: {type(subject).__name__}: {subject}")
        if reason := outcome(clause, subject).reason:
            pytest.fail(f"{plugin.name}: {sentence_of(clause)}: {reason}", pytrace=False)

    return test_contract
