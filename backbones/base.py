"""Backbone: what a plugin provides, and everything that plugins have in common.

A plugin states what is its own (checkpoint, prompt, end token, extra model inputs); loading, encoding images and text,
the label mask and padding are done here, once, for all families.
"""

from __future__ import annotations

from abc import ABC
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np

from backbones.checkpoint import Checkpoint, fingerprint, locate
from backbones.configuration import configuration
from backbones.errors import UserError
from backbones.loading import check_image_tokens, check_tokenizer, load_model, load_processor
from backbones.private.heads import changes_logits
from backbones.private.inputs import ModelInputs, image_features
from backbones.texts import (
    fill_template,
    plain_tokens,
    special_ids,
    spelt_in_prompt,
    use_tokenizers_template,
)

if TYPE_CHECKING:
    # Only as types: what a plugin states is listed without torch, which takes seconds to import.
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch
    from torch import Tensor, nn
    from transformers import BatchEncoding, PreTrainedConfig, PreTrainedModel
    from transformers.modeling_outputs import ModelOutput
    from transformers.processing_utils import ProcessorMixin

    from backbones.miniature import MiniatureSpec

IGNORED = -100
"""The label of a position that the loss leaves out (PyTorch's `cross_entropy`)."""


class Backbone(ABC):
    """A frozen vision-language model with its processor, ready for adapters.

    Attributes of a plugin class:
        name: the row's name in a leaderboard, e.g. `medgemma-4b-it`.
        checkpoint: the published weights, pinned.
        model_type: `model_type` of the checkpoint's configuration; another one is refused.
        processor_class: the processor, a class of transformers or a subclass; parts of it for video and sound are left
            out.
        end_token: the token that ends a report.
        decoder: name of the module that holds the decoder's layers.
        lora_targets: regular expression over module names for the adapters, in place of all the layers whose role is
            found in the model (`backbones.roles`); None, as a rule.
        coverage: share of the decoder's linear weights that have to get an adapter, or the contract is broken. A family
            most of whose weights are experts states less, which says that it knows.
        turn_markers: texts, other than special tokens, that begin and end a turn in this family's prompts.
        vision_targets: regular expression for the adapters of a vision encoder that is tuned as well; None where all
            linear layers of its blocks get one.
        stacked_features: whether the model takes image features as one tensor or as one tensor an image.
        scattered_features: whether features have to be put among the embeddings, for a model class that doesn't
            take them as `mm_encoder_outputs`.
        report_start: what stands between the prompt and a report, e.g. a space.
        configuration: the file in `backbones/configurations` that has the published checkpoint's structure.
        converted: whether the pinned checkpoint is converted by `prepare`, and so lies on disk twice.
        token_types: name of the model input that tells image tokens (or a prefix) from text, if it has one.
        packable: whether rows of several adapters can go through the model as one batch.
        plain_logits: whether the model's logits are its head's product, with no more than a bound on them: of others
            the loss is computed by the model's own head.
        spare_tensors: regular expressions over whole names of tensors that the published weights have and the model
            does without; any other that is left over is an error.
        switched_off: switches of the image processor that cut an image into tiles (`crop_to_patches`, …) and are off.
        resized: whether every picture is made as large as `checkpoint` states before the processor has it, which may
            make more of a larger one.
        files: a folder with the checkpoint's configuration, tokenizer and processor, by its path from the plugin's
            module, where its package brings them; None for those in the hub's cache (`backbones.at_hand`).
    """

    name: ClassVar[str]
    checkpoint: ClassVar[Checkpoint]
    model_type: ClassVar[str]
    processor_class: ClassVar[type]
    end_token: ClassVar[str]
    turn_markers: ClassVar[tuple[str, ...]] = ()
    decoder: ClassVar[str] = "language_model"
    lora_targets: ClassVar[str | None] = None
    coverage: ClassVar[float] = 0.95
    vision_targets: ClassVar[str | None] = None
    stacked_features: ClassVar[bool] = True
    scattered_features: ClassVar[bool] = False
    report_start: ClassVar[str] = ""
    configuration: ClassVar[str | None] = None
    converted: ClassVar[bool] = False
    token_types: ClassVar[str | None] = None
    packable: ClassVar[bool] = True
    plain_logits: ClassVar[bool] = True
    spare_tensors: ClassVar[tuple[str, ...]] = ()
    switched_off: ClassVar[tuple[str, ...]] = ()
    resized: ClassVar[bool] = False
    files: ClassVar[str | Path | None] = None

    def __init__(
        self, model: PreTrainedModel, processor: ProcessorMixin, *, source: Path, fingerprint: str, pinned: bool = False
    ) -> None:
        self.model = model
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.source = source
        self.fingerprint = fingerprint
        self.pinned = pinned  # the published checkpoint, not one from a folder
        if not self.plain_logits:
            changes_logits(model)
        self._prompts: dict[str, list[int]] = {}
        self._reports: dict[str, list[int]] = {}

    # -- loading

    @classmethod
    def load(
        cls,
        source: Path | None = None,
        *,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
        quantization: str | None = None,
    ) -> Self:
        """Load the pinned checkpoint, or the one in the folder `source`, frozen and in evaluation mode.

        Args:
            source: a folder in the hub's layout; None for the pinned hub checkpoint.
            device: where the model goes, e.g. "cpu" or "cuda:0".
            dtype: of the weights, or of the computation where they are quantised; float32 by default.
            quantization: None, or "nf4" for 4-bit NormalFloat with double quantisation (bitsandbytes).

        Raises:
            UserError: no checkpoint there; one of another class, with tensors missing or left over, in pickle format
                or with code of its own; or one whose tokenizer or image processor doesn't fit it.
        """
        import torch

        published = locate(source, cls.checkpoint)
        folder = cls.prepare(published, pinned=source is None)
        model = load_model(
            folder,
            name=cls.name,
            model_type=cls.model_type,
            decoder=cls.decoder,
            device=device,
            dtype=torch.float32 if dtype is None else dtype,
            quantization=quantization,
            spare_tensors=cls.spare_tensors,
        )
        processor = load_processor(folder, cls.load_processor, name=cls.name)
        use_tokenizers_template(processor)
        backbone = cls(model, processor, source=folder, fingerprint=fingerprint(published), pinned=source is None)
        check_tokenizer(folder, backbone.tokenizer, model, name=cls.name, end_token=cls.end_token)
        check_image_tokens(folder, backbone.blank_image_tokens, name=cls.name, image_token=backbone.image_token)
        return backbone

    @classmethod
    def prepare(cls, folder: Path, *, pinned: bool) -> Path:
        """Return the folder in transformers' layout: `folder` itself, unless a family's publisher uses another one.

        Args:
            folder: as published.
            pinned: whether it is the pinned checkpoint, whose files are known.
        """
        return folder

    @classmethod
    def load_processor(cls, folder: Path) -> ProcessorMixin:
        """Load the checkpoint's processor, with one implementation of resizing everywhere."""
        from transformers import AutoImageProcessor

        from backbones.private.processors import images_and_text

        processor: Any = images_and_text(cls.processor_class).from_pretrained(folder)
        # torchvision's resizing differs from PIL's in the last digits.
        processor.image_processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
        for name in cls.switched_off:
            setattr(processor.image_processor, name, False)
        return processor

    @classmethod
    def texts_folder(cls) -> Path | None:
        """Return the folder with the published tokenizer and processor; None where only the hub's cache may have it."""
        from backbones.at_hand import folder_of

        return folder_of(cls)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    @classmethod
    def full_configuration(cls) -> PreTrainedConfig | None:
        """Return the published checkpoint's configuration, for plans and structure; None where there is none here.

        It is the stated one, or that of files that are at hand.
        """
        if cls.configuration:
            return configuration(cls.configuration)
        from backbones.at_hand import cached_configuration

        return cached_configuration(cls)

    @classmethod
    def expression(cls, model: nn.Module, which: str = "all") -> str:
        """Return the regular expression over module names for adapters in a model, whole names; exactly their layers.

        Args:
            model: of this family, with or without numbers.
            which: one of `backbones.targets.CHOICES`: "all" for the decoder's projections, "attention", "mixer" or
                "mlp" for those of some roles, "vision+decoder" for the vision encoder's as well.

        Raises:
            UserError: the decoder has no such layers.
        """
        # Only now: what a plugin states is listed without looking into any model.
        from backbones.targets import Stated, expression

        stated = Stated(cls.lora_targets, cls.vision_targets)
        return expression(model, which, decoder=cls.decoder, name=cls.name, stated=stated)

    def targets(self, which: str = "all") -> str:
        """Return the same for this backbone's own model."""
        return self.expression(self.model, which)

    def why_alone(self, which: str = "all") -> str | None:
        """Return why adapters on such layers can't be packed with others, for this model; None where they can."""
        if not self.packable:
            return "its plugin says that rows of several adapters can't go through the model as one batch"
        from backbones.roles import decoder_layers
        from backbones.targets import chosen

        layers = chosen(decoder_layers(self.model, self.decoder), which)
        return next((layer.alone for layer in layers if layer.alone), None)

    # -- images

    def pixel_inputs(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Return what `get_image_features` takes for square grey images, each uint8 [side, side]."""
        from PIL import Image

        pictures = [[Image.fromarray(image).convert("RGB")] for image in images]
        if self.resized:
            side = (self.checkpoint.image_size,) * 2
            pictures = [[one if one.size == side else one.resize(side, Image.Resampling.BICUBIC)] for [one] in pictures]
        return dict(self.processor.image_processor(images=pictures, return_tensors="pt"))

    def encode_images(self, images: Sequence[np.ndarray]) -> list[Tensor]:
        """Return the frozen vision encoder and projector's output, one [image_tokens, hidden] tensor an image.

        Args:
            images: square grey images, uint8 [side, side], of any side; the processor resizes them.
        """
        import torch

        with torch.inference_mode():
            return [tokens.detach().clone() for tokens in self.encode_pixels(self.feature_inputs(images))]

    def encode_pixels(self, inputs: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Return the same of what `feature_inputs` made of images, with gradients where the encoder is tuned."""
        moved = {name: value.to(self.device, non_blocking=True) for name, value in inputs.items()}
        moved["pixel_values"] = moved["pixel_values"].to(self.model.dtype)
        return self.features_of(image_features(self.model, moved))

    def features_of(self, encoded: ModelOutput) -> Sequence[Tensor]:
        """Return one [image_tokens, hidden] tensor an image, from what the model's `get_image_features` returned."""
        return encoded["pooler_output"]

    def last_features(self, encoded: ModelOutput) -> Sequence[Tensor]:
        """Return one [image_tokens, hidden] tensor an image of the last layer's features alone."""
        return encoded["pooler_output"]

    def blank_image_tokens(self) -> tuple[int, int]:
        """Return how many features a blank image gives, and how many image tokens the prompt has for them.

        On a processor, where a published encoder takes a minute for an image, only shapes are computed.
        """
        from backbones.private.shapes import ShapesOnly

        with ShapesOnly() if self.device.type == "cpu" else nullcontext():
            features = self.encode_images([np.zeros((64, 64), np.uint8)])[0]
        return len(features), self.image_tokens

    def feature_inputs(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Return `pixel_inputs` without what `get_image_features` doesn't take."""
        return {k: v for k, v in self.pixel_inputs(images).items() if k in ("pixel_values", "image_grid_thw")}

    # -- text

    def prompt_text(self, prompt: str) -> str:
        """Return the prompt with its image placeholder and turn markers, as the checkpoint was trained with.

        By the checkpoint's own chat template; a family without one overrides this.
        """
        return self.chat_prompt(prompt)

    def chat_prompt(self, prompt: str) -> str:
        """Return `prompt` and one image as a user's turn, by the checkpoint's own chat template.

        Raises:
            UserError: the checkpoint has none, or one that can't be used.
        """
        content: Any = [{"type": "image"}, {"type": "text", "text": prompt}]
        return fill_template(self.processor, [{"role": "user", "content": content}], self.source, name=self.name)

    @classmethod
    def known_specials(cls) -> list[str]:
        """Return the texts that a prompt may not hold, as far as they are known without the checkpoint."""
        known = {cls.end_token, *cls.turn_markers}
        if (spec := cls.miniature()) is not None:
            known |= {*spec.tokens.values(), *spec.extra_tokens.values()}
        return sorted(known)

    @cached_property
    def specials(self) -> dict[str, int]:
        """Special tokens of the tokenizer, and what stands for an image or ends a report, by their text."""
        ids = special_ids(self.tokenizer) | {self.image_token, self.end}
        return dict(zip(self.tokenizer.convert_ids_to_tokens(sorted(ids)), sorted(ids), strict=True))

    def check_prompt(self, prompt: str) -> None:
        """Refuse a prompt that spells what the model is told apart by: image tokens, beginnings and ends of turns.

        Raises:
            UserError: names them.
        """
        if spelt := [text for text in sorted({*self.specials, *self.turn_markers}) if text and text in prompt]:
            raise UserError(f"{self.name}: {spelt_in_prompt(spelt)}")

    def prompt_tokens(self, prompt: str) -> list[int]:
        """Return token ids of the prompt, image tokens included, as the checkpoint's own processor makes them.

        Raises:
            UserError: the prompt spells a special token.
        """
        if prompt not in self._prompts:
            from PIL import Image

            self.check_prompt(prompt)
            side = self.checkpoint.image_size
            blank = Image.new("RGB", (side, side))
            whole: Any = dict.fromkeys(self.switched_off, False)
            text = [self.prompt_text(prompt)]
            encoded = self.processor(images=[[blank]], text=text, add_special_tokens=False, **whole)
            ids = [int(i) for i in encoded["input_ids"][0]]
            begin = self.tokenizer.bos_token_id
            if begin is not None and ids.count(begin) > 1:
                raise UserError(f"{self.name}: the prompt has {ids.count(begin)} beginning tokens instead of one.")
            self._prompts[prompt] = ids
        return self._prompts[prompt]

    @property
    def image_token(self) -> int:
        """Id of the token that an image's features take the place of."""
        return int(self.model.config.image_token_id)

    @property
    def image_tokens(self) -> int:
        """Number of tokens that one image takes."""
        return self.prompt_tokens("").count(self.image_token)

    @property
    def end(self) -> int:
        """Id of the token that ends a report."""
        return int(self.tokenizer.convert_tokens_to_ids(self.end_token))

    @property
    def padding(self) -> int:
        """Id of the padding token; the end token's where the tokenizer has none of its own."""
        return int(self.end if self.tokenizer.pad_token_id is None else self.tokenizer.pad_token_id)

    def report_tokens(self, report: str) -> list[int]:
        """Return token ids of a report and its end token; kept, as every epoch and trial asks for the same.

        What a report spells like a special token (`<image>`, `</s>`) is text, and is tokenised as such: as a token it
        would ask for another image, or teach the model to end there.

        Raises:
            UserError: the tokenizer knows no other way to write it.
        """
        if report not in self._reports:
            unknown = {self.tokenizer.unk_token_id} - {None}
            ids = plain_tokens(self.tokenizer, self.report_start + report, set(self.specials.values()) - unknown)
            if ids is None:
                spelt = [text for text in self.specials if text in report]
                raise UserError(
                    f"{self.name}: a report spells {', '.join(map(repr, spelt)) or 'a special token'}, which its "
                    "tokenizer can't write as plain text. Change it there."
                )
            self._reports[report] = [*ids, self.end]
        return self._reports[report]

    def encode_text(
        self, prompts: Sequence[str], reports: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> BatchEncoding:
        """Return prompts, and reports to learn where given, as one padded batch.

        With reports the batch is padded on the right and has labels: the report and its end token, and
        nothing else. Without, it is padded on the left, ready for generation. Prompt and report are
        tokenised apart, so that training sees the very tokens that generation starts from.

        Args:
            prompts: one a row.
            reports: one a row, or None.
            max_length: tokens a row at most; only the report is ever cut, never the image or the prompt.

        Returns:
            input_ids, attention_mask, labels (with reports) and the family's token types, each [rows, length].

        Raises:
            UserError: `max_length` leaves no room for a report behind the prompt.
        """
        import torch
        from transformers import BatchEncoding

        rows, starts = [], []
        for index, prompt in enumerate(prompts):
            ids = self.prompt_tokens(prompt)
            starts.append(len(ids))
            if reports is not None:
                ids = ids + self.report_tokens(reports[index])
            if max_length is not None and len(ids) > max_length:
                if starts[-1] >= max_length:
                    raise UserError(
                        f"{self.name}: image and prompt take {starts[-1]} tokens, so max_length {max_length} leaves "
                        "no room for the report. Raise max_length or shorten the prompt."
                    )
                ids = ids[:max_length]
            rows.append(ids)
        longest = max(map(len, rows))
        shape = (len(rows), longest)
        input_ids = torch.full(shape, self.padding)
        attention_mask = torch.zeros(shape, dtype=torch.long)
        labels = torch.full(shape, IGNORED)
        for row, (ids, start) in enumerate(zip(rows, starts, strict=True)):
            first = 0 if reports is not None else longest - len(ids)
            input_ids[row, first : first + len(ids)] = torch.tensor(ids)
            attention_mask[row, first : first + len(ids)] = 1
            labels[row, start : len(ids)] = torch.tensor(ids[start:])
        batch = {"input_ids": input_ids, "attention_mask": attention_mask}
        if reports is not None:
            batch["labels"] = labels
        if self.token_types is not None:
            batch[self.token_types] = self.token_type_ids(input_ids, labels)
        return BatchEncoding(batch)

    def training_text(self, prompt: str, reports: Sequence[str]) -> BatchEncoding:
        """Encode reports to learn, all behind one prompt, with what else the host has to find out for a step."""
        return self.encode_text([prompt] * len(reports), reports)

    def token_type_ids(self, input_ids: Tensor, labels: Tensor) -> Tensor:
        """Return 1 for an image token, 0 for text, [rows, length]. A family with another meaning overrides this."""
        return (input_ids == self.image_token).long()

    # -- model

    def model_inputs(self, text: BatchEncoding, features: Sequence[Tensor]) -> ModelInputs:
        """Return keyword arguments of the model's `forward` and `generate` for a batch with cached image features.

        Args:
            text: from `encode_text`, a row an image.
            features: from `encode_images`, one [image_tokens, hidden] tensor a row.
        """
        import torch

        inputs = self._moved(text)
        moved = [tokens.to(self.device, self.model.dtype) for tokens in features]
        if self.scattered_features:
            return self._scattered(inputs, torch.cat(moved))
        return {**inputs, "mm_encoder_outputs": {"image": self.encoder_output(moved)}}

    def training_inputs(self, text: BatchEncoding, features: Tensor) -> ModelInputs:
        """Return keyword arguments of the model's `forward` for a batch to learn from, its labels among them.

        What `model_inputs` says in other words, so that a GPU is never waited for: features stand among the
        embeddings, because a model that is given both counts them on the host, at every step; and there is no mask
        of padding, which no report's token sees as it lies behind it, so that attention takes its causal kernel.
        A family that can't learn so returns `model_inputs` here.

        Args:
            text: from `training_text`.
            features: from `encode_images`, those of all rows one after another, [rows · image_tokens, hidden].
        """
        moved = features.to(self.device, self.model.dtype, non_blocking=True)
        inputs = self._scattered(self._moved(text), moved)
        del inputs["attention_mask"]
        mask = self.training_mask(inputs)
        if mask is not None:
            inputs["attention_mask"] = mask
        return inputs

    def training_mask(self, inputs: ModelInputs) -> Tensor | dict[str, Tensor] | None:
        """Return the attention mask that training takes; None where a token sees all before it and nothing else.

        Args:
            inputs: embeddings, labels and the family's token types, which may be taken out: a mask says what they say.
        """
        return None

    def _moved(self, text: BatchEncoding) -> ModelInputs:
        """Return a batch where the model is. Memory that isn't pinned is copied before the call returns."""
        moved = {name: value.to(self.device, non_blocking=True) for name, value in text.items()}
        return cast(ModelInputs, moved)

    def encoder_output(self, features: Sequence[Tensor]) -> ModelOutput:
        """Return features in the form that the model's own vision encoder gives them in."""
        import torch
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        pooled = torch.stack(tuple(features)) if self.stacked_features else tuple(features)
        return BaseModelOutputWithPooling(pooler_output=pooled)  # type: ignore[arg-type]

    def _scattered(self, inputs: ModelInputs, features: Tensor) -> ModelInputs:
        """Return inputs with the features, [rows · image_tokens, hidden], put in place of the image tokens' embeddings.

        In training the embeddings stand for the tokens; `generate` takes both, so that what it returns begins with
        the prompt's tokens, as it does for other models.
        """
        places = inputs["input_ids"] == self.image_token
        # An image's token may lie behind the vocabulary.
        embeddings = self.model.get_input_embeddings()(inputs["input_ids"].masked_fill(places, self.padding))
        inputs["inputs_embeds"] = embeddings.masked_scatter(places.unsqueeze(-1), features.to(embeddings.dtype))
        if "labels" in inputs:
            del inputs["input_ids"]
        return inputs

    def decode(self, tokens: Sequence[int]) -> str:
        """Return generated token ids as text, without special tokens."""
        return self.tokenizer.decode(tokens, skip_special_tokens=True).strip()

    # -- miniature

    @classmethod
    def miniature(cls) -> MiniatureSpec | None:
        """Return a tiny configuration of the same model and processor classes; see `backbones.miniature`.

        None, as a rule: the checkpoint's own configuration, tokenizer and processor are made small
        (`backbones.made_after`).
        """
        return None
