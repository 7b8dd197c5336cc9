"""Where memory runs out with one trial, fewer rows go through the model at once, and the result stays the same."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from short_trials import FAMILIES, REPORTS, Run, some_always, trial, written

from backbones.base import Backbone
from benchmark.forms.suite import Protocol
from benchmark.tuning import generation, sequential
from benchmark.tuning.norms import fused_norms
from benchmark.tuning.packed import training
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.protocol import pieces
from benchmark.tuning.sequential import NO_ROOM, Sequential

Load = Callable[..., Backbone]
Train = Callable[..., Run]
ENGINES = (Packed, Sequential)
TOLERANCE = 1e-9
"""Of losses and weights after five steps in float64, norms included: sums in another order differ by 1e-16 each, which
training amplifies. Masks drawn for pieces instead of micro-batches are seen in the fourth digit."""


def no_room_above(rows: int, monkeypatch: pytest.MonkeyPatch, *, after: int = 0) -> list[int]:
    """Let memory run out where more rows than that go through the model, after some passes; rows of every pass."""
    rows_tried: list[int] = []

    def limited(module: Any) -> None:
        real = module.report_losses

        def losses(model: Any, inputs: dict[str, Any], *rest: Any) -> torch.Tensor:
            rows_tried.append(len(inputs["labels"]))
            if len(rows_tried) > after and rows_tried[-1] > rows:
                raise torch.OutOfMemoryError("injected")
            return real(model, inputs, *rest)

        monkeypatch.setattr(module, "report_losses", losses)

    limited(training)
    limited(sequential)
    return rows_tried


def weights(run: Run, name: str) -> dict[str, torch.Tensor]:
    return load_file(run.folders[name].adapter / "adapter_model.safetensors")


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("family", some_always(FAMILIES))
def test_a_trial_goes_on_with_fewer_rows_and_ends_as_it_would_have(
    family: str, engine: type, dropout: float, load: Load, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load(family, dtype=torch.float64)
    one = trial(4, dtype="float64", steps=5, batch_size=4, dropout=dropout)
    with fused_norms(backbone.model):  # the model's own would round to float32
        whole = train(engine(), backbone, [one])
        rows_tried = no_room_above(1, monkeypatch, after=2)
        cut = train(engine(), backbone, [one])
    assert cut.outcomes[one.id].failure is None
    assert {4, 2, 1} <= set(rows_tried)
    assert cut.distance(whole) < TOLERANCE
    ours, theirs = weights(cut, one.id), weights(whole, one.id)
    assert max(float((ours[k] - theirs[k]).abs().max()) for k in theirs) < TOLERANCE


@pytest.mark.parametrize("engine", ENGINES)
def test_micro_batches_of_the_protocol_are_cut_further(
    engine: type, load: Load, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("qwen2.5-vl-3b", dtype=torch.float64)
    one = trial(4, dtype="float64", steps=4, batch_size=5, micro_batch_size=3, dropout=0.3)
    whole = train(engine(), backbone, [one])
    no_room_above(1, monkeypatch)
    assert train(engine(), backbone, [one]).distance(whole) < TOLERANCE


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trial_is_given_up_where_not_even_one_row_fits_and_goes_on_with_more_memory(
    engine: type, load: Load, train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backbone = load("qwen2.5-vl-3b", dtype=torch.float64)
    one = trial(4, dtype="float64", steps=5, batch_size=5)
    whole = train(engine(), backbone, [one])
    with monkeypatch.context() as scarce:
        rows_tried = no_room_above(0, scarce, after=3)
        given_up = train(engine(), backbone, [one], store=tmp_path / "scarce")
    assert given_up.outcomes[one.id].failure == NO_ROOM
    # What sits in front of memory's end isn't lost: three steps were taken, two are left.
    assert rows_tried[-3:] == [5, 2, 1]
    steps: list[int] = []
    resumed = train(engine(), backbone, [one], store=tmp_path / "scarce", step_done=lambda _, n, *__: steps.append(n))
    assert steps == [4, 5]
    assert resumed.distance(whole) < TOLERANCE


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_leaves_no_adapter_in_the_model(
    engine: type, load: Load, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("qwen2.5-vl-3b")
    before = [name for name, _ in backbone.model.named_modules()]
    no_room_above(0, monkeypatch)
    train(engine(), backbone, [trial(4), trial(2)])
    assert [name for name, _ in backbone.model.named_modules()] == before


def test_a_damaged_adapter_leaves_the_model_as_it_was(load: Load, train: Train, pictures: np.ndarray) -> None:
    backbone = load("qwen2.5-vl-3b")
    one, other = trial(4), trial(2, seed=1)
    run = train(Packed(), backbone, [one, other])
    texts = written(Sequential(), backbone, [other], run, pictures)
    (run.folders[one.id].adapter / "adapter_model.safetensors").write_bytes(b"damaged")
    for engine in (Sequential(), Packed()):
        with pytest.raises(Exception, match=r"[Hh]eader"):
            written(engine, backbone, [one, other], run, pictures)
        assert written(Sequential(), backbone, [other], run, pictures) == texts


def test_one_after_another_writes_fewer_reports_at_once(
    load: Load, train: Train, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("qwen2.5-vl-3b", dtype=torch.float64)
    one = trial(4, dtype="float64")
    run = train(Sequential(), backbone, [one])
    whole = written(Sequential(), backbone, [one], run, pictures)
    real, sizes = generation._batch, []

    def limited(backbone: Backbone, model: Any, protocol: Protocol, part: Sequence[torch.Tensor]) -> Any:
        sizes.append(len(part))
        if len(part) > limit:
            raise torch.OutOfMemoryError("injected")
        return real(backbone, model, protocol, part)

    monkeypatch.setattr(generation, "_batch", limited)
    limit = 1
    assert written(Sequential(), backbone, [one], run, pictures) == whole
    assert sizes == [len(REPORTS), len(REPORTS) // 2, *[1] * len(REPORTS)]
    limit = 0
    with pytest.raises(torch.OutOfMemoryError):
        written(Sequential(), backbone, [one], run, pictures)


@given(st.integers(1, 12), st.one_of(st.none(), st.integers(1, 12)), st.one_of(st.none(), st.integers(1, 12)))
def test_pieces_are_the_step_s_reports_in_order(batch: int, micro: int | None, rows: int | None) -> None:
    protocol = Protocol(steps=1, batch_size=batch, micro_batch_size=micro)
    cut = pieces(range(batch), protocol, rows)
    assert [i for piece in cut for i in piece.reports] == list(range(batch))
    assert all(0 < len(piece.reports) <= min(rows or batch, micro or batch) for piece in cut)
    whole = [piece.micro_batch for piece in cut if piece.start == 0]
    assert [i for micro_batch in whole for i in micro_batch] == list(range(batch))
