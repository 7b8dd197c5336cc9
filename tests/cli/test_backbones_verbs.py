"""`amrg backbones …` and `amrg plan`, as a shell calls them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backbones.coverage import Coverage
from backbones.registry import BUILT_IN
from benchmark.cli.verbs import app
from benchmark.errors import UserError
from benchmark.suites.load import load_suite


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_list_has_every_backbone_and_a_broken_one_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    from backbones import registry

    places = {**registry.locations(), "broken": "no_such_module:Plugin"}
    monkeypatch.setattr(registry, "locations", lambda: places)
    result = run("backbones", "list", "--json")
    assert result.exit_code == 0
    rows = {row["name"]: row for row in json.loads(result.stdout)["backbones"]}
    assert rows.keys() == {*BUILT_IN, "broken"}
    assert "no_such_module" in rows["broken"]["error"]
    assert rows["medgemma-4b-it"]["gated"] is True
    table = run("backbones", "list").stdout
    assert all(name in table for name in BUILT_IN)
    assert "no_such_module" in table


def test_show_states_what_the_plugin_does() -> None:
    stated = json.loads(run("backbones", "show", "qwen3-vl-8b", "--json").stdout)
    assert stated["checkpoint"] == "Qwen/Qwen3-VL-8B-Instruct"
    assert stated["trainable_parameters"]["8"] == 21_823_488
    reached = Coverage.model_validate_json(json.dumps(stated["coverage"]))
    assert (reached.schema_version, reached.share, reached.trainable[8]) == (1, 1.0, 21_823_488)
    text = run("backbones", "show", "medgemma-1.5-4b-it").stdout
    assert "14,901,248" in text
    assert "Adapters reach 100.0% of the decoder's linear weights; trials run packed" in " ".join(text.split())
    assert "Health AI Developer Foundations" in text


@pytest.mark.parametrize("verb", ["show", "check"])
def test_an_unknown_name_is_a_users_mistake(verb: str) -> None:
    result = run("backbones", verb, "qwen3-vl-7b")
    assert isinstance(result.exception, UserError)
    assert "qwen3-vl-8b" in str(result.exception)


def test_check_prints_a_line_a_clause_and_its_exit_code(one_thread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    good = run("backbones", "check", "medgemma-4b-it")
    assert good.exit_code == 0, good.output
    assert good.stdout.count("kept  ") >= 8
    assert "BROKEN" not in good.stdout

    from backbones.medgemma import MedGemma

    monkeypatch.setattr(MedGemma, "lora_targets", r".*\.(q_proj|v_proj)")
    bad = run("backbones", "check", "medgemma-4b-it", "--json")
    assert bad.exit_code == 1
    printed = json.loads(bad.stdout)
    assert printed["kept"] is False
    assert any("encode images" in clause["reason"] for clause in printed["clauses"] if not clause["kept"])


def test_new_writes_a_package_that_pip_can_read(tmp_path: Path) -> None:
    result = run("backbones", "new", "my-model", "--folder", str(tmp_path / "mine"))
    assert result.exit_code == 0
    assert (tmp_path / "mine" / "amrg_my_model.py").is_file()
    assert "amrg backbones check my-model" in result.stdout


def test_a_plan_of_what_can_run_and_of_what_can_not() -> None:
    good = run("plan", "mini", "--json")
    assert good.exit_code == 0, good.output
    planned = json.loads(good.stdout)
    assert planned["missing"] == []
    assert [row["name"] for row in planned["backbones"]] == [entry.name for entry in load_suite("mini").backbones]
    bad = run("plan", "paper", "--gpu", "RTX4090x2")
    assert bad.exit_code == 2
    answer = " ".join(bad.stdout.split())
    assert answer.startswith("Plan of paper on 2 × RTX 4090 (24 GB): 270 trials, about ")
    assert "qwen2.5-vl-7b doesn't fit and isn't in the hours: it needs " in answer
    # One screen: the answer, what fits, what it takes, what can be decided, and the assumptions.
    assert len(bad.stdout.split("It can't run here yet")[0].splitlines()) <= 45
    assert "amrg data download" in bad.stdout


def test_a_plan_for_a_card_that_nobody_knows() -> None:
    result = run("plan", "paper", "--gpu", "A100")
    assert isinstance(result.exception, UserError)
    assert "Did you mean A100-80" in str(result.exception)


def test_help_needs_no_torch() -> None:
    script = (
        "import sys\nfrom typer.testing import CliRunner, Result\nfrom benchmark.cli.verbs import app\n"
        "for verb in ([], ['backbones'], ['plan'], ['generate']):\n"
        "    assert CliRunner().invoke(app, [*verb, '--help']).exit_code == 0\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
