"""Backbones asked without being tuned, end to end and over folds: rows of their own that cost no training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lines import read_lines
from torch import Tensor

from backbones.base import Backbone
from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.folds import Folded
from benchmark.board.results import SuiteResults, read_results
from benchmark.errors import UserError
from benchmark.forms.suite import Protocol, Suite
from benchmark.forms.untuned import INSTRUCTED, FewShot
from benchmark.pages.gallery import page_data
from benchmark.pages.leaderboard import write_leaderboard
from benchmark.pages.nothing_to_do import finished_sweep
from benchmark.planning.model import BackbonePlan
from benchmark.planning.plan import plan
from benchmark.suites.load import parse
from benchmark.tuning import asked
from benchmark.tuning.infer import find_trial

SUITE = """\
name: asked
title: Untuned rows
data: {{source: phantom, studies: 36, seed: 3, size: 64}}
image: {{size: 112}}
split: {{name: blocked, folds: 3}}
backbones: [{{name: medgemma-4b-it, checkpoint: {checkpoint}}}]
grid: {{rank: [2, 4], alpha: [4], seed: [0]}}
protocol: {{steps: 2, batch_size: 2, max_new_tokens: 6}}
untuned: [prompt, instructed, {{few_shot: 3, seed: 1}}]
"""


@dataclass(frozen=True)
class Swept:
    suite: Suite
    folder: Path
    results: SuiteResults
    written: list[tuple[str, int]]
    """Of each time that the untuned backbone wrote: the prompt, and for how many images."""


@pytest.fixture(scope="module")
def swept(miniature: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Swept:
    folder = tmp_path_factory.mktemp("asked")
    suite = parse(SUITE.format(checkpoint=miniature("medgemma-4b-it")), where="asked.yaml")
    written: list[tuple[str, int]] = []
    write = asked.write_untuned

    def watched(backbone: Backbone, protocol: Protocol, features: Sequence[Tensor], known: Sequence[str]) -> Any:
        written.append((protocol.prompt, len(features)))
        return write(backbone, protocol, features, known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
        patch.setattr(asked, "write_untuned", watched)
        summary = sweep.run(suite, data=None, results=folder / "results", listener=lambda _: None, processes=1)
    assert (summary.ran, summary.failed) == (15, {})
    return Swept(suite, folder, read_results(folder / "results", "asked"), written)


def test_each_prompt_writes_once_for_every_image_whatever_the_folds(swept: Swept) -> None:
    prompts = [prompt for prompt, _ in swept.written]
    own = swept.suite.protocol.prompt
    # What is shown differs from fold to fold, so it is another prompt in each.
    assert prompts[:2] == [own, INSTRUCTED]
    assert len(prompts) == len(set(prompts)) == 2 + 3
    assert {images for _, images in swept.written[:2]} == {36 + 1}
    assert all(prompt.startswith("Reports of other mammograms") and prompt.endswith(own) for prompt in prompts[2:])


def test_every_study_is_tested_once_and_nothing_is_trained(swept: Swept) -> None:
    results = swept.results
    tested = sorted(i for fold in results.record.folds for i in fold.split.test)
    assert [type(one) for one in results.untuned] == [Folded] * 3
    for one in results.untuned:
        assert isinstance(one, Folded)
        assert sorted(one.predictions) == tested
        for part in one.folds:
            assert part.record.seconds.get("train", 0) == 0
            assert not part.folder.adapter.exists()
            assert not part.folder.losses.exists()
            prompts = {line["prompt_sha256"] for line in read_lines(part.folder.predictions)}
            assert len(prompts) == 1
            # The same controls as tuned rows: a blank image in each test image's place.
            assert [line["id"] for line in read_lines(part.folder.controls)] == list(part.predictions)


def test_examples_are_of_the_folds_own_training_part_and_of_no_block_that_it_tests(swept: Swept) -> None:
    shown = [one for one in swept.results.untuned if isinstance(one.trial.untuned, FewShot)]
    [folded] = shown
    assert isinstance(folded, Folded)
    for part, fold in zip(folded.folds, swept.results.record.folds, strict=True):
        examples = part.trial.examples
        assert len(examples) == 3
        assert part.record.trial.examples == examples
        assert set(examples) <= set(fold.split.train)
        blocks = fold.split.blocks
        assert not {blocks[i] for i in examples} & {blocks[i] for i in (*fold.split.test, *fold.split.validation)}
        reports = swept.results.references.reports
        [prompt] = [text for text, _ in swept.written if all(reports[i] in text for i in examples)]
        assert not any(
            reports[i] in prompt for i in fold.split.test if reports[i] not in {reports[e] for e in examples}
        )


def test_the_board_sets_them_apart_and_says_what_tuning_gains(swept: Swept, tmp_path: Path) -> None:
    board = collect(swept.results)
    assert [row.point for row in board.untuned] == [
        "untuned, protocol's prompt", "untuned, instructing prompt", "untuned, 3 reports shown, seed 1",
    ]  # fmt: skip
    assert all(row.untuned is None for row in board.entries)
    assert {row.parameters for row in board.untuned} == {0}
    assert board.planned == 15
    for row in board.entries:
        assert row.gain is not None
        assert row.gain.value is not None
    readme = write_leaderboard(swept.folder / "results", "asked", tmp_path).readme.read_text(encoding="utf-8")
    assert "gained by tuning" in readme
    assert "What tuning gains in BI-RADS weighted kappa" in readme
    assert "3 reports shown, seed 1" in readme
    csv = (tmp_path / "asked" / "results.csv").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("untuned,") and ",birads_kappa," in line for line in csv) == 3
    assert sum(line.startswith("gained_by_tuning,") for line in csv) == len(board.entries)
    assert "untuned, instructing prompt" in (tmp_path / "asked" / "scores.md").read_text(encoding="utf-8")


def test_the_gallery_shows_what_the_untuned_backbone_writes(swept: Swept) -> None:
    content = page_data(swept.results, {})
    [place] = [i for i, column in enumerate(content.columns) if column.point.startswith("untuned")]
    [reference] = {text for one in swept.results.untuned for text in [one.predictions[content.studies[0].id]]} & {
        content.studies[0].answers[place].text
    }
    assert reference is not None


def test_again_there_is_nothing_to_do(swept: Swept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(swept.folder / "cache"))
    write_leaderboard(swept.folder / "results", "asked", tmp_path)
    assert finished_sweep(swept.suite, data=None, results=swept.folder / "results", leaderboards=tmp_path)


def test_generating_with_an_untuned_trial_is_refused_by_name(swept: Swept) -> None:
    untuned = swept.results.untuned[0]
    with pytest.raises(UserError, match="untuned"):
        find_trial(swept.folder / "results", untuned.ids[0])


def test_a_plan_counts_them_and_no_training_for_them(tmp_path: Path) -> None:
    text = SUITE.format(checkpoint="miniature")
    suite, bare = parse(text, where="asked.yaml"), parse(text[: text.index("untuned:")], where="bare.yaml")
    assert (suite.count_trials(), bare.count_trials()) == (15, 6)
    [ours], [theirs] = (plan(one, None, results=tmp_path).backbones for one in (suite, bare))
    assert isinstance(ours, BackbonePlan)
    assert isinstance(theirs, BackbonePlan)
    assert (ours.trials, theirs.trials) == (15, 6)
    assert ours.operations.train == theirs.operations.train
    assert ours.operations.write > theirs.operations.write
    assert ours.trainable_parameters == theirs.trainable_parameters
    assert ours.bytes.adapters == theirs.bytes.adapters
