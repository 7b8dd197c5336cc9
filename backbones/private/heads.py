"""From the last hidden states of transformers' decoders to their logits."""

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from backbones.private.inputs import ModelInputs

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor
    from transformers import PreTrainedModel

SCALED = ("logit_scale", "logits_scaling", "lm_head_multiplier")
"""Settings of transformers' decoders whose logits aren't the head's alone."""


_changing: "WeakSet[PreTrainedModel]" = WeakSet()


def changes_logits(model: "PreTrainedModel") -> None:
    """Remember of a model that it makes more of its head's product than its configuration says."""
    _changing.add(model)


def head_alone(model: "PreTrainedModel | PeftModel") -> bool:
    """Return whether a model's logits are its head's product with its inner model's last hidden states."""
    base = _base(model)
    known = hasattr(base, "model") and base not in _changing
    return known and logits_are_the_heads(model.config.get_text_config())


def logits_are_the_heads(text: Any) -> bool:
    """Return whether a decoder of this configuration leaves its head's product as it is, but for a bound."""
    return not any(getattr(text, name, None) not in (None, 1.0) for name in SCALED)


def last_hidden_states(model: "PreTrainedModel | PeftModel", inputs: ModelInputs) -> "Tensor":
    """Return what the head is given, [rows, length, hidden]."""
    return _base(model).model(**inputs, use_cache=False).last_hidden_state


def softcapping(model: "PreTrainedModel | PeftModel") -> float | None:
    """Return the bound that the decoder squeezes its logits into, where it has one."""
    return bound_of(model.config.get_text_config())


def bound_of(text: Any) -> float | None:
    """Return the bound on logits in a decoder's configuration."""
    return getattr(text, "final_logit_softcapping", None)


def _base(model: Any) -> Any:
    """Return the backbone's own model, without peft's wrapper."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
