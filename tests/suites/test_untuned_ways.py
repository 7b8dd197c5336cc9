"""How a suite says which untuned rows it has: mistakes by line, and ids that depend on what they are asked alone."""

import pytest

from benchmark.errors import UserError
from benchmark.forms.suite import Suite, Trial
from benchmark.forms.untuned import INSTRUCTED, FewShot
from benchmark.planning.dealing import dealt, trials_of
from benchmark.suites.load import load_suite, parse

TEXT = """\
name: ways
title: Ways of asking
data: {source: phantom, studies: 24, seed: 3, size: 64}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2, 4], alpha: [4], seed: [0, 1]}
protocol: {steps: 2, batch_size: 2, prompt: Report.}
"""
WAYS = "untuned: [prompt, instructed, {few_shot: 4, seed: 0}]\n"


def _trials(suite: Suite, examples: tuple[str, ...] = ("Img001",)) -> list[Trial]:
    [entry] = suite.backbones
    return trials_of(
        suite, entry, checkpoint="c", data="d", splits={None: "s"}, examples=lambda fold, asked: examples
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ("[promt]", r"line 8: .*'prompt' or 'instructed', not the text 'promt'"),
        ("[{few_shots: 4}]", r"line 8: unknown key .*few_shots.* Did you mean 'few_shot'\?"),
        ("[{few_shot: 0}]", r"line 8: .*few_shot.*greater than or equal to 1, not 0"),
        ("[{few_shot: 99}]", r"line 8: .*few_shot.*less than or equal to 32, not 99"),
        ("[prompt, instructed, prompt]", r"line 8: 'untuned': must be distinct.*protocol's prompt"),
        ("prompt", r"line 8: 'untuned'"),
    ],
)
def test_mistakes_are_named_by_line(ways: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse(f"{TEXT}untuned: {ways}\n", where="ways.yaml")


def test_it_reads_and_stores_what_a_suite_says() -> None:
    suite = parse(TEXT + WAYS, where="ways.yaml")
    assert suite.untuned == ("prompt", "instructed", FewShot(few_shot=4, seed=0))
    assert suite.model_dump(mode="json")["untuned"] == ["prompt", "instructed", {"few_shot": 4, "seed": 0}]
    assert Suite.model_validate_json(suite.model_dump_json()) == suite
    assert "untuned" not in parse(TEXT, where="ways.yaml").model_dump()
    for name in ("mini", "paper", "paper-folds"):
        assert len(load_suite(name).untuned) == 3


def test_they_change_no_id_of_other_trials_and_have_ids_of_their_own() -> None:
    bare, asked = (parse(text, where="ways.yaml") for text in (TEXT, TEXT + WAYS))
    ours, theirs = _trials(asked), _trials(bare)
    assert [trial.id for trial in ours if trial.is_trained_here] == [trial.id for trial in theirs]
    untuned = [trial for trial in ours if not trial.is_trained_here]
    assert len({trial.id for trial in ours}) == len(theirs) + 3
    assert [trial.protocol.prompt for trial in untuned] == ["Report.", INSTRUCTED, "Report."]
    assert [trial.examples for trial in untuned] == [(), (), ("Img001",)]
    assert all(Trial.model_validate_json(trial.model_dump_json()) == trial for trial in ours)


def test_an_untuned_id_is_of_what_is_asked_and_not_of_how_others_are_trained() -> None:
    def ids(text: str, examples: tuple[str, ...] = ("Img001",)) -> list[str]:
        suite = parse(text + WAYS, where="ways.yaml")
        return [trial.id for trial in _trials(suite, examples) if not trial.is_trained_here]

    before = ids(TEXT)
    assert ids(TEXT.replace("steps: 2, batch_size: 2", "epochs: 3, batch_size: 4, learning_rate: 0.1")) == before
    other_prompt = ids(TEXT.replace("Report.", "Describe."))
    assert [a == b for a, b in zip(before, other_prompt, strict=True)] == [False, True, False]
    assert not set(ids(TEXT.replace("batch_size: 2,", "batch_size: 2, max_new_tokens: 9,"))) & set(before)
    other_examples = ids(TEXT, ("Img002",))
    assert [a == b for a, b in zip(before, other_examples, strict=True)] == [True, True, False]


def test_those_of_a_backbone_are_dealt_to_one_process() -> None:
    trials = _trials(parse(TEXT + WAYS, where="ways.yaml"))
    for processes in (1, 2, 3):
        parts = dealt(trials, 1, processes, on_cpu=True)
        assert sorted(t.id for part in parts for t in part) == sorted(t.id for t in trials)
        assert sum(any(not t.is_trained_here for t in part) for part in parts) == 1
    untuned = [trial for trial in trials if not trial.is_trained_here]
    assert dealt(untuned, 1, 2, on_cpu=True) == [untuned]
    assert dealt([], 1, 2, on_cpu=True) == []
