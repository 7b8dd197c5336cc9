"""What each linear layer of a decoder does, found in the model itself: attention, mixer, MLP, experts, and others.

Families name their layers as they like (`gate_up_proj`, `w1`, `in_proj_qkv`), so a list of names adapts a part of a
decoder that its author didn't think of, without a word. Here every weight that a token is multiplied with is found,
with its role, and a reason where it can't have an adapter. Nothing is computed, so a model on the meta device serves.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import Tensor, nn

from backbones.errors import UserError

Role = Literal[
    "attention_in", "attention_out", "mixer_in", "mixer_out", "gate", "up", "gate_up", "down",
    "experts", "other", "router",
]  # fmt: skip
"""What a layer does: projections into attention and out of it, the same of a mixer (linear attention, a state space, a
convolution: what stands in attention's place), the parts of an MLP (`gate_up`: two in one layer), experts, what is none
of these (per-layer inputs, for instance), and what chooses experts."""
ROLES: tuple[Role, ...] = get_args(Role)
ATTENTION: tuple[Role, ...] = ("attention_in", "attention_out")
MIXER: tuple[Role, ...] = ("mixer_in", "mixer_out")
MLP: tuple[Role, ...] = ("gate", "up", "gate_up", "down")
GROUPS: Mapping[str, tuple[Role, ...]] = {
    "all": (*ATTENTION, *MIXER, *MLP, "other"),
    "attention": ATTENTION,
    "mixer": MIXER,
    "mlp": MLP,
    "attention+mixer": (*ATTENTION, *MIXER),
    "all+experts": (*ATTENTION, *MIXER, *MLP, "other", "experts"),
}
"""The roles that a suite's `targets` stand for."""
NARROWEST = 8
"""The rank that a layer of no known role has to be wider than: at it, an adapter is smaller than the layer."""

_EXPERTS = re.compile(r"(?!shared)(\w+_)?experts")
_ROUTER = re.compile(r"gate|(\w+_)?router|\w*experts?_gate")
_MIXER = re.compile(r"mamba|ssm|conv|linear_att|delta|recurrent|rg_?lru|rwkv|time_mix")
_ATTENTION = re.compile(r"attn|attention")
_MLP = re.compile(r"mlp|feed_forward|ffn?\d?$|expert|moe")
_OUT = re.compile(r"o(ut|utput)?(_[ab])?(_proj|_linear)?|wo(_[ab])?|dense|c_proj|to_out|proj_out")
_DOWN = re.compile(rf"down(_proj)?|w2|(linear_)?fc2|dense_4h_to_h|linear_2|{_OUT.pattern}")
_FUSED = re.compile(r"gate_(and_)?up\w*|up_(and_)?gate\w*|w1[23]")
_GATE = re.compile(r"gate(_proj)?|w1|wi_0")
_STATES = ("A_log", "dt_bias", "time_decay")
"""Parameters that a state space has and attention hasn't."""


@dataclass(frozen=True)
class LinearLayer:
    """Weights of a decoder that tokens are multiplied with.

    Attributes:
        name: of the module in the whole model; of the parameter where it has no module of its own.
        role: what it does.
        inputs, outputs: widths.
        count: matrices of that size; more than one for experts in one parameter.
        left_out: why it can't have an adapter; None where it can.
        alone: why an adapter on it can't be packed with others'; None where it can.
    """

    name: str
    role: Role
    inputs: int
    outputs: int
    count: int = 1
    left_out: str | None = None
    alone: str | None = None

    @property
    def weights(self) -> int:
        """Return how many numbers it has."""
        return self.count * self.inputs * self.outputs


def decoder_of(model: nn.Module, named: str | None = None) -> tuple[str, nn.Module]:
    """Return a model's decoder and its name.

    Args:
        model: a vision-language model.
        named: how the plugin calls the module that holds the decoder's layers; by transformers' own search where None,
            and where no module is called so.

    Raises:
        UserError: there is none, or there are several.
    """
    modules = dict(model.named_modules())
    decoders = [name for name in modules if named is not None and name.rpartition(".")[2] == named]
    if not decoders:
        search: Any = getattr(model, "get_decoder", lambda: None)
        searched = search()
        decoders = [name for name, module in modules.items() if module is searched and module is not model]
    if len(decoders) != 1:
        what = f"{len(decoders)} modules" if decoders else "no module"
        raise UserError(
            f"{type(model).__name__} has {what} that could be its decoder. State in the plugin's `decoder` how the "
            "module is called that holds the decoder's layers."
        )
    return decoders[0], modules[decoders[0]]


def decoder_layers(model: nn.Module, named: str | None = None) -> list[LinearLayer]:
    """Return every linear layer of a model's decoder, once, in the model's order; embeddings, norms and head are none.

    Args:
        model: with or without numbers, and with or without peft's adapters in it.
        named: see `decoder_of`.
    """
    prefix, decoder = decoder_of(model, named)
    outside = _of_images(decoder)
    layers: list[LinearLayer] = []
    first: dict[int, str] = {}
    wrapped: list[str] = []
    for path, module in decoder.named_modules():
        if path in outside or any(path.startswith(f"{one}.") for one in (*wrapped, *outside)):
            continue
        if isinstance(base := getattr(module, "base_layer", None), nn.Module):
            wrapped.append(path)  # by peft; what is within is the layer and its adapters
            module = base
        holder = decoder.get_submodule(path.rpartition(".")[0])
        for layer, weight in _layers_of(path, module, holder):
            name = f"{prefix}.{layer.name}"
            tied = first.setdefault(id(weight), name)
            why = layer.left_out if tied == name else f"its weight is that of {tied}"
            layers.append(LinearLayer(name, layer.role, layer.inputs, layer.outputs, layer.count, why, layer.alone))
    return layers


def _of_images(decoder: nn.Module) -> set[str]:
    """Return modules within a decoder that see images, in case a whole model is taken for one."""
    encoders = ("vision_tower", "visual", "vision_model", "vision_encoder", "image_tower", "audio_tower")
    return {name for name, _ in decoder.named_modules() if name.rpartition(".")[2] in encoders}


def _layers_of(path: str, module: nn.Module, holder: nn.Module) -> Iterator[tuple[LinearLayer, Tensor]]:
    """Yield a module's own linear layers and their weights: itself, or what it has as bare parameters."""
    if path.rpartition(".")[2] == "lm_head":
        return
    if isinstance(module, nn.Linear):
        role = _role(path, holder)
        wide = (module.in_features, module.out_features)
        why = _why_left_out(role, module, *wide)
        yield LinearLayer(path, role, *wide, left_out=why, alone=_why_alone(role, module)), module.weight
        return
    for name, parameter in module._parameters.items():
        if parameter is None or isinstance(module, nn.Embedding) or "Norm" in type(module).__name__:
            continue
        if parameter.ndim == 3 and not isinstance(module, nn.modules.conv._ConvNd):
            count, outputs, inputs = parameter.shape
            why = "the experts of a layer are one parameter, no linear layers of their own"
            yield LinearLayer(f"{path}.{name}", "experts", inputs, outputs, count, why), parameter
        elif parameter.ndim == 2 and name == "weight":
            role = _role(path, holder)
            outputs, inputs = parameter.shape
            why = _frozen(role) or f"{type(module).__name__} is no linear layer of torch's"
            yield LinearLayer(f"{path}.{name}", role, inputs, outputs, left_out=why), parameter


def _role(path: str, holder: nn.Module) -> Role:
    """Return what a linear layer does, by its path within the decoder and what else its module holds."""
    parts = [part for part in path.split(".") if not part.isdigit()]
    if parts[-1] == "linear" and len(parts) > 1:
        parts.pop()  # a wrapper that clips or scales what the layer inside it returns
    *holders, name = parts
    if any(_EXPERTS.fullmatch(part) for part in holders):
        return "experts"
    for part in reversed(holders):
        if _is_mixer(part, holder):
            return "mixer_out" if _OUT.fullmatch(name) else "mixer_in"
        if _ATTENTION.search(part) or (part == "mixer" and hasattr(holder, "q_proj")):
            return "attention_out" if _OUT.fullmatch(name) else "attention_in"
        if _ROUTER.fullmatch(name) or _ROUTER.fullmatch(part):
            return "router"
        if _MLP.search(part) or (part == "mixer" and hasattr(holder, "down_proj")):
            return _part_of_mlp(name, holder)
    return "other"


def _is_mixer(part: str, holder: nn.Module) -> bool:
    """Return whether a block mixes tokens by something else than attention."""
    if any(hasattr(holder, state) for state in _STATES):
        return True
    convolves = any(isinstance(module, nn.Conv1d) for module in holder.children())
    return convolves or bool(_MIXER.search(part))


def _part_of_mlp(name: str, holder: nn.Module) -> Role:
    """Return which part of an MLP a layer is, by its name or by the widths of its neighbours."""
    if _DOWN.fullmatch(name):
        return "down"
    if _FUSED.fullmatch(name):
        return "gate_up"
    layer = getattr(holder, name, None)
    for other, neighbour in holder.named_children():
        # Of two inputs of `down` in one layer: half goes through the activation.
        widths: Any = (getattr(neighbour, "in_features", None), getattr(layer, "out_features", None))
        if _DOWN.fullmatch(other) and None not in widths and widths[1] == 2 * widths[0]:
            return "gate_up"
    return "gate" if _GATE.fullmatch(name) else "up"


def _frozen(role: Role) -> str | None:
    return "routers stay frozen: where a token goes is the base's choice" if role == "router" else None


def _why_left_out(role: Role, module: nn.Linear, inputs: int, outputs: int) -> str | None:
    """Return why a linear layer can't have an adapter, or None where it can."""
    if role == "router":
        return _frozen(role)
    if isinstance(module, nn.modules.linear.NonDynamicallyQuantizableLinear):
        return "torch's MultiheadAttention takes its weight without calling it"
    if role == "other" and is_narrow(inputs, outputs):
        return f"so narrow that an adapter of rank {NARROWEST} would be larger than the layer"
    return None


def is_narrow(inputs: int, outputs: int) -> bool:
    """Return whether an adapter of the least rank would be as large as a layer of such widths."""
    return NARROWEST * (inputs + outputs) >= inputs * outputs


def _why_alone(role: Role, module: nn.Linear) -> str | None:
    """Return why an adapter on a layer can't be packed: what it is given has to be rows, ordered by trial."""
    if role == "experts":
        return "an expert sees the tokens that a router sends it, not rows of trials"
    plain = type(module) is nn.Linear or type(module).__module__.startswith(("bitsandbytes.", "peft."))
    return None if plain else f"{type(module).__name__} is no plain linear layer"
