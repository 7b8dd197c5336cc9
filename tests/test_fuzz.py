"""Mutated inputs are read or refused in words; `make fuzz` runs many more."""

from pathlib import Path

from fuzz_folders import run as run_folders
from fuzzing import run, targets
from stored_suite import StoredSuite


def test_mutated_inputs_are_read_or_refused(stored: StoredSuite, tmp_path: Path) -> None:
    findings = run(targets(tmp_path, stored.results), tmp_path, inputs=2000, seed=1)
    assert findings.wrong == []
    for kind in ("suite", "texts", "labels", "split", "stored:scores.json"):
        assert findings.outcomes[kind, "refused"] > 20, "inputs are damaged"
        assert findings.outcomes[kind, "read"] > 5, "and not beyond recognition"


def test_folders_with_mutated_tables_reports_and_names_are_read_or_refused(tmp_path: Path) -> None:
    outcomes, wrong, _ = run_folders(60, 1, tmp_path)
    assert wrong == []
    assert outcomes["read with remarks"] > 20, "folders are damaged"
