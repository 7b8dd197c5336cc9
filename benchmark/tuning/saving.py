"""Where an adapter is put down: PEFT's own files, with the base's name in place of this machine's path to it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from huggingface_hub import ModelCardData

from backbones.base import Backbone
from backbones.checkpoint import is_miniature
from benchmark.forms.grid import TAKEN_FROM_THE_BASE, Targets
from benchmark.forms.suite import Trial
from benchmark.results.store import TrialFolder, write_text


def write(folder: TrialFolder, backbone: Backbone, trial: Trial, save: Callable[[str], object]) -> None:
    """Write a trial's adapter as `save` does, then name its base in the configuration and the model card.

    PEFT knows a base by the folder that it was loaded from, which means nothing to anybody else. It is renamed only
    once PEFT has saved, since PEFT looks for the base's configuration under that name, on the hub if need be.

    Args:
        folder: the trial's.
        backbone: the adapter's base.
        trial: which.
        save: puts PEFT's files into a folder; a model's `save_pretrained`.
    """

    def save_and_name(place: str) -> None:
        save(place)
        configuration = Path(place) / "adapter_config.json"
        content = json.loads(configuration.read_text(encoding="utf-8"))
        name, revision = base_name(backbone)
        content |= {"base_model_name_or_path": name, "revision": revision}
        write_text(configuration, json.dumps(content, indent=2, sort_keys=True) + "\n")
        write_text(Path(place) / "README.md", card(backbone, trial))

    folder.write_adapter(save_and_name)


def base_name(backbone: Backbone) -> tuple[str, str]:
    """Return a base's name and revision: hub id and pinned commit, or a name in words and the weights' fingerprint."""
    if backbone.pinned:
        return backbone.checkpoint.hub_id, backbone.checkpoint.revision
    kind = "miniature" if is_miniature(backbone.source) else f"own checkpoint {backbone.source.resolve().name}"
    return f"{backbone.name} ({kind})", backbone.fingerprint


WHERE: Mapping[Targets, str] = {
    "all": "on the decoder's projections",
    "attention": "on the decoder's attention",
    "mixer": "on the decoder's layers in attention's place (linear attention, state spaces, convolutions)",
    "attention+mixer": "on the decoder's attention and the layers in its place",
    "mlp": "on the decoder's MLPs",
    "all+experts": "on the decoder's projections, experts among them",
    "vision+decoder": "on the projections of the vision encoder and the decoder",
}


def _described(trial: Trial) -> str:
    """Return an adapter in words."""
    scaling = ", scaled by alpha / √rank (rsLoRA)" if trial.scaling == "rslora" else ""
    start = ""
    if trial.initialisation in TAKEN_FROM_THE_BASE:
        start = f", begun by {trial.initialisation} and stored beside its start, which doubles rank and alpha"
    elif trial.initialisation != "default":
        start = f", begun by {trial.initialisation}"
    magnitudes = ", with magnitudes of its own (DoRA)" if trial.variant == "dora" else ""
    point = f"rank {trial.rank}, alpha {trial.alpha}, seed {trial.seed}"
    return f"{point}, {WHERE[trial.targets]}{scaling}{start}{magnitudes}"


def card(backbone: Backbone, trial: Trial) -> str:
    """Return the model card: which base, which point of the grid, and how it is loaded."""
    name, revision = base_name(backbone)
    hub = backbone.pinned
    data = ModelCardData(
        library_name="peft",
        tags=["lora", "transformers", *([f"base_model:adapter:{name}"] if hub else [])],
        base_model=name if hub else None,
    )
    base = (
        f"[{name}]({backbone.checkpoint.page}), revision `{revision}`" if hub else f"{name}, fingerprint `{revision}`"
    )
    licence = f", under the licence {backbone.checkpoint.licence}" if hub else ""
    return f"""---
{data.to_yaml().strip()}
---

# {trial.label}: a LoRA adapter

It writes reports of mammograms. Research software, not a medical device: no report written by it may be used to care
for a patient.

- **Base**: {base}{licence}
- **Adapter**: {_described(trial)}
- **Prompt**: “{trial.protocol.prompt}”
- **Trial**: `{trial.id}` of `amrg`; `amrg generate --trial {trial.id} IMAGE` writes a report with it

`PeftModel.from_pretrained(base, folder)` loads it, given the base as a model of transformers. What it was tuned on,
and what it is worth, stands in the leaderboard of its suite.
"""


def merged_card(backbone: Backbone, trial: Trial) -> str:
    """Return the card of a model that a trial's adapter was merged into: which base, which adapter, how it is asked."""
    name, revision = base_name(backbone)
    hub = backbone.pinned
    data = ModelCardData(
        library_name="transformers",
        pipeline_tag="image-text-to-text",
        tags=["mammography", "report-generation", *([f"base_model:finetune:{name}"] if hub else [])],
        base_model=name if hub else None,
    )
    base = (
        f"[{name}]({backbone.checkpoint.page}), revision `{revision}`" if hub else f"{name}, fingerprint `{revision}`"
    )
    licence = f", under the licence {backbone.checkpoint.licence}, which holds for this model too" if hub else ""
    image = trial.image
    cropped = ", cropped to the breast" if image.crop else ""
    return f"""---
{data.to_yaml().strip()}
---

# {trial.label}: merged

A model of transformers that writes reports of mammograms. Research software, not a medical device: no report written by
it may be used to care for a patient.

- **Base**: {base}{licence}
- **Merged into it**: the LoRA adapter of trial `{trial.id}` of `amrg`, rank {trial.rank}, alpha {trial.alpha}
- **Weights**: {str(backbone.model.dtype).removeprefix("torch.")}, safetensors
- **Prompt**: “{trial.protocol.prompt}”; put as

{_indented(backbone.prompt_text(trial.protocol.prompt))}

- **Images**: grey squares of {image.size} pixels{cropped}, as `amrg` prepares them
- **Proved**: loaded again by `AutoModelForImageTextToText` and `AutoProcessor`, it wrote the reports that base and
  adapter write, word for word, for test images of the trial (greedy, up to {trial.protocol.max_new_tokens} tokens)
"""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
