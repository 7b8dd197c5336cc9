"""Batches that are made beside the step before."""

import threading
from collections.abc import Callable
from contextlib import closing

import pytest
import torch
from short_trials import FAMILIES, REPORTS, Run, trial

from backbones.base import Backbone
from benchmark.tuning import batches
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.sequential import Sequential

pytestmark = pytest.mark.numeric

CPU = torch.device("cpu")


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread makes batches, as it does where there is a GPU."""
    monkeypatch.setattr(batches, "prefetches", lambda device: True)


def test_on_a_cpu_nothing_is_made_before_it_is_asked_for() -> None:
    numbers_made: list[int] = []

    def make(number: int) -> int:
        numbers_made.append(number)
        return number

    with closing(batches.prefetched(make, range(3), CPU)) as numbers:
        assert next(numbers) == 0
        assert numbers_made == [0]


def test_the_next_is_made_while_the_caller_works(beside: None) -> None:
    following, threads = threading.Event(), set()

    def make(number: int) -> int:
        threads.add(threading.current_thread().name)
        if number == 1:
            following.set()
        return number

    with closing(batches.prefetched(make, range(4), CPU)) as numbers:
        assert next(numbers) == 0
        assert following.wait(timeout=30)
        assert list(numbers) == [1, 2, 3]
    assert len(threads) == 1
    assert not threads & {thread.name for thread in threading.enumerate()}


def test_an_error_comes_when_its_batch_is_due(beside: None) -> None:
    def make(number: int) -> int:
        if number == 1:
            raise ValueError("batch 1")
        return number

    numbers = batches.prefetched(make, range(3), CPU)
    assert next(numbers) == 0
    with pytest.raises(ValueError, match="batch 1"):
        next(numbers)


@pytest.mark.parametrize("family", FAMILIES)
def test_both_engines_give_the_same_losses_either_way(
    family: str, load: Callable[..., Backbone], train: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load(family)
    trials = [trial(2, 4, dropout=0.1), trial(4, 8, seed=1, dropout=0.1)]
    plain = [train(engine, backbone, trials).losses for engine in (Packed(), Sequential())]
    monkeypatch.setattr(batches, "prefetches", lambda device: True)
    assert [train(engine, backbone, trials).losses for engine in (Packed(), Sequential())] == plain


def test_a_trial_that_diverges_takes_its_batches_with_it(
    beside: None, load: Callable[..., Backbone], train: Callable[..., Run]
) -> None:
    backbone = load("medgemma-4b-it")
    sound, lost = trial(2, 4, steps=6), trial(2, 8, steps=6, learning_rate=1e18, warmup_steps=0)
    run = train(Packed(), backbone, [sound, lost])
    assert run.outcomes[lost.id].failure is not None
    # Another company rounds otherwise: six steps in float32 leave six digits, another batch none.
    assert run.losses[sound.id] == pytest.approx(train(Packed(), backbone, [sound]).losses[sound.id], rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_report_is_tokenised_once(family: str, load: Callable[..., Backbone]) -> None:
    backbone = load(family)
    first = backbone.report_tokens(REPORTS[0])
    assert backbone.report_tokens(REPORTS[0]) is first
    assert first == [
        *backbone.tokenizer(backbone.report_start + REPORTS[0], add_special_tokens=False)["input_ids"],
        backbone.end,
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_gpu_is_given_can_be_pinned(
    family: str, load: Callable[..., Backbone], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a GPU nothing is: what torch would refuse there is asked of each tensor in its place."""

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        assert torch._debug_has_internal_overlap(tensor) == 0, "torch refuses to write where rows share memory"
        return tensor.clone()

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    for value in load(family).training_text("Describe.", list(REPORTS)).values():
        assert torch.equal(batches.pinned(value, torch.device("cuda")), value)
