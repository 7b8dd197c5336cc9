"""What a report keeps in memory between the forward and the backward pass, by counting.

A few layers of the decoder, at full width and without numbers (torch's fake tensors: shapes, formats and a device, no
data), run a forward pass as an engine runs it, and autograd is asked what it keeps. So fused kernels, attention, masks
and dropout count as what they are, and there is no arithmetic of what a layer looks like.
"""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from backbones.base import IGNORED, Backbone
from backbones.private.inputs import ModelInputs
from backbones.private.lora import lora_layers, lora_sizes
from backbones.private.masks import whole_rows
from backbones.private.memory import fake_tensors, storage_key
from backbones.structure import build, shallow
from backbones.widths import inner_width
from benchmark.tuning.compilation import decoder_layers
from benchmark.tuning.fused import fused
from benchmark.tuning.losses import report_losses
from benchmark.tuning.packed.layers import PackedLayers
from benchmark.tuning.packed.stacks import Stacks
from benchmark.tuning.protocol import precision

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

ADAPTERS = {torch.bfloat16: torch.float32, torch.float16: torch.float32}
"""The format that peft keeps adapters in, of a model in another one; else the model's own."""
CPU = torch.device("cpu")
RANKS = (11, 13)
"""Rank that is counted with, and another where a report has as many tokens: no other side of a tensor is as long, so
tensors of that width are those that grow with the rank, in a straight line."""
PER_TOKEN = (14, 3)
"""Numbers a token that a layer is assumed to keep, times its width and times its inner width, where none can be
counted: 1.1 to 1.5 times what is counted of the published models with fused attention that come with amrg."""


@dataclass(frozen=True)
class Pass:
    """A forward pass of one report.

    Attributes:
        dtype: of the model.
        prompt: tokens before the report, the image's among them.
        report: tokens of the report.
        dropout: of the adapters.
        packed: whether by the packed engine; else by plain peft.
        merged: whether packed layers take the merged way where they can.
    """

    dtype: torch.dtype
    prompt: int
    report: int
    dropout: float = 0.0
    packed: bool = True
    merged: bool = False


@dataclass(frozen=True)
class Parts:
    """Bytes by where they are kept.

    Attributes:
        layers: of each layer that was run.
        head: of the last norm, the head and the loss.
        merged: of a layer's merged weights, which all reports of a trial share; not among the others.
    """

    layers: tuple[float, ...]
    head: float
    merged: float = 0.0


@dataclass(frozen=True)
class Kept:
    """Bytes that one report keeps.

    Attributes:
        layers: of the whole decoder.
        bare: without adapters; the last of its layers stands for all that weren't run.
        per_rank: more for each of an adapter's ranks.
        input: of one layer, which is all that activation checkpointing keeps of it.
        logits: of the report's logits in the format that their loss is computed in.
        merged: more for a trial, whatever its reports: merged weights.
        assumed: why it is assumed, where it couldn't be counted; empty where it was.
    """

    layers: int
    bare: Parts
    per_rank: Parts
    input: int
    logits: int
    merged: float
    assumed: str = ""

    def layer(self, rank: int) -> float:
        """Return the bytes that a layer within the decoder keeps."""
        return self.bare.layers[-1] + rank * self.per_rank.layers[-1]

    def report(self, rank: int, *, checkpointing: bool = False, head: bool = True) -> float:
        """Return the bytes at the peak, which is where the backward pass begins.

        Args:
            rank: of the adapter.
            checkpointing: whether layers keep their inputs alone, and one at a time what else it keeps.
            head: whether logits are held, and in the backward pass two more tensors of their size; else head and loss
                are one, which keeps a gradient of the hidden states' size.
        """
        if checkpointing:
            inner = self.layers * self.input + self.layer(rank)
        else:
            inner = self._every_layer(self.bare) + rank * self._every_layer(self.per_rank)
        return inner + (self.bare.head + 2 * self.logits if head else self.input)

    def _every_layer(self, parts: Parts) -> float:
        return sum(parts.layers) + (self.layers - len(parts.layers)) * parts.layers[-1]


def kept(plugin: type[Backbone], config: "PreTrainedConfig", forward: Pass) -> Kept:
    """Return what a report keeps in training a plugin's model of this configuration; counted once a process."""
    return _kept(plugin, _Configuration(config), forward)


class _Configuration:
    """A configuration that can be looked up: equal where all its settings are."""

    def __init__(self, config: "PreTrainedConfig") -> None:
        self.config = config
        self.text = config.to_json_string()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Configuration) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


@cache
def _kept(plugin: type[Backbone], configuration: _Configuration, forward: Pass) -> Kept:
    config, text = configuration.config, configuration.config.get_text_config()
    tokens = forward.prompt + forward.report
    rank = next(rank for rank in RANKS if rank not in (tokens, forward.prompt, forward.report))
    why = ""
    try:
        counted = Probe(plugin, config, forward, rank).count()
    except Exception as error:  # an outside plugin's model may do on real tensors what fake ones can't
        counted, why = assumed(config, forward, rank), f"{type(error).__name__}: {str(error).strip().splitlines()[:1]}"
    return Kept(
        layers=text.num_hidden_layers,
        bare=counted.bare,
        per_rank=counted.per_rank,
        input=tokens * text.hidden_size * forward.dtype.itemsize,
        logits=forward.report * text.vocab_size * (8 if forward.dtype == torch.float64 else 4),
        merged=text.num_hidden_layers * counted.bare.merged,
        assumed=why,
    )


@dataclass(frozen=True)
class Counted:
    """Bytes of a forward pass: without what grows with the rank, and how much that is for each of a rank."""

    bare: Parts
    per_rank: Parts


def assumed(config: "PreTrainedConfig", forward: Pass, rank: int) -> Counted:
    """Return what a forward pass keeps by a formula with a margin, for models that can't be counted.

    Args:
        config: of the model.
        forward: what is run.
        rank: of the adapter; it makes no difference.
    """
    text = config.get_text_config()
    size, tokens = forward.dtype.itemsize, forward.prompt + forward.report
    wide, inner = PER_TOKEN
    width = inner_width(text)
    layer = tokens * (wide * text.hidden_size + inner * width) * size
    weights = (4 * text.hidden_size**2 + 3 * text.hidden_size * width) * size
    head = 2 * tokens * text.hidden_size * size
    logits = forward.report * text.vocab_size * 4
    return Counted(
        Parts((float(layer),), float(head + logits), float(weights) if forward.merged else 0.0),
        Parts((float(len(PROJECTIONS) * tokens * size),), 0.0),
    )


PROJECTIONS = ("q", "k", "v", "o", "gate", "up", "down")
"""That a layer has adapters on, as a rule."""


class Probe:
    """A few layers of a plugin's model, without numbers, and the inputs of a report.

    Args:
        plugin: whose attention mask training takes.
        config: of the whole model.
        forward: what is run.
        rank: of the adapter.
    """

    def __init__(self, plugin: type[Backbone], config: "PreTrainedConfig", forward: Pass, rank: int) -> None:
        self.forward = forward
        self.rank = rank
        self.adapters = ADAPTERS.get(forward.dtype, forward.dtype)
        self.merged = 0
        self.fake = fake_tensors()
        model = build(shallow(config))
        lora = LoraConfig(r=rank, lora_dropout=forward.dropout, target_modules=plugin.expression(model))
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an old name
            self.model: Any = get_peft_model(model, lora, low_cpu_mem_usage=True)
        processor: Any = SimpleNamespace(tokenizer=None)
        self.backbone = plugin(model, processor, source=Path(), fingerprint="")
        with self.fake:
            _put_on(model, CPU, forward.dtype, self.adapters)
            self.inputs = self._inputs(config)

    def _inputs(self, config: "PreTrainedConfig") -> ModelInputs:
        """Return embeddings, labels and attention mask of one report."""
        forward, hidden = self.forward, config.get_text_config().hidden_size
        length = forward.prompt + forward.report
        tokens, labels = torch.full((1, length), self.backbone.image_token), torch.full((1, length), IGNORED)
        labels[:, forward.prompt :] = 0
        inputs: Any = {"inputs_embeds": torch.zeros(1, length, hidden, dtype=forward.dtype), "labels": labels}
        if self.backbone.token_types == "token_type_ids":
            inputs["token_type_ids"] = self.backbone.token_type_ids(tokens, labels)
        mask = self.backbone.training_mask(inputs)
        return inputs if mask is None else {**inputs, "attention_mask": mask}

    def count(self) -> Counted:
        """Return the bytes that the forward pass keeps."""
        layers = decoder_layers(self.backbone)
        place = len(layers)
        saved = [[0, 0] for _ in range(place + 1)]
        held: list[Tensor] = []  # or a storage's key would be given out again
        at = 0
        with ExitStack() as stack:
            known = {storage_key(tensor) for tensor in stack.enter_context(self._installed())}

            def keep(tensor: Tensor) -> Tensor:
                key = storage_key(tensor)
                if key not in known:
                    known.add(key)
                    held.append(tensor)
                    saved[at][self.rank in tensor.shape] += tensor.untyped_storage().nbytes()
                return tensor

            def enter(number: int) -> Any:
                def hook(*_: object) -> None:
                    nonlocal at
                    at = number

                return hook

            for number, layer in enumerate(layers):
                stack.callback(layer.register_forward_pre_hook(enter(number)).remove)
            stack.callback(layers[-1].register_forward_hook(enter(place)).remove)
            for context in (self.fake, precision(self.backbone), whole_rows(), saved_tensors_hooks(keep, _unchanged)):
                stack.enter_context(context)
            self.backbone.model.train()
            report_losses(self.model, self.inputs.copy(), self.forward.prompt)
        bare, grows = ([float(part[which]) for part in saved] for which in (0, 1))
        merged, per_rank = self.merged / place, [part / self.rank for part in grows]
        return Counted(
            Parts(tuple(layer - merged for layer in bare[:place]), bare[place], merged),
            Parts(tuple(per_rank[:place]), per_rank[place]),
        )

    @contextmanager
    def _installed(self) -> Iterator[list[Tensor]]:
        """Run the model as the engine runs it, within; gives the tensors that are there anyway."""
        forward, model = self.forward, self.backbone.model
        present = [*model.parameters(), *model.buffers()]
        if not forward.packed:
            yield present
            return
        shapes = {name: lora_sizes(layer) for name, layer in lora_layers(self.model).items()}
        stacks = Stacks(shapes, [self.rank], [1.0], dtype=self.adapters, device=CPU)
        masks: Any = (lambda *_: _Unmasked()) if forward.dropout else None
        layers = PackedLayers(self.model, stacks, merge=forward.merged, masks=masks)
        names = [member.name for group in layers.groups if group.merged for member in group.members]
        self.merged = sum(shapes[name][0] * shapes[name][1] for name in names) * forward.dtype.itemsize
        with fused(model), layers.installed():
            yield [*present, *stacks.flat]


class _Unmasked:
    """Stands for dropout's mask, and drops nothing."""

    def times(self, *pairs: tuple[Tensor, Tensor]) -> None:
        """Put down tensors as they are."""
        for x, into in pairs:
            into.copy_(x)


def _unchanged(tensor: Tensor) -> Tensor:
    return tensor


def _put_on(model: nn.Module, device: torch.device, dtype: torch.dtype, trained: torch.dtype) -> None:
    """Put empty tensors of a device in place of a model's own; parameters in the format given, tied ones tied."""
    seen: dict[int, Tensor] = {}

    def empty(tensor: Tensor, own: torch.dtype) -> Tensor:
        if id(tensor) not in seen:
            seen[id(tensor)] = torch.empty(tensor.shape, dtype=own, device=device)
            if isinstance(tensor, nn.Parameter):
                seen[id(tensor)] = nn.Parameter(seen[id(tensor)], tensor.requires_grad)
        return seen[id(tensor)]

    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                own = trained if parameter.requires_grad else dtype
                module._parameters[name] = empty(parameter, own)  # type: ignore[assignment]
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = empty(buffer, buffer.dtype)
