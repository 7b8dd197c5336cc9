"""A model that makes more of its head's product: the contract finds it, and its loss stays the model's own."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch import nn

from backbones.base import Backbone
from backbones.contract import Broken
from benchmark.tuning import losses
from benchmark.tuning.contract import loss_by_parts


def test_the_contract_compares_with_the_models_own_logits(
    load: Callable[..., Backbone], pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("llava-med-7b")
    subject: Any = SimpleNamespace(backbone=backbone, images=list(pictures))
    loss_by_parts(subject)

    plain = type(backbone.model).forward

    def scaling(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        output = plain(self, *args, **kwargs)
        output.logits.mul_(2)
        return output

    monkeypatch.setattr(type(backbone.model), "forward", scaling)
    with pytest.raises(Broken, match="it changes its logits"):
        loss_by_parts(subject)

    monkeypatch.setattr(type(backbone), "plain_logits", False)
    type(backbone)(backbone.model, backbone.processor, source=backbone.source, fingerprint="")
    with losses.by_parts():
        assert not losses.in_parts(backbone.model)
    loss_by_parts(subject)
