"""What the files of a checkpoint say of it, for a plugin that nobody wrote: each thing with where it was found.

What they don't say is a question, to be answered by a statement in the suite's entry. Nothing is guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backbones.errors import UserError, first_line
from backbones.private.inputs import image_parameters, parameters_of
from backbones.prompting import Prompting, read_prompting
from backbones.published_files import PublishedFiles, check_files
from backbones.statements import Finding, Question, Statements
from backbones.texts import special_ids

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel
    from transformers.processing_utils import ProcessorMixin

TILING = ("do_image_splitting", "crop_to_patches", "do_pan_and_scan", "do_split_image")
"""Switches of image processors that cut a large image into tiles."""
TRIED_SIDES = (224, 448, 896)
"""Sides of blank squares, in pixels, that show whether a processor makes every image one size."""
TOKEN_TYPES = ("mm_token_type_ids", "token_type_ids")
CLASS_FILES = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")

PROCESSOR_ERRORS = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, IndexError)
"""What processors raise of what they can't make anything of."""


@dataclass
class Reading:
    """A checkpoint that no plugin speaks for, as far as its files do.

    Attributes:
        files: of the checkpoint.
        statements: made beside them.
        config: its configuration.
        processor: loaded, for images and text alone, tiling switched off.
        findings: what was found, in the order in which it was looked for.
        questions: what wasn't; `image_size` alone concerns the published weights only.
    """

    files: PublishedFiles
    statements: Statements
    config: "PreTrainedConfig"
    processor: "ProcessorMixin"
    prompting: Prompting
    switched_off: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    image_size: int | None = None
    image_tokens: int = 0
    token_types: str | None = None
    typed_tokens: tuple[str, ...] = ()
    image_inputs: tuple[str, ...] = ()

    @property
    def model_class(self) -> Any:
        """The class of transformers that the checkpoint is of."""
        return class_of(self.config)

    @property
    def tokenizer(self) -> Any:
        """The checkpoint's own."""
        return self.processor.tokenizer

    @property
    def image_token(self) -> int:
        """Id of the token that an image's features take the place of, by the configuration."""
        return image_token_of(self.config)

    @cached_property
    def structure(self) -> "PreTrainedModel":
        """The model as published, on the meta device."""
        from backbones.structure import build

        return build(self.config)


def read(files: PublishedFiles, statements: Statements) -> Reading:
    """Return what a checkpoint's files say, with the questions that they leave.

    Raises:
        UserError: it can't be a backbone; says why and what to do.
    """
    from transformers import AutoConfig

    check_files(files)
    config = AutoConfig.from_pretrained(files.folder)
    model_class = class_of(config)
    _check_class(files, model_class)
    processor = load_processor(files, config)
    off = switch_tiling_off(processor)
    prompting, found, questions = read_prompting(files, processor, statements, image_token_of(config))
    reading = Reading(files, statements, config, processor, prompting, off)
    reading.findings += _what_it_is(reading)
    reading.findings += found
    reading.questions += questions
    if prompting.is_complete:
        _read_inputs(reading)
        _read_image_size(reading)
    return reading


def class_of(config: "PreTrainedConfig") -> Any:
    """Return transformers' class of a configuration's models that write text for an image and a text."""
    from transformers import AutoModelForImageTextToText

    found = AutoModelForImageTextToText._model_mapping[type(config)]
    return found[0] if isinstance(found, tuple) else found


def image_token_of(config: "PreTrainedConfig") -> int:
    """Return the id of the image's token, which configurations call an id or an index.

    Raises:
        UserError: it has neither.
    """
    for name in ("image_token_id", "image_token_index"):
        if isinstance(value := getattr(config, name, None), int):
            return value
    raise UserError(
        f"model_type {config.model_type!r}: its configuration names no image token (image_token_id), whose embeddings "
        "an image's features could take the place of. amrg needs a plugin for it, if it can be done."
    )


def _check_class(files: PublishedFiles, model_class: Any) -> None:
    if not hasattr(model_class, "get_image_features"):
        raise UserError(
            f"{files.name}: {model_class.__name__} doesn't give an image's features by themselves "
            "(get_image_features), which amrg computes once and keeps. Choose another model, or write a plugin: "
            "`amrg backbones new`."
        )
    if "logits_to_keep" not in parameters_of(model_class.forward):
        raise UserError(
            f"{files.name}: {model_class.__name__} can't be asked for the logits of a report alone "
            "(logits_to_keep), as training does. Choose another model, or write a plugin: `amrg backbones new`."
        )


def load_processor(files: PublishedFiles, config: "PreTrainedConfig") -> "ProcessorMixin":
    """Return a checkpoint's processor, without its parts for video and sound.

    Raises:
        UserError: its class isn't known or its files don't make one.
    """
    from transformers import AutoImageProcessor

    from backbones.texts import use_tokenizers_template

    try:
        processor = processor_class(files, config).from_pretrained(files.folder)
        processor.image_processor = AutoImageProcessor.from_pretrained(files.folder, backend="pil")
    except ImportError as error:
        raise UserError(
            f"{files.name}: its processor needs a package that isn't installed: {first_line(error)} Install it, or "
            "choose another model."
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{files.name}: its processor can't be loaded from {files.folder}: {first_line(error)}. "
            "Put the tokenizer's and the processor's files of this checkpoint there."
        ) from error
    use_tokenizers_template(processor)
    return processor


def processor_class(files: PublishedFiles, config: "PreTrainedConfig") -> Any:
    """Return the processor's class, as the files name it or as transformers has it for the model, less video.

    Raises:
        UserError: neither does.
    """
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    from backbones.private.processors import images_and_text

    named = [files.read(name).get("processor_class") for name in CLASS_FILES]
    for name in [*named, PROCESSOR_MAPPING_NAMES.get(config.model_type)]:
        found = getattr(transformers, name, None) if isinstance(name, str) else None
        if isinstance(found, type):
            return images_and_text(found)
    raise UserError(
        f"{files.name}: no processor of transformers is named in {', '.join(CLASS_FILES)}, and none is known for "
        f"model_type {config.model_type!r}. Add the checkpoint's processor_config.json."
    )


def switch_tiling_off(processor: "ProcessorMixin") -> tuple[str, ...]:
    """Have a processor take each image whole, where it has a switch for it; return the switches."""
    images = processor.image_processor
    switches = tuple(name for name in TILING if hasattr(images, name))
    for name in switches:
        setattr(images, name, False)
    return switches


def _what_it_is(reading: Reading) -> Iterator[Finding]:
    files, config = reading.files, reading.config
    where = f"{files.hub_id} at {files.revision}" if files.hub_id else str(files.folder)
    yield Finding("files", where, "hub" if files.hub_id else "folder")
    yield Finding("model class", f"{reading.model_class.__name__} ({config.model_type})", "config.json")
    yield Finding("processor", type(reading.processor).__name__, "the processor's files, or transformers' list")
    if reading.switched_off:
        yield Finding(
            "image seen whole", f"{', '.join(reading.switched_off)} switched off", "the image processor's settings"
        )


def _read_inputs(reading: Reading) -> None:
    """Find which of the processor's results the model takes beside tokens and pixels."""
    encoded = encode_blank(reading, TRIED_SIDES[0])
    taken = parameters_of(reading.model_class.forward)
    ids = [int(i) for i in encoded["input_ids"][0]]
    for name in TOKEN_TYPES:
        if name in taken and name in encoded:
            types = [int(i) for i in encoded[name][0]]
            if any(types):
                _read_token_types(reading, name, ids, types)
                break
    beside = {"pixel_values", "input_ids", "attention_mask", *TOKEN_TYPES}
    by_features = image_parameters(reading.structure)
    reading.image_inputs = tuple(sorted(name for name in encoded if name not in beside and name in taken | by_features))
    if reading.image_inputs:
        reading.findings.append(
            Finding("inputs beside pixels", ", ".join(reading.image_inputs), "processor, and the model's forward")
        )


def _read_token_types(reading: Reading, name: str, ids: Sequence[int], types: Sequence[int]) -> None:
    """Take token types that follow from which token it is: 1 for an image's, and for those of its frame, as Molmo2's.

    Raises:
        UserError: they follow from something else.
    """
    marked = {i for i, kind in zip(ids, types, strict=True) if kind}
    special = special_ids(reading.tokenizer) | {reading.image_token}
    others = {i for i, kind in zip(ids, types, strict=True) if not kind}
    if set(types) != {0, 1} or reading.image_token not in marked or marked & others or not marked <= special:
        raise UserError(
            f"{reading.files.name}: its {name} tell more than an image's tokens from text, in a way that isn't "
            "found out by itself. Write a plugin: `amrg backbones new`."
        )
    reading.token_types = name
    frame = reading.tokenizer.convert_ids_to_tokens(sorted(marked - {reading.image_token}))
    reading.typed_tokens = tuple(frame)
    which = f"an image's tokens and {', '.join(frame)}" if frame else "an image's tokens"
    reading.findings.append(Finding("token types", f"{name}: 1 for {which}", "processor, and the model's forward"))


def encode_blank(reading: Reading, side: int) -> Mapping[str, Any]:
    """Return what the processor makes of a blank square and the prompt without words.

    Raises:
        UserError: it makes nothing of them.
    """
    from PIL import Image

    text = reading.prompting.fill(reading.processor, "")
    switches = dict.fromkeys(reading.switched_off, False)
    try:
        return encode(reading.processor, Image.new("RGB", (side, side)), text, switches)
    except PROCESSOR_ERRORS as error:
        raise UserError(
            f"{reading.files.name}: its processor makes nothing of a blank picture of {side} × {side} pixels and the "
            f"prompt {text!r} ({type(error).__name__}: {first_line(error)}). The tokenizer's and the processor's "
            "files have to be of one checkpoint."
        ) from error


def encode(processor: Any, image: Any, text: str, switches: Mapping[str, bool]) -> Mapping[str, Any]:
    """Return what a processor makes of one image and a prompt, as tensors of one row."""
    further: dict[str, Any] = dict(switches)
    return processor(
        images=[[image]],
        text=[text],
        add_special_tokens=False,
        return_mm_token_type_ids=True,
        return_tensors="pt",
        **further,
    )


def _read_image_size(reading: Reading) -> None:
    """Find the side of the image that the processor makes of every square; ask where it depends on the square's."""
    counts, shapes = [], []
    for side in TRIED_SIDES:
        encoded = encode_blank(reading, side)
        counts.append([int(i) for i in encoded["input_ids"][0]].count(reading.image_token))
        shapes.append(tuple(encoded["pixel_values"][0].shape))
    stated = reading.statements.image_size
    if not any(counts):
        raise UserError(
            f"{reading.files.name}: the prompt holds no image token (id {reading.image_token} of config.json): its "
            "processor or its chat template is another checkpoint's, or for text alone."
        )
    if stated:
        ids = [int(i) for i in encode_blank(reading, stated)["input_ids"][0]]
        reading.image_size, reading.image_tokens = stated, ids.count(reading.image_token)
        reading.findings.append(Finding("image size", f"{stated} px, {reading.image_tokens} tokens", "stated"))
    elif len(set(shapes)) == 1 and len(set(counts)) == 1:
        # Of patches in a row the side isn't seen; a smaller square would only be made larger again.
        side = shapes[0][-1] if len(shapes[0]) >= 3 and shapes[0][-1] == shapes[0][-2] else TRIED_SIDES[-1]
        reading.image_size, reading.image_tokens = side, counts[0]
        reading.findings.append(Finding("image size", f"{side} px, {counts[0]} tokens", "the processor's result"))
    else:
        reading.questions.append(
            Question("image size", "image_size", (), _varying(counts, shapes) + ", so one size has to be chosen")
        )


def _varying(counts: Sequence[int], shapes: Sequence[tuple[int, ...]]) -> str:
    tokens = ", ".join(f"{side} px: {count}" for side, count in zip(TRIED_SIDES, counts, strict=True))
    tiles = len({shape[0] for shape in shapes if len(shape) == 4}) > 1
    how = "cuts a larger picture into more tiles" if tiles else "makes more tokens of a larger picture"
    return f"its processor {how}, {tokens}"
