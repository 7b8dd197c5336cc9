"""The forward pass of peft's LoRA layers for a whole pack: rows of all trials in one batch, ordered by trial.

Two ways, equal up to rounding. *Merged*: each trial's weight W + scale · B A is made anew every step, and the batch is
one batched product; cheaper wherever a trial's rows outnumber the weight's width, but it takes a copy of the weight a
trial and full precision. *Factored*: the frozen layer sees all rows at once, and A and B are applied as batched
products; for quantised or large layers, low precision and dropout. A trial's A and B are 0 where it adapts no layer.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from backbones.private.lora import dropout_format, lora_layers, lora_sizes
from backbones.private.modules import replace_forward, restore_forward
from benchmark.tuning.dropout import Mask
from benchmark.tuning.packed.stacks import Band, Stacks

SHARED_INPUT = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Sibling layers that a decoder gives the same input, so that their products can be one."""

THIN = 6
"""Gradients of A and B go by way of the rank where that takes this many times fewer operations than by way of the whole
weight: products that thin reach a third of a processor's speed, and there are twice as many."""

Masks = Callable[[str, tuple[int, ...], torch.dtype], Mask]
"""Dropout's mask for the named layer's input of that shape."""


@dataclass
class Member:
    """One of the layers that share an input."""

    name: str
    layer: Any
    outputs: int


@dataclass
class Shared:
    """Layers that share an input, and what the first of them has computed for the others."""

    members: list[Member]
    merged: bool
    source: Tensor | None = None
    waiting: dict[str, Tensor] = field(default_factory=dict)
    weight: Tensor | None = None


class PackedLayers:
    """peft's LoRA layers of a model, run for all trials of a pack.

    Args:
        model: with peft's LoRA layers injected.
        stacks: the adapters.
        merge: whether plain layers in full precision take the merged way.
        masks: of dropout, for a layer's input; None without dropout.
        opaque: whether torch.compile is to leave these layers out of what it compiles around them: a group's layers
            wait for each other in ways that it would compile anew for each.
    """

    def __init__(
        self, model: nn.Module, stacks: Stacks, *, merge: bool, masks: Masks | None = None, opaque: bool = False
    ) -> None:
        self.stacks = stacks
        self.masks = masks
        self.call = torch.compiler.disable(_call) if opaque else _call
        self.groups: list[Shared] = []
        layers = lora_layers(model)
        grouped: set[str] = set()
        for name in layers:
            if name in grouped:
                continue
            parent, _, projection = name.rpartition(".")
            siblings = next((group for group in SHARED_INPUT if projection in group), (projection,))
            names = [n for n in (f"{parent}.{s}" for s in siblings) if n in layers]
            bases = [layers[n].get_base_layer() for n in names]
            # Quantised layers are subclasses of Linear, and their weight is no matrix.
            plain = all(type(b) is nn.Linear and b.weight.dtype == stacks.flat[0].dtype for b in bases)
            merged = merge and plain and masks is None
            for part in [names] if merged else [[n] for n in names]:
                members = [Member(n, layers[n], lora_sizes(layers[n])[1]) for n in part]
                self.groups.append(Shared(members, merged))
            grouped.update(names)

    @property
    def merges(self) -> bool:
        """Whether any layer takes the merged way."""
        return any(group.merged for group in self.groups)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Run peft's layers, within, for the pack; after, as peft made them."""
        try:
            for group in self.groups:
                for member in group.members:
                    member.layer.packed_forward = self._forward(group, member)
                    # One function for all layers: what is compiled for one layer then serves the others.
                    replace_forward(member.layer, MethodType(self.call, member.layer))
            yield
        finally:
            for group in self.groups:
                group.source, group.weight = None, None
                group.waiting.clear()
                for member in group.members:
                    restore_forward(member.layer)
                    del member.layer.packed_forward

    def _forward(self, group: Shared, member: Member) -> Callable[[Tensor], Tensor]:
        if not group.merged:
            return lambda x: self._factored(member, x)

        def forward(x: Tensor) -> Tensor:
            if group.source is not x or member.name not in group.waiting:
                outputs = self._merged(group, x)
                group.source = x
                group.waiting = {m.name: y for m, y in zip(group.members, outputs, strict=True)}
            output = group.waiting.pop(member.name)
            if not group.waiting:
                group.source = None
            return output

        return forward

    def _factored(self, member: Member, x: Tensor) -> Tensor:
        base = member.layer.base_layer
        y = base(x)
        if type(base) is not nn.Linear and base.bias is not None:
            y = y.clone()  # bitsandbytes gives a view where there is a bias, which autograd lets nobody write into
        stacks = self.stacks
        # As peft draws them: a GPU draws other ones in another format.
        dtype = dropout_format(member.layer, x, stacks.down[member.name][0].dtype)
        mask = None if self.masks is None else self.masks(member.name, tuple(x.shape), dtype)
        return Factored.apply(
            y, x, mask, stacks.scales, stacks.bands, *stacks.down[member.name], *stacks.up[member.name]
        )

    def _merged(self, group: Shared, x: Tensor) -> Sequence[Tensor]:
        stacks = self.stacks
        leaves = [leaf for m in group.members for leaf in (*stacks.down[m.name], *stacks.up[m.name])]
        bases = [m.layer.base_layer for m in group.members]
        sizes = [m.outputs for m in group.members]
        if torch.is_grad_enabled():
            return Merged.apply(x, bases, sizes, stacks.scales, stacks.bands, *leaves)
        if group.weight is None:
            group.weight = merged_weight(bases, sizes, stacks.scales, stacks.bands, leaves)
        return merged_product(x, group.weight, bases).split(sizes, dim=-1)

    def keep(self, trials: Sequence[int]) -> None:
        """Go on with some of the trials, in the same order; for generation."""
        self.stacks = self.stacks.selected(trials)
        for group in self.groups:
            if group.weight is not None:
                group.weight = group.weight[torch.as_tensor(trials, device=group.weight.device)]


def _call(layer: Any, x: Tensor) -> Tensor:
    return layer.packed_forward(x)


def _split(leaves: Sequence[Tensor], member: int, bands: int) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Return A's and B's of a member, one a band, from the leaves of all members."""
    start = 2 * bands * member
    return leaves[start : start + bands], leaves[start + bands : start + 2 * bands]


def merged_weight(
    bases: Sequence[nn.Linear], sizes: Sequence[int], scales: Tensor, bands: Sequence[Band], leaves: Sequence[Tensor]
) -> Tensor:
    """Return W + alpha / r · B A of each trial for layers that share an input, [trials, outputs of all, in]."""
    inputs = bases[0].in_features
    weight = leaves[0].new_empty(len(scales), sum(sizes), inputs)
    start = 0
    for member, (base, size) in enumerate(zip(bases, sizes, strict=True)):
        downs, ups = _split(leaves, member, len(bands))
        for band, down, up in zip(bands, downs, ups, strict=True):
            scaled = (up * scales[band.trials]).transpose(1, 2)
            torch.baddbmm(base.weight, scaled, down, out=weight[band.trials, start : start + size])
        start += size
    return weight


def merged_product(x: Tensor, weight: Tensor, bases: Sequence[nn.Linear]) -> Tensor:
    """Multiply x [trials · rows, …, in] by each trial's weight, add biases: [trials · rows, …, outputs of all].

    The result is no view of another tensor: models may write into it (Gemma 3n scales a projection so), which autograd
    forbids with views that come out of a function of one's own.
    """
    rows = x.reshape(len(weight), -1, x.shape[-1])
    y = x.new_empty(*x.shape[:-1], weight.shape[1])
    out = y.view(*rows.shape[:2], -1)
    if bases[0].bias is None:
        torch.bmm(rows, weight.transpose(1, 2), out=out)
    else:
        torch.baddbmm(torch.cat([base.bias for base in bases]), rows, weight.transpose(1, 2), out=out)
    return y


class Merged(torch.autograd.Function):
    """Layers that share an input, by each trial's merged weight. Gradients are added to the leaves' at once."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bases: Any, sizes: Any, scales: Tensor, bands: Any, *leaves: Tensor) -> Any:
        """Return each layer's output for x [trials · rows, ..., in], a [trials · rows, ..., out] tensor per layer."""
        weight = merged_weight(bases, sizes, scales, bands, leaves)
        y = merged_product(x, weight, bases)
        ctx.save_for_backward(x, weight, scales, *leaves)
        ctx.sizes, ctx.bands, ctx.gradients = sizes, bands, [leaf.grad for leaf in leaves]
        return y.split(sizes, dim=-1) if len(sizes) > 1 else (y,)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Return the gradient by x, of x's shape, and add those by A and B to the leaves'."""
        x, weight, scales, *leaves = ctx.saved_tensors
        joined = gradients[0] if len(gradients) == 1 else torch.cat(gradients, dim=-1)
        g = joined.reshape(len(scales), -1, joined.shape[-1])
        rows = x.reshape(len(scales), -1, x.shape[-1])
        members = range(len(ctx.sizes))
        leaves_of = [_split(leaves, m, len(ctx.bands)) for m in members]
        gradients_of = [_split(ctx.gradients, m, len(ctx.bands)) for m in members]
        for number, band in enumerate(ctx.bands):
            inputs, outputs = x.shape[-1], sum(ctx.sizes)
            thin = THIN * band.rank * (inputs * len(ctx.sizes) + outputs) < inputs * outputs
            chosen = band.trials
            scaled = [(down[number] * scales[chosen], up[number] * scales[chosen]) for down, up in leaves_of]
            targets = [(down[number], up[number]) for down, up in gradients_of]
            (_thin if thin else _whole)(rows[chosen], g[chosen], ctx.sizes, scaled, targets)
        back = torch.bmm(g, weight).view(x.shape) if ctx.needs_input_grad[0] else None
        return back, None, None, None, None, *(None for _ in leaves)


Pairs = Sequence[tuple[Tensor, Tensor]]
"""A [trials, rank, in] and B transposed [trials, rank, out] of layers that share an input."""


def _thin(x: Tensor, g: Tensor, sizes: Sequence[int], scaled: Pairs, targets: Pairs) -> None:
    """Add gradients of A and B to `targets` by way of the rank; `scaled` are A and B times alpha / r."""
    for part, (down, up), (to_down, to_up) in zip(g.split(list(sizes), dim=-1), scaled, targets, strict=True):
        to_down.baddbmm_(torch.bmm(part, up.transpose(1, 2)).transpose(1, 2), x)
        to_up.baddbmm_(torch.bmm(x, down.transpose(1, 2)).transpose(1, 2), part)


def _whole(x: Tensor, g: Tensor, sizes: Sequence[int], scaled: Pairs, targets: Pairs) -> None:
    """Add the same by way of the merged weight's gradient."""
    parts = torch.bmm(g.transpose(1, 2), x).split(list(sizes), dim=1)
    for part, (down, up), (to_down, to_up) in zip(parts, scaled, targets, strict=True):
        to_down.baddbmm_(up, part)
        to_up.baddbmm_(down, part.transpose(1, 2))


def _dropped(x: Tensor, mask: Mask, also: Tensor | None = None) -> Tensor:
    """Return x times dropout's factors; multiply by them `also`, in place, what is of its shape."""
    product = x.new_empty(x.shape)
    mask.times((x, product), *([] if also is None else [(also, also)]))
    return product


class Factored(torch.autograd.Function):
    """Adds alpha / r · B A x to the frozen layer's output, in place; x times dropout's factors where there are any.

    Gradients of A and B are added to the leaves' at once. What is kept for the backward pass is x, which layers that
    share it keep once, and the products by A; dropout's factors are drawn again.
    """

    @staticmethod
    def forward(
        ctx: Any, y: Tensor, x: Tensor, mask: Mask | None, scales: Tensor, bands: Any, *leaves: Tensor
    ) -> Tensor:
        """Return y with the adapters' share added to it."""
        rows = (x if mask is None else _dropped(x, mask)).reshape(len(scales), -1, x.shape[-1])
        out = y.reshape(len(scales), -1, y.shape[-1])
        inners = []
        for band, down, up in zip(bands, leaves[: len(bands)], leaves[len(bands) :], strict=True):
            inner = torch.bmm(rows[band.trials], (down * scales[band.trials]).to(x.dtype).transpose(1, 2))
            out[band.trials].baddbmm_(inner, up.to(x.dtype))
            inners.append(inner)
        if not y.is_contiguous():
            y.copy_(out.view_as(y))  # `out` may be a copy
        ctx.mark_dirty(y)
        ctx.save_for_backward(x, scales, *inners, *leaves)
        ctx.mask, ctx.bands, ctx.gradients = mask, bands, [leaf.grad for leaf in leaves]
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradients by y and x, of their shapes, and add those by A and B to the leaves'."""
        x, scales, *rest = ctx.saved_tensors
        number = len(ctx.bands)
        inners, downs, ups = rest[:number], rest[number : 2 * number], rest[2 * number :]
        g = gradient.reshape(len(scales), -1, gradient.shape[-1])
        back = g.new_empty(len(scales), g.shape[1], x.shape[-1]) if ctx.needs_input_grad[1] else None
        throughs = []
        for place, (band, inner, down, up) in enumerate(zip(ctx.bands, inners, downs, ups, strict=True)):
            part, chosen = g[band.trials], scales[band.trials]
            through = torch.bmm(part, (up * chosen).to(part.dtype).transpose(1, 2))
            throughs.append(through)
            ctx.gradients[number + place].add_(torch.bmm(inner.transpose(1, 2), part))
            if back is not None:
                torch.bmm(through, down.to(part.dtype), out=back[band.trials])
        # Both by the same draw of the mask, which is as large as x.
        back = None if back is None else back.view(x.shape)
        rows = (x if ctx.mask is None else _dropped(x, ctx.mask, back)).reshape(len(scales), -1, x.shape[-1])
        for place, (band, through) in enumerate(zip(ctx.bands, throughs, strict=True)):
            ctx.gradients[place].add_(torch.bmm(through.transpose(1, 2), rows[band.trials]))
        return gradient, back, None, None, None, *(None for _ in ctx.gradients)
