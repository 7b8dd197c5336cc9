"""A backbone by its name alone: a plugin made of a checkpoint's own files, for any class that keeps the contract.

`backbones.reading` finds out what a plugin's author would state. How features go in and what a training step is given
is tried on an untrained miniature here; `backbones.contract` then holds the plugin to every clause.
"""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.modeling_outputs import ModelOutput
from transformers.processing_utils import ProcessorMixin

from backbones.automatic import automatic, of_reading
from backbones.beside import Beside
from backbones.checkpoint import Checkpoint
from backbones.contract import PROMPTS, REPORTS, Check, Subject, cached_as_pixels, examples, trained_as_pixels
from backbones.coverage import coverage
from backbones.errors import UserError
from backbones.miniature import SIDE, MiniatureSpec
from backbones.miniature_checkpoint import untrained
from backbones.private.inputs import parameters_of
from backbones.published_files import PublishedFiles
from backbones.reading import Reading, encode, processor_class, read
from backbones.statements import Finding, Statements

UNKNOWN = "unknown"
"""A licence that no file says."""
DEEPER = "deepstack_features"


class GenericBackbone(Beside):
    """What plugins made of a checkpoint's files share. A class is made per checkpoint, by `plugin_of`."""

    resized = True
    reading: ClassVar[Reading]
    spec: ClassVar[MiniatureSpec]

    # -- loading

    @classmethod
    def load_processor(cls, folder: Path) -> ProcessorMixin:
        """Return the checkpoint's processor, which sees an image whole and has no part for video or sound."""
        processor = super().load_processor(folder)
        if not cls.reading.prompting.begins:
            processor.tokenizer.bos_token = None
        return processor

    @classmethod
    def full_configuration(cls) -> PreTrainedConfig | None:
        """Return the checkpoint's own configuration."""
        return cls.reading.config

    @classmethod
    def texts_folder(cls) -> Path:
        """Return the folder of the checkpoint's files."""
        return cls.reading.files.folder

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what its automatic miniature is built from."""
        return cls.spec

    # -- images

    def pixel_inputs(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Return what the image processor makes of square grey images, each resized to one side before."""
        inputs = super().pixel_inputs(images)
        inputs["pixel_values"] = inputs["pixel_values"].float()  # Llama 4's gives 16 bits
        return inputs

    def features_of(self, encoded: ModelOutput) -> Sequence[Tensor]:
        """Return one [image_tokens, layers · hidden] tensor an image: the last layer's, then deeper ones'."""
        layers = [self._by_image(encoded["pooler_output"])]
        layers += [self._by_image(deeper) for deeper in encoded.get(DEEPER) or ()]
        return [torch.cat(image, dim=-1) if len(image) > 1 else image[0] for image in zip(*layers, strict=True)]

    def last_features(self, encoded: ModelOutput) -> Sequence[Tensor]:
        """Return one [image_tokens, hidden] tensor an image of the last layer's features alone."""
        return self._by_image(encoded["pooler_output"])

    def _by_image(self, pooled: Any) -> Sequence[Tensor]:
        """Return features image by image: families return a tensor an image, all stacked, or all in a row."""
        if not isinstance(pooled, Tensor):
            return [part.reshape(-1, part.shape[-1]) for part in pooled]
        return pooled.reshape(-1, self.image_tokens, pooled.shape[-1]).unbind()

    @cached_property
    def _blank_output(self) -> ModelOutput:
        """What the vision encoder returns for one blank image: in which form, and with what beside the features."""
        from backbones.private.inputs import image_features

        side = self.checkpoint.image_size
        inputs = {k: v.to(self.device) for k, v in self.feature_inputs([np.zeros((side, side), np.uint8)]).items()}
        inputs["pixel_values"] = inputs["pixel_values"].to(self.model.dtype)
        with torch.inference_mode():
            return image_features(self.model, inputs)

    def encoder_output(self, features: Sequence[Tensor]) -> ModelOutput:
        """Return features in the form that the model's own vision encoder returns them in."""
        blank = self._blank_output
        count = 1 + len(blank.get(DEEPER) or ())
        layers = list(zip(*(image.chunk(count, dim=-1) for image in features), strict=True))
        shaped = [_shaped(layer, blank["pooler_output"]) for layer in layers]
        further = {DEEPER: shaped[1:]} if count > 1 else {}
        # Outputs of timm's encoders have others that may not be left out, and that nothing reads.
        without = {one.name: None for one in fields(blank) if one.default is MISSING}  # type: ignore[arg-type]
        return type(blank)(**{**without, "pooler_output": shaped[0], **further})

    # -- text

    def prompt_text(self, prompt: str) -> str:
        """Return the prompt by the checkpoint's own chat template, one image before it."""
        return self.reading.prompting.fill(self.processor, prompt)

    def prompt_tokens(self, prompt: str) -> list[int]:
        """Return token ids of the prompt, image tokens included, as the checkpoint's own processor makes them."""
        if prompt not in self._prompts:
            self.check_prompt(prompt)
            side = self.checkpoint.image_size
            blank, switches = Image.new("RGB", (side, side)), dict.fromkeys(self.reading.switched_off, False)
            encoded = encode(self.processor, blank, self.prompt_text(prompt), switches)
            self._prompts[prompt] = [int(i) for i in encoded["input_ids"][0]]
        return self._prompts[prompt]

    @property
    def image_token(self) -> int:
        """Id of the token that an image's features take the place of."""
        from backbones.reading import image_token_of

        return image_token_of(self.model.config)

    def token_type_ids(self, input_ids: Tensor, labels: Tensor) -> Tensor:
        """Return 1 for an image's tokens, and those around them that its processor counts in; 0 for text."""
        frame = self.tokenizer.convert_tokens_to_ids(list(self.reading.typed_tokens))
        return torch.isin(input_ids, torch.tensor([self.image_token, *frame])).long()


def _shaped(layer: Sequence[Tensor], example: Any) -> Any:
    """Return images' features in the form of an example: a tuple, stacked, or all in a row."""
    if not isinstance(example, Tensor):
        return type(example)(layer) if isinstance(example, list) else tuple(layer)
    return torch.stack(tuple(layer)) if example.ndim == 3 else torch.cat(tuple(layer))


# -- the plugin of a checkpoint


@cache
def plugin_of(files: PublishedFiles, statements: Statements, *, miniature: bool = False) -> type[GenericBackbone]:
    """Return the plugin that a checkpoint's files make, for its weights or for its automatic miniature.

    Raises:
        UserError: it can't be a backbone, or something has to be stated first; every such thing has its line.
    """
    reading = _read(files, statements)
    asked = [q for q in reading.questions if not (miniature and q.statement == "image_size")]
    if asked:
        raise UserError(
            f"{files.name}: this can't be found out of its files:\n" + "\n".join(f"  {question}" for question in asked)
        )
    made = _made(files, statements)
    return _small(made) if miniature else made


@cache
def _small(plugin: type[GenericBackbone]) -> type[GenericBackbone]:
    """Return the same plugin for pictures of a miniature's size."""
    return type("GenericMiniature", (plugin,), {
        "checkpoint": replace(plugin.checkpoint, image_size=SIDE),
        "__module__": __name__,
    })  # fmt: skip


@cache
def _read(files: PublishedFiles, statements: Statements) -> Reading:
    return read(files, statements)


def findings_of(files: PublishedFiles, statements: Statements) -> Reading:
    """Return all that is known of a checkpoint, what is tried on a miniature included where nothing is asked before.

    Raises:
        UserError: it can't be a backbone.
    """
    reading = _read(files, statements)
    if all(question.statement == "image_size" for question in reading.questions):
        _made(files, statements)
    return reading


@cache
def _made(files: PublishedFiles, statements: Statements) -> type[GenericBackbone]:
    """Return the plugin; adds what is tried to the reading's findings."""
    reading = _read(files, statements)
    spec = automatic(of_reading(reading))
    decoder = decoder_of(reading)
    if statements.decoder is not None:
        _check_decoder(reading, statements.decoder, decoder)
        decoder = statements.decoder
    attributes = {
        "__module__": __name__,
        "__doc__": f"{files.name}, by its files alone.",
        "reading": reading,
        "spec": spec,
        "name": files.name,
        "model_type": reading.config.model_type,
        "processor_class": processor_class(files, reading.config),
        "end_token": reading.prompting.end_token,
        "report_start": reading.prompting.report_start,
        "decoder": decoder,
        "scattered_features": "mm_encoder_outputs" not in parameters_of(reading.model_class.forward),
        "token_types": reading.token_types,
        "image_inputs": reading.image_inputs,
        "switched_off": reading.switched_off,
    }
    parameters = sum(p.numel() for p in reading.structure.parameters())
    attributes["checkpoint"] = Checkpoint(
        hub_id=files.hub_id or files.name,
        revision=files.revision or UNKNOWN,
        licence=statements.licence or UNKNOWN,
        gated=False,
        parameters=parameters,
        image_size=reading.image_size or SIDE,
        image_tokens=reading.image_tokens,
    )
    plugin = type("Generic", (GenericBackbone,), attributes)
    reading.findings += [
        Finding("decoder", decoder, "stated" if statements.decoder else "the model's get_decoder"),
        *_adapted(plugin, reading),
        Finding("parameters", f"{parameters:,}", "config.json, built without numbers"),
        *_try(plugin),
    ]
    return plugin


def _adapted(plugin: type[GenericBackbone], reading: Reading) -> Iterator[Finding]:
    """Yield which share of the decoder adapters reach, and what they leave out and why; experts alone may be much."""
    reached = coverage(plugin, reading.structure)
    if any(role.role == "experts" and role.adapted < role.weights for role in reached.roles):
        plugin.coverage = min(plugin.coverage, reached.share)
    roles = ", ".join(f"{role.role.replace('_', ' ')} {role.share:.0%}" for role in reached.roles)
    source = "what the layers of the model do"
    yield Finding("adapters on", f"{reached.share:.1%} of the decoder's linear weights ({roles})", source)
    for left in reached.left_out:
        yield Finding("left out", f"{left.layers} layers such as {left.example}: {left.reason}", source)


def decoder_of(reading: Reading) -> str:
    """Return the name of the module that holds the decoder's layers, by the model's own `get_decoder`.

    Raises:
        UserError: there is none.
    """
    model: Any = reading.structure
    names = {module: name for name, module in model.named_modules()}
    for module in model.get_decoder().modules():
        if isinstance(getattr(module, "layers", None), nn.ModuleList):
            parts = names[module].split(".")
            others = [name for name, m in model.named_modules() if name.endswith(".layers") and m is not module.layers]
            for count in range(1, len(parts) + 1):
                name = ".".join(parts[-count:])
                if not any(f".{other}".endswith(f".{name}.layers") for other in others):
                    return name
    raise UserError(
        f"{reading.files.name}: {reading.model_class.__name__} says of no module that it holds its decoder's layers. "
        "Write a plugin: `amrg backbones new`."
    )


def _try(plugin: type[GenericBackbone]) -> Iterator[Finding]:
    """Choose, on an untrained miniature, how features go in and what a training step is given: the first that fits."""
    small = _small(plugin)
    model, processor = untrained(small.miniature(), [*PROMPTS, *REPORTS] * 2, 0, small.decoder)
    _enlarge(model)
    backbone = small(model.eval(), processor, source=Path(), fingerprint="")
    images = [example.image for example in examples(3)]
    subject = Subject(backbone, images, backbone.encode_images(images))
    ways = [True] if plugin.scattered_features else [False, True]
    scattered = next((way for way in ways if _keeps(subject, cached_as_pixels, "scattered_features", way)), ways[0])
    plugin.scattered_features = scattered
    as_generating = next(
        (way for way in (False, True) if _keeps(subject, trained_as_pixels, "learns_as_generating", way)), True
    )
    plugin.learns_as_generating = as_generating
    del small.scattered_features, small.learns_as_generating
    features = "put among the embeddings" if scattered else "given as mm_encoder_outputs"
    yield Finding("kept image features", features, "tried on an untrained miniature")
    given = "tokens, as in generation" if as_generating else "embeddings, with features among them"
    yield Finding("a training step is given", given, "tried on an untrained miniature")


def _check_decoder(reading: Reading, stated: str, found: str) -> None:
    """Refuse a stated decoder that no module is called by: adapters would go where they do without, and nf4 nowhere.

    Raises:
        UserError: names the one that the model says itself.
    """
    if not any(f".{name}".endswith(f".{stated}") for name, _ in reading.structure.named_modules()):
        raise UserError(
            f"{reading.files.name}: decoder {stated!r} is stated, but no module of {reading.model_class.__name__} is "
            f"called so. By itself it says {found!r}: leave the statement out, or state another module's name."
        )


def _enlarge(model: nn.Module) -> None:
    """Draw a model's numbers so that every one of them changes its logits.

    As initialised some don't: Gemma 3n multiplies its inputs by layer with zeros.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
            else:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)


def _keeps(subject: Subject, clause: Check, name: str, way: bool) -> bool:
    """Return whether a miniature keeps a clause when one of its plugin's attributes is so."""
    setattr(type(subject.backbone), name, way)
    try:
        clause(subject)
    except Exception:  # whatever it is, this way isn't one; the contract says what is wrong if none is
        return False
    return True
