"""Automatic miniatures: what a plugin would say of its miniature, read off a checkpoint's files."""

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from backbones.errors import UserError, first_line
from backbones.miniature import PATCH, SIDE, MiniatureSpec, square, train_tokenizer
from backbones.private.inputs import image_parameters
from backbones.private.processors import settings_of
from backbones.reading import Reading, class_of, encode, encode_blank, image_token_of
from backbones.shrinking import COUNTS, TOKEN_IDS, shrunk

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel
    from transformers.processing_utils import ProcessorMixin

NAMED = ("pad_token", "eos_token", "bos_token", "unk_token")
IMAGE_TOKENS = (16, 64, 4)
"""Tokens that an image is to take, where that is a setting: a quarter of the patches, all, or a sixteenth."""
PIXEL_SIDE = 2048
"""A `longest_edge` beyond this counts an image's pixels, and not those of its side."""


@dataclass(frozen=True)
class Original:
    """What an automatic miniature is made after: a published checkpoint, without its weights.

    Attributes:
        name: of the checkpoint, for messages.
        config: its configuration.
        processor: its own, with its tokenizer.
        end_token: that ends a report; None where it isn't known.
        begins: whether prompts have the tokenizer's beginning token.
        prompt: ids of the prompt without words behind a blank picture.
        counted: a small model and its processor → how many features an image gives, and for how many a prompt has
            places.
        otherwise: what to do where no miniature can be made.
    """

    name: str
    config: "PreTrainedConfig"
    processor: "ProcessorMixin"
    end_token: str | None
    begins: bool
    prompt: Sequence[int]
    counted: "Callable[[PreTrainedModel, ProcessorMixin], tuple[int, int]]"
    otherwise: str = "amrg needs a plugin for it"

    @property
    def tokenizer(self) -> Any:
        """The checkpoint's own."""
        return self.processor.tokenizer


def of_reading(reading: Reading) -> Original:
    """Return what the miniature of a checkpoint that no plugin speaks for is made after."""
    prompting = reading.prompting
    switches = dict.fromkeys(reading.switched_off, False)

    def counted(model: "PreTrainedModel", processor: "ProcessorMixin") -> tuple[int, int]:
        blank = Image.new("RGB", (SIDE, SIDE))
        inputs = dict(processor.image_processor(images=[[blank]], return_tensors="pt"))
        encode_images: Any = model.get_image_features
        inputs["pixel_values"] = inputs["pixel_values"].float()
        taken = image_parameters(model)
        pooled = encode_images(**{name: v for name, v in inputs.items() if name in taken})["pooler_output"]
        encoded = encode(processor, blank, prompting.fill(processor, ""), switches)
        places = [int(i) for i in encoded["input_ids"][0]].count(image_token_of(model.config))
        parts = [pooled] if isinstance(pooled, torch.Tensor) else pooled
        return sum(part.shape[:-1].numel() for part in parts), places

    return Original(
        name=reading.files.name,
        config=reading.config,
        processor=reading.processor,
        end_token=prompting.end_token,
        begins=prompting.begins,
        prompt=[int(i) for i in encode_blank(reading, SIDE)["input_ids"][0]],
        counted=counted,
    )


def automatic(original: Original) -> MiniatureSpec:
    """Return what a miniature of a checkpoint's classes is built from.

    Raises:
        UserError: no model can be built of the small configuration; names the class and why.
    """
    tokenizer = original.tokenizer
    tokens = {name: value for name in NAMED if (value := getattr(tokenizer, name, None)) is not None}
    if not original.begins:
        tokens.pop("bos_token", None)
    extra = {f"special_{i}": text for i, text in enumerate(_carried(original)) if text not in tokens.values()}
    for name, text in _named_for_the_processor(tokenizer).items():
        extra = {key: value for key, value in extra.items() if value != text} | {name: text}
    template: Any = original.processor.chat_template

    def spec(count: int) -> MiniatureSpec:
        return MiniatureSpec(
            tokens,
            extra,
            template,
            lambda t: shrunk(original.config, _ids(original, t), len(t), count),
            lambda t: small_processor(original.processor, t, count, _patch(original.config)),
        )

    tried: dict[int, tuple[int, int]] = {}
    for count in IMAGE_TOKENS:
        tried[count] = features, places = measured(original, spec(count))
        if features == places:
            return spec(count)
    features, places = next(iter(tried.values()))
    raise _unbuilt(
        original, f"an image gives {features} features, and its processor makes {places} places for them"
    )  # fmt: skip


def measured(original: Original, spec: MiniatureSpec) -> tuple[int, int]:
    """Return how many features a miniature gives of an image, and for how many a prompt has places.

    Raises:
        UserError: it can't be built, or gives none.
    """
    from transformers import AutoModelForImageTextToText

    try:
        processor = spec.processor(train_tokenizer(spec, []))
        config = spec.config(processor.tokenizer)
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(0)
            model = AutoModelForImageTextToText.from_config(config).eval()
            return original.counted(model, processor)
    except UserError:
        raise
    except ImportError as error:
        raise _unbuilt(original, f"{first_line(error)} Install it") from error
    except Exception as error:  # a class may raise anything of numbers that it doesn't like
        raise _unbuilt(original, f"{type(error).__name__}: {first_line(error)}. {original.otherwise}") from error


def _unbuilt(original: Original, why: str) -> UserError:
    name = class_of(original.config).__name__
    return UserError(f"{original.name}: no miniature can be made of {name}: {why}.")


def _ids(original: Original, tokenizer: Any) -> dict[int, int]:
    """Return published token id → the miniature's, for the tokens that it has."""
    vocabulary = tokenizer.get_vocab()
    published = original.tokenizer
    ids = {i: published.convert_ids_to_tokens(i) for i in stated_ids(original.config.to_dict())}
    return {i: vocabulary[text] for i, text in ids.items() if text in vocabulary}


def stated_ids(values: Any) -> Iterator[int]:
    """Yield the token ids that a configuration states, in all its parts."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from stated_ids(value)
        elif isinstance(name, str) and re.fullmatch(TOKEN_IDS, name):
            for one in value if isinstance(value, list | tuple) else [value]:
                if isinstance(one, int) and not isinstance(one, bool):
                    yield one


def _carried(original: Original) -> list[str]:
    """Return the special tokens that a miniature needs: those that its parts name or use.

    Of thousands that a published tokenizer may keep in reserve, no more.
    """
    tokenizer = original.tokenizer
    known = {token.content for token in tokenizer.added_tokens_decoder.values()}
    ids = set(stated_ids(original.config.to_dict()))
    ids |= {i for i in original.prompt if i in tokenizer.added_tokens_decoder}
    texts = {tokenizer.convert_ids_to_tokens(i) for i in ids if 0 <= i < len(tokenizer)} & known
    texts |= {value for value in vars(original.processor).values() if isinstance(value, str) and value in known}
    template = str(original.processor.chat_template)
    texts |= {text for text in known if len(text) > 1 and text in template}
    if original.end_token:
        texts.add(original.end_token)
    order = tokenizer.get_vocab()
    return sorted((text for text in texts if text), key=lambda text: order.get(text, len(order)))


def _named_for_the_processor(tokenizer: Any) -> dict[str, str]:
    """Return special tokens by the names under which the tokenizer hands them to its processor."""
    named: dict[str, str] = {}
    for name, token in tokenizer.special_tokens_map.items():
        if name not in (*NAMED, "additional_special_tokens", "extra_special_tokens") and isinstance(token, str):
            named[name] = str(token)
    return named


def _patch(config: "PreTrainedConfig") -> int | None:
    """Return the side of the vision encoder's patches as published; None where it isn't one number."""
    patch = getattr(getattr(config, "vision_config", None), "patch_size", None)
    return patch if isinstance(patch, int) else None


def small_processor(
    processor: "ProcessorMixin", tokenizer: Any, image_tokens: int, patch: int | None
) -> "ProcessorMixin":
    """Return a processor of the same class that makes every picture a miniature's size.

    Args:
        processor: the checkpoint's.
        tokenizer: the miniature's.
        image_tokens: that an image takes in it, where the processor is told so.
        patch: side of the published encoder's patches, of which the processor's may be a multiple.
    """
    settings = {name: _setting(name, value, image_tokens, patch) for name, value in settings_of(processor).items()}
    images = type(processor.image_processor).from_dict(small_images(processor.image_processor.to_dict(), image_tokens))
    kind: Any = type(processor)
    parts = {"image_processor": images, "tokenizer": tokenizer}
    return kind(**parts, chat_template=tokenizer.chat_template, **copy.deepcopy(settings))


def _setting(name: str, value: Any, image_tokens: int, patch: int | None) -> Any:
    if name == "patch_size" and isinstance(value, int):
        return PATCH * max(1, value // (patch or value))
    if name in ("img_size", "image_size"):
        return SIDE
    if re.fullmatch(COUNTS, name) and value is not None:
        return image_tokens
    return value


def small_images(settings: dict[str, Any], image_tokens: int) -> dict[str, Any]:
    """Return an image processor's settings with a miniature's sizes in place of its own, by their names.

    Args:
        settings: as its `to_dict` gives them.
        image_tokens: that an image takes, where the processor is told so.
    """
    numbers = {
        "min_pixels": SIDE * SIDE,
        "max_pixels": SIDE * SIDE,
        "image_size": SIDE,
        "tile_size": SIDE,
        "encoder_patch_size": PATCH,
        "min_image_tokens": image_tokens,
        "max_image_tokens": image_tokens,
        "max_num_patches": (SIDE // PATCH) ** 2,
        "max_soft_tokens": 70,  # the fewest that Gemma 4's processor knows
    }

    def small(name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in ("size", "crop_size", "max_image_size", "min_image_size"):
            return _size(value)
        if name == "patch_size":
            return square(PATCH) if isinstance(value, dict) else PATCH
        if name == "image_grid_pinpoints":
            return [[SIDE, SIDE]]
        if re.fullmatch(COUNTS, name):
            return image_tokens
        if name == "overlap_margins":  # of Molmo2's crops, in patches
            return [1] * len(value)
        return numbers.get(name, value)

    return {name: small(name, value) for name, value in settings.items()}


def _size(value: Any) -> Any:
    """Return a size in the same words: sides, or numbers of pixels where the published ones are that many."""
    if isinstance(value, int):
        return SIDE
    values = {key: number for key, number in dict(value).items() if number is not None}
    side = SIDE * SIDE if max(values.values(), default=0) > PIXEL_SIDE else SIDE
    return dict.fromkeys(values, side)
