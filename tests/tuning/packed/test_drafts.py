"""Guesses change how many passes a report takes, and no token of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from short_trials import FAMILIES, PROMPT, REPORTS, trial, written

from backbones.base import Backbone
from benchmark.forms.suite import Protocol
from benchmark.tuning.asked import write_untuned
from benchmark.tuning.interface import Generated
from benchmark.tuning.packed.drafts import MOST, Drafts
from benchmark.tuning.packed.engine import Packed

END = 0
TEXTS = st.lists(st.lists(st.integers(1, 5), max_size=12), max_size=6)


@given(known=TEXTS, text=st.lists(st.integers(1, 5), max_size=12), most=st.integers(0, 10))
def test_a_guess_is_what_followed_the_same_words_last(known: list[list[int]], text: list[int], most: int) -> None:
    ended = [[*one, END] for one in known]
    guess = Drafts(ended, END).guess(text, most)
    assert len(guess) <= most
    assert END not in guess[:-1]
    so_far = list(text)
    for token in guess:
        # Of the longest context that is known; a beginning is one of its own where it is shorter.
        for length in (8, 3, 1):
            followed = [
                one[place]
                for one in ended
                for place in range(len(one))
                if tuple(one[max(0, place - length) : place]) == tuple(so_far[-length:])
            ]
            if followed:
                assert token == followed[-1]
                break
        else:
            pytest.fail("guessed from nothing")
        so_far.append(token)


def test_what_was_written_is_guessed_next_time() -> None:
    drafts = Drafts([[1, 2, 3, END]], END)
    assert drafts.guess([1, 2], 5) == [3, END]
    drafts.learn([1, 2, 4])
    assert drafts.guess([1, 2], 1) == [4]
    assert drafts.guess([], 9) == [1, 2, 4]
    assert Drafts([], END).guess([1], 3) == []


@contextmanager
def passes_of(model: torch.nn.Module) -> Iterator[list[int]]:
    """Yield a list that gets, of each pass of the model, its tokens a row."""
    tokens: list[int] = []
    watched = model.register_forward_pre_hook(
        lambda _, args, inputs: tokens.append(inputs["input_ids"].shape[1]), with_kwargs=True
    )
    yield tokens
    watched.remove()


@pytest.mark.parametrize("name", FAMILIES)
def test_right_and_wrong_guesses_write_the_same_in_fewer_passes(
    name: str,
    load: Callable[..., Backbone],
    train: Callable[..., Any],
    pictures: np.ndarray,
) -> None:
    backbone = load(name, dtype=torch.float64)
    trials = [trial(2, max_new_tokens=24), trial(4, max_new_tokens=24)]
    run = train(Packed(), backbone, trials)
    features = backbone.encode_images(list(pictures))

    def write(known: Sequence[str]) -> tuple[dict[str, list[Generated]], list[int]]:
        with passes_of(backbone.model) as passes:
            texts = {t.id: one for t, one in Packed().generate(backbone, trials, run.folders, features, known=known)}
        return texts, passes

    # Nothing known: what the first rows write is guessed for the others, and often wrong.
    expected, without = write(())
    right, fewer = write([text.text for texts in expected.values() for text in texts])
    # What follows in these is not what is written.
    wrong, _ = write([" ".join(reversed(text.text.split())) for texts in expected.values() for text in texts])
    assert right == wrong == expected
    if any(text.tokens > 4 for texts in expected.values() for text in texts):
        assert len(fewer) <= len(without)
        assert max(fewer[1:]) <= MOST + 1
    alone = written(Packed(largest=1), backbone, trials, run, pictures)
    assert alone == expected


def test_a_text_that_is_known_takes_a_pass_for_every_nine_tokens(
    load: Callable[..., Backbone], pictures: np.ndarray
) -> None:
    backbone = load("medgemma-4b-it", dtype=torch.float64)
    features = backbone.encode_images(list(pictures[:1]))
    protocol = Protocol(prompt=PROMPT, steps=1, max_new_tokens=40)
    [expected] = write_untuned(backbone, protocol, features)
    with passes_of(backbone.model) as passes:
        [again] = write_untuned(backbone, protocol, features, known=[expected.text, *REPORTS])
    assert again == expected
    assert expected.tokens > 2 * MOST
    assert len(passes) < expected.tokens / 2
