"""Names → plugins: the ones here, and those that other packages bring by the entry point group `amrg.backbones`."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from backbones.errors import UserError, unknown_name

if TYPE_CHECKING:
    from backbones.base import Backbone

GROUP = "amrg.backbones"

# name → "module:class", imported only when asked for.
BUILT_IN = {
    "medgemma-4b-it": "backbones.medgemma:MedGemma",
    "medgemma-1.5-4b-it": "backbones.medgemma:MedGemma1_5",
    "llava-med-7b": "backbones.llava_med:LlavaMed",
    "qwen2.5-vl-3b": "backbones.qwen_vl:Qwen2_5VL3B",
    "qwen2.5-vl-7b": "backbones.qwen_vl:Qwen2_5VL7B",
    "qwen3-vl-4b": "backbones.qwen3_vl:Qwen3VL4B",
    "qwen3-vl-8b": "backbones.qwen3_vl:Qwen3VL8B",
    "paligemma2-3b": "backbones.paligemma:PaliGemma2",
    "paligemma2-3b-pt": "backbones.paligemma:PaliGemma2Pretrained",
    "smolvlm-2.2b": "backbones.idefics:SmolVLM",
}


def locations() -> dict[str, str]:
    """Every known name and where its plugin lies, as "module:class". Nothing is imported."""
    outside = {point.name: point.value for point in entry_points(group=GROUP)}
    return {**outside, **BUILT_IN}


def get(name: str) -> "type[Backbone]":
    """The plugin of that name.

    Raises:
        UserError: no plugin has that name, or the plugin can't be imported or isn't one.
    """
    known = locations()
    if name not in known:
        raise unknown_name("backbone", name, known)
    module, _, attribute = known[name].partition(":")
    try:
        plugin = getattr(import_module(module), attribute)
    except Exception as error:
        raise UserError(
            f"backbone {name!r}: its plugin {known[name]} can't be imported: {type(error).__name__}: {error}"
        ) from error
    from backbones.base import Backbone

    if not (isinstance(plugin, type) and issubclass(plugin, Backbone)):
        raise UserError(f"backbone {name!r}: {known[name]} is not a subclass of backbones.base.Backbone.")
    return plugin
