"""What an untuned backbone writes in one batch is what transformers' own `generate` writes image by image."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from short_trials import PROMPT, REPORTS

from backbones.base import Backbone
from benchmark.forms.suite import Protocol
from benchmark.forms.untuned import INSTRUCTED, prompt_of
from benchmark.tuning import memory
from benchmark.tuning.asked import write_untuned
from benchmark.tuning.packed.decoding import PackedDecoding


def _plain(backbone: Backbone, picture: np.ndarray, prompt: str, limit: int) -> str:
    """Return what the model writes for pixels, by its processor and `generate` alone."""
    image = Image.fromarray(picture).convert("RGB")
    inputs = backbone.processor(
        images=[[image]], text=[backbone.prompt_text(prompt)], add_special_tokens=False, return_tensors="pt"
    )
    inputs["pixel_values"] = inputs["pixel_values"].to(backbone.model.dtype)
    tokens = backbone.model.generate(  # type: ignore[operator]
        **inputs, max_new_tokens=limit, do_sample=False, eos_token_id=backbone.end, pad_token_id=backbone.padding
    )
    return backbone.decode(tokens[0, inputs["input_ids"].shape[1] :].tolist())


@pytest.mark.parametrize("name", ["medgemma-4b-it", "llava-med-7b"])
def test_a_batch_writes_what_transformers_writes_one_by_one(
    name: str, load: Callable[..., Backbone], pictures: np.ndarray
) -> None:
    backbone = load(name, dtype=torch.float64)
    features = backbone.encode_images(list(pictures))
    for prompt in (INSTRUCTED, prompt_of(PROMPT, REPORTS[:2])):
        protocol = Protocol(prompt=prompt, steps=1, max_new_tokens=8)
        written = write_untuned(backbone, protocol, [*features, features[0]])
        assert [one.text for one in written[:-1]] == [_plain(backbone, picture, prompt, 8) for picture in pictures]
        assert written[-1] == written[0]


def test_where_memory_runs_out_fewer_images_are_written_at_once(
    load: Callable[..., Backbone], pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("medgemma-4b-it")
    features = backbone.encode_images(list(pictures))
    protocol = Protocol(prompt=PROMPT, steps=1, max_new_tokens=6)
    expected = write_untuned(backbone, protocol, features)
    rows: list[int] = []
    call = PackedDecoding.__call__

    def short(
        decoding: PackedDecoding, model: torch.nn.Module, input_ids: torch.Tensor, *a: object, **k: object
    ) -> object:
        rows.append(len(input_ids))
        if len(input_ids) > 2:
            raise torch.OutOfMemoryError
        return call(decoding, model, input_ids, *a, **k)  # type: ignore[arg-type]

    assert memory.ran_out(torch.OutOfMemoryError())
    monkeypatch.setattr(PackedDecoding, "__call__", short)
    assert write_untuned(backbone, protocol, features) == expected
    assert rows == [5, 2, 2, 1]
