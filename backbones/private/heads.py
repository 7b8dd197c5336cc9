"""From the last hidden states of transformers' decoders to their logits."""

from typing import TYPE_CHECKING, Any

from torch import Tensor

from backbones.private.inputs import ModelInputs

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

SCALED = ("logit_scale", "logits_scaling", "lm_head_multiplier")
"""Settings of transformers' decoders whose logits aren't the head's alone."""


def head_alone(model: "PreTrainedModel | PeftModel") -> bool:
    """Return whether a model's logits are its head's product with its inner model's last hidden states."""
    return hasattr(_base(model), "model") and logits_are_the_heads(model.config.get_text_config())


def logits_are_the_heads(text: Any) -> bool:
    """Return whether a decoder of this configuration leaves its head's product as it is, but for a bound."""
    return not any(getattr(text, name, None) not in (None, 1.0) for name in SCALED)


def last_hidden_states(model: "PreTrainedModel | PeftModel", inputs: ModelInputs) -> Tensor:
    """Return what the head is given, [rows, length, hidden]."""
    return _base(model).model(**inputs, use_cache=False).last_hidden_state


def softcapping(model: "PreTrainedModel | PeftModel") -> float | None:
    """Return the bound that the decoder squeezes its logits into, where it has one."""
    return getattr(model.config.get_text_config(), "final_logit_softcapping", None)


def _base(model: Any) -> Any:
    """Return the backbone's own model, without peft's wrapper."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
