"""The command line as a whole: an example for each verb, and a user's mistake without a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmark", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def verbs() -> list[list[str]]:
    from typer.main import get_command

    from benchmark.cli.verbs import app

    names = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        names += [[name, verb] for verb in below] if below else [[name]]
    return names


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_every_verb_has_an_example(verb: list[str]) -> None:
    from typer.testing import CliRunner

    from benchmark.cli.verbs import app

    result = CliRunner().invoke(app, [*verb, "--help"])
    assert result.exit_code == 0
    assert f"Example: amrg {' '.join(verb)}" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "smok"], "Did you mean 'smoke'"),
        (["sweep", "missing.yaml"], "no such suite file"),
        (["sweep", "dmid-mini"], "--data"),
        (["sweep", "dmid-mini", "--data", "nowhere"], "nowhere"),
        (["sweep", "dmid-mini", "--data", "."], "Reports"),
        (["sweep", "mini", "--data", "."], "runs on phantoms"),
        (["sweep", "smoke", "--quiet", "--json-lines"], "exclude each other"),
        (["backbones", "show", "medgema-4b-it"], "Did you mean"),
        (["data", "check", "nowhere"], "nowhere"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_the_paper_suite_lists_everything_that_is_missing_before_any_work(tmp_path: Path) -> None:
    done = run("sweep", "paper", cwd=tmp_path)
    assert done.returncode == 2
    message = " ".join(done.stderr.split())
    for part in ("data:", "GPU memory:", "checkpoint:", "licence:", "google/medgemma-4b-it", "hf download"):
        assert part in message
    assert list(tmp_path.iterdir()) == []
