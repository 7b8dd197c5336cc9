"""Roles → the expression over module names that peft is given: exactly the layers that get adapters, and no others."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from backbones.errors import UserError
from backbones.roles import GROUPS, LinearLayer, decoder_layers, decoder_of

WITH_VISION = "vision+decoder"
"""The targets that a vision encoder's layers are among."""
CHOICES = (*GROUPS, WITH_VISION)
"""What `targets` in a suite may be."""
PROJECTORS = r"projector|merger|connector"
"""Modules between vision encoder and decoder, which see an image's tokens and not its patches."""
_HOLDERS = {"attention": r"(self_attn|attention|attn)", "mlp": r"(mlp|feed_forward)"}
_ENCODERS = ("vision_tower", "vision_model", "visual", "vision_encoder", "image_tower")


def decoder_projections(decoder: str = "language_model") -> str:
    """Return the regular expression for the seven projections a layer that most decoders have, and no others.

    It is taken where it hits exactly the layers of the roles asked for; bare names such as `q_proj` would also match
    modules of the vision encoder, a different number in each family.

    Args:
        decoder: the module that holds the decoder's layers.
    """
    return rf".*\.{decoder}\.layers\.\d+\.(self_attn|mlp)\.(q|k|v|o|gate|up|down)_proj"


def vision_projections() -> str:
    """Return the regular expression for a vision encoder's attention and MLP projections, by most families' names.

    The projector between encoder and decoder isn't among them.
    """
    layers = r"(vision_tower|vision_model|visual)\..*(layers|blocks)\.\d+\.(self_attn|attn|mlp)"
    return rf".*\.{layers}\.(q_proj|k_proj|v_proj|out_proj|qkv|proj|(linear_)?fc[12]|(gate|up|down)_proj)"


@dataclass(frozen=True)
class Stated:
    """Expressions of a plugin's own, in place of roles.

    Attributes:
        decoder: for the decoder's layers; None where roles say which.
        vision: for the vision encoder's; None where its layers are looked for.
    """

    decoder: str | None = None
    vision: str | None = None


def chosen(layers: Sequence[LinearLayer], which: str) -> list[LinearLayer]:
    """Return the layers of the roles that `which` names, without those that can't have an adapter."""
    roles = GROUPS["all" if which == WITH_VISION else which]
    return [layer for layer in layers if layer.role in roles and layer.left_out is None]


def expression(model: nn.Module, which: str, *, decoder: str, name: str, stated: Stated) -> str:
    """Return the regular expression over module names that matches the layers which get adapters, whole names.

    Args:
        model: with or without numbers.
        which: one of `CHOICES`.
        decoder, name: of the plugin.
        stated: expressions of the plugin's own.

    Raises:
        UserError: no layer of the model has such a role.
    """
    if which == WITH_VISION:
        ours = expression(model, "all", decoder=decoder, name=name, stated=stated)
        return f"({ours})|({stated.vision or _of_encoder(model, name)})"
    if stated.decoder is not None:
        if which not in ("all", *_HOLDERS):
            raise UserError(
                f"{name}: its plugin states `lora_targets`, which says nothing of `targets: {which}`. Choose all, "
                "attention or mlp, or leave `lora_targets` out of the plugin."
            )
        return _of_holder(stated.decoder, which)
    layers = decoder_layers(model, decoder)
    wanted = [layer.name for layer in chosen(layers, which)]
    if not wanted:
        roles = ", ".join(dict.fromkeys(layer.role for layer in layers))
        raise UserError(
            f"{name}: no layer of its decoder can have an adapter by `targets: {which}`; the roles there are {roles}. "
            f"Choose others of {', '.join(CHOICES)}."
        )
    prefix, _ = decoder_of(model, decoder)
    usual = _of_holder(decoder_projections(prefix.rpartition(".")[2]), which)
    return _exact([name for name, _ in model.named_modules()], wanted, usual)


def _of_holder(projections: str, which: str) -> str:
    """Return an expression for those of some projections that lie in attention or in MLPs."""
    return rf"(?=.*\.{_HOLDERS[which]}\.)({projections})" if which in _HOLDERS else projections


def _of_encoder(model: nn.Module, name: str) -> str:
    """Return an expression for the linear layers in a vision encoder's blocks."""
    names = {path: module for path, module in model.named_modules() if isinstance(module, nn.Linear)}
    blocks = rf"(.*\.)?({'|'.join(_ENCODERS)})\..*\.\d+\."
    wanted = [path for path in names if re.match(blocks, path) and not re.search(PROJECTORS, path)]
    if not wanted:
        raise UserError(
            f"{name}: its vision encoder has no blocks with linear layers. State `vision_targets`, or leave `targets: "
            f"{WITH_VISION}` out."
        )
    return _exact([path for path, _ in model.named_modules()], wanted, vision_projections())


def _exact(every: Sequence[str], wanted: Collection[str], usual: str) -> str:
    """Return the first expression that matches, of all names, exactly those that are wanted.

    Args:
        every: names of all modules.
        wanted: some of them.
        usual: an expression that adapters elsewhere are known by, to be taken where it fits.
    """
    expressions: tuple[Callable[[], str], ...] = (
        lambda: usual,
        lambda: "|".join(_by_parent(dict.fromkeys(re.sub(r"(?<=\.)\d+(?=\.)", "0", name) for name in wanted))),
        lambda: "|".join(map(re.escape, wanted)),
    )
    for express in expressions:
        pattern = express()
        if {name for name in every if re.fullmatch(pattern, name)} == set(wanted):
            return pattern
    raise AssertionError("names match themselves")


def _by_parent(names: Collection[str]) -> Iterator[str]:
    """Yield an expression for each module that holds some of the layers, for any number of a layer."""
    parents = dict.fromkeys(name.rpartition(".")[0] for name in names)
    for parent in parents:
        held = sorted(re.escape(name.rpartition(".")[2]) for name in names if name.rpartition(".")[0] == parent)
        numbered = re.sub(r"\\\.0(?=\\\.|$)", r"\\.\\d+", re.escape(parent))
        yield rf"{numbered}\.({'|'.join(held)})"
