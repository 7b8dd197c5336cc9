"""Names → plugins: the ones here, and those that other packages bring by the entry point group `amrg.backbones`."""

import inspect
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from backbones.checkpoint import Checkpoint
from backbones.errors import UserError, unknown_name
from backbones.later import Later

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
STATED = {"checkpoint": Checkpoint, "model_type": str, "processor_class": type, "end_token": str}
"""What every plugin has to state, and of what type it is."""


def locations() -> dict[str, str]:
    """Return every known name and where its plugin lies, as "module:class". Nothing is imported.

    A name of this project keeps its meaning, whatever other packages call theirs.
    """
    outside = {point.name: point.value for point in entry_points(group=GROUP)}
    return {**outside, **BUILT_IN}


def get(name: str) -> "type[Backbone]":
    """Return the plugin of that name. One that fails breaks only itself.

    Raises:
        UserError: no plugin has that name, or the plugin can't be imported, isn't one or isn't finished.
    """
    plugins = locations()
    if name not in plugins:
        raise unknown_name("backbone", name, plugins)
    # Only now: names are looked up by commands that need no torch.
    from backbones.base import Backbone

    at = f"backbone {name!r}: its plugin {plugins[name]}"
    try:
        plugin = EntryPoint(name, plugins[name], GROUP).load()
    except (Exception, SystemExit) as error:
        raise UserError(
            f"{at} can't be imported: {type(error).__name__}: {error}. Mend that package, or uninstall it."
        ) from error
    if not (isinstance(plugin, type) and issubclass(plugin, Backbone)):
        raise UserError(f"{at} is not a subclass of backbones.base.Backbone.")
    # As it stands there: what is imported later isn't imported to look at it.
    stated = {name: inspect.getattr_static(plugin, name, None) for name in STATED}
    if blank := [name for name, kind in STATED.items() if not isinstance(stated[name], (kind, Later))]:
        raise UserError(f"{at} doesn't state its {', '.join(blank)}; see backbones/base.py for what each is.")
    if plugin.name != name:
        raise UserError(f"{at} calls itself {plugin.name!r}. Give the entry point and the class one name.")
    return plugin
