"""What the documents say of the code is so: files and functions named are there, links lead somewhere, diffs apply."""

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from published_families import FAMILIES
from published_folders import write_folder

from backbones.contract import check
from backbones.made_after import with_files
from backbones.starter import write_starter
from benchmark.tuning.contract import CLAUSES

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob(".github/*.md"))
)
PACKAGES = ("amrg", "backbones", "benchmark", "metrics")
NAMED = re.compile(
    rf"(?<![\w./-])((?:{'|'.join([*PACKAGES, 'tests', 'examples'])})/[\w./-]*\w\.py)(?::(\w+(?:\.\w+)*))?"
)
BARE = re.compile(r"`(\w+\.py)`")
LINK = re.compile(r"""\]\(([^)\s]+)\)|(?:src|href)=["']([^"']+)["']""")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def prose(document: str) -> str:
    """A document without its blocks of code."""
    return FENCED.sub("", text_of(document))


def is_defined(names: list[str], body: list[ast.stmt]) -> bool:
    """Whether a module's or class's body defines a function, a class or a value, or a class in it the rest."""
    first, rest = names[0], names[1:]
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name == first:
            return not rest or is_defined(rest, node.body)
        if isinstance(node, ast.FunctionDef) and node.name == first:
            return not rest
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == first for target in targets):
            return not rest
    return False


def missing(named: list[tuple[str, str]]) -> list[str]:
    """Those of (file, function or '') that aren't there."""
    wrong = []
    for path, name in named:
        if not (ROOT / path).is_file():
            wrong.append(f"{path}: no such file")
        elif name and not is_defined(name.split("."), ast.parse((ROOT / path).read_text(encoding="utf-8")).body):
            wrong.append(f"{path}: no {name}")
    return wrong


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_and_functions_that_are_named_exist(document: str) -> None:
    assert missing(NAMED.findall(prose(document))) == []
    known = {path.name for folder in (*PACKAGES, "tests", "examples") for path in (ROOT / folder).rglob("*.py")}
    assert [name for name in BARE.findall(prose(document)) if name not in known] == []


def test_a_file_or_function_that_is_not_there_is_found() -> None:
    text = "`benchmark/forms/suite.py:Trial.id`, `benchmark/forms/suite.py:Trial.di`, benchmark/sweet.py"
    text += " and `metrics/metric.py:mean`"
    assert missing(NAMED.findall(text)) == [
        "benchmark/forms/suite.py: no Trial.di",
        "benchmark/sweet.py: no such file",
        "metrics/metric.py: no mean",
    ]


def test_the_walk_names_every_stage_of_the_line() -> None:
    named = {path for path, _ in NAMED.findall(prose("docs/architecture.md"))}
    rooms = {path.name for path in (ROOT / "benchmark").iterdir() if (path / "__init__.py").is_file()}
    described = prose("docs/architecture.md")
    assert [room for room in sorted(rooms) if f"benchmark/{room}/" not in described] == []
    assert {"benchmark/sweep.py", "benchmark/pack/run.py"} <= named


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_lead_to_what_is_there(document: str) -> None:
    folder = (ROOT / document).parent
    broken = []
    for link in (one or other for one, other in LINK.findall(prose(document))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / document
        if not target.exists() or ROOT not in (target, *target.parents) or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_readme_is_short_and_says_first_what_this_is_not() -> None:
    lines = text_of("README.md").splitlines()
    assert len(lines) < 150
    assert any("not a medical device" in line for line in lines[:12])


def diffs() -> dict[str, str]:
    """The worked diffs of CONTRIBUTING.md by the heading they stand under."""
    parts = re.split(r"^## (.+)$", text_of("CONTRIBUTING.md"), flags=re.MULTILINE)
    return {
        heading: code
        for heading, part in zip(parts[1::2], parts[2::2], strict=True)
        for language, code in FENCED.findall(part)
        if language == "diff"
    }


def apply(diff: str, folder: Path) -> None:
    """Apply a diff to a folder; fail where it doesn't fit the code any more."""
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=diff.encode(),
        capture_output=True,
        # Within a repository `git apply` leaves out, silently, what isn't the repository's.
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)},
    )
    assert done.returncode == 0, f"CONTRIBUTING.md's diff doesn't apply any more:\n{done.stderr.decode()}"


@pytest.mark.parametrize(
    ("heading", "test"),
    [
        ("Add a metric", "tests/metrics/test_text.py::test_words_in_common_are_counted_once_each"),
        ("Add a data source", "tests/data/test_table.py"),
    ],
)
def test_a_worked_diff_applies_and_its_test_passes(heading: str, test: str, tmp_path: Path) -> None:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.safetensors")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    room = Path(test.partition("::")[0]).parent
    shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "conftest.py"))
    apply(diffs()[heading], tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), test],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_worked_plugin_is_a_starter_with_its_blanks_filled_and_keeps_the_contract(
    tmp_path: Path, one_thread: None
) -> None:
    plugin, *_ = write_starter("llava-1.5-7b", tmp_path / "package")
    apply(diffs()["Add a backbone"], plugin.parent)
    lines = len(plugin.read_text(encoding="utf-8").splitlines())
    assert f"filled ({lines} lines in all)" in text_of("CONTRIBUTING.md")
    specification = spec_from_file_location(plugin.stem, plugin)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    published = replace(FAMILIES["llava"], template=None, config={"text_config": {"vocab_size": 32_064}})
    found = with_files(module.Plugin, write_folder(published, tmp_path / "published"))
    assert [(clause.sentence, clause.reason) for clause in check(found, CLAUSES) if not clause.kept] == []
