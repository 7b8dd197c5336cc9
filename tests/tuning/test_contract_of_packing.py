"""The contract's clause on packing notices a pack that trains or writes otherwise, and doesn't hang on a tie."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from backbones.base import Backbone
from backbones.contract import PROMPTS, Broken, Subject, examples
from backbones.registry import get
from benchmark.forms.suite import Protocol
from benchmark.tuning.contract import TextWithTies, packed_as_sequential, texts_with_ties
from benchmark.tuning.interface import Generated
from benchmark.tuning.packed import decoding
from benchmark.tuning.packed.optimizer import PackedAdamW
from benchmark.tuning.packed.stacks import Stacks


@pytest.fixture
def subject(miniature: Callable[[str], Path]) -> Subject:
    backbone = get("medgemma-4b-it").load(miniature("medgemma-4b-it"))
    images = [example.image for example in examples(3)]
    return Subject(backbone, images, backbone.encode_images(images))


def test_adapters_scaled_otherwise_are_noticed(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    initialise = Stacks.__init__

    def scaled(self: Any, shapes: Any, ranks: Any, scales: Any, **options: Any) -> None:
        initialise(self, shapes, ranks, [1.001 * scale for scale in scales], **options)

    monkeypatch.setattr(Stacks, "__init__", scaled)
    with pytest.raises(Broken, match="step 1: gradient norm is"):
        packed_as_sequential(subject)


def test_steps_of_another_length_are_noticed(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    step = PackedAdamW.step
    monkeypatch.setattr(PackedAdamW, "step", lambda self, rates: step(self, [1.01 * rate for rate in rates]))
    with pytest.raises(Broken, match=r"differs by .* after the same step"):
        packed_as_sequential(subject)


def test_another_text_is_noticed(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    def otherwise(backbone: Backbone, row: list[int]) -> Generated:
        return cut(backbone, [(token + 1) % 100 for token in row])

    cut = decoding.cut
    monkeypatch.setattr(decoding, "cut", otherwise)
    with pytest.raises(Broken, match="texts that are written by wrong guesses differ"):
        packed_as_sequential(subject)


def test_texts_may_part_where_two_tokens_tie_and_nowhere_else(subject: Subject) -> None:
    backbone = subject.backbone
    protocol = Protocol(prompt=PROMPTS[0], steps=1, max_new_tokens=6)
    before = texts_with_ties(backbone, backbone.model, protocol, subject.features[:1])[0]  # type: ignore[arg-type]  # without adapters
    assert before.tied == []
    assert before.admits(before.generated)
    other = replace(before.generated, text="another text")
    assert not before.admits(other)

    with torch.no_grad():  # two tokens that the model can't tell apart: the first one written, and an unused one
        head = backbone.model.get_output_embeddings().weight
        text = backbone.encode_text([PROMPTS[0]])
        first = int(backbone.model(**backbone.model_inputs(text, subject.features[:1])).logits[0, -1].argmax())
        head[(first + 1) % len(head)] = head[first]
    tied = texts_with_ties(backbone, backbone.model, protocol, subject.features[:1])[0]  # type: ignore[arg-type]  # without adapters
    assert "" in tied.tied
    assert tied.admits(other)


def test_a_text_has_to_be_the_same_up_to_the_tie() -> None:
    text = TextWithTies(Generated("dense breast", 4, "end"), ["dense "])
    assert text.admits(Generated("dense tissue", 5, "end"))
    assert not text.admits(Generated("fatty tissue", 5, "end"))
    assert not text.admits(Generated("dense", 3, "end"))
