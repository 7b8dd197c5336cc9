"""Every family keeps the contract on its miniature, and each clause notices a plugin that breaks it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from families import FAMILIES
from known import known
from transformers import BatchEncoding, PreTrainedConfig
from transformers.utils import ModelOutput

from backbones import contract
from backbones.base import IGNORED, Backbone
from backbones.contract import Broken, Subject, check, examples
from backbones.medgemma import MedGemma
from backbones.miniature import MiniatureSpec
from backbones.private.inputs import ModelInputs
from backbones.qwen3_vl import Qwen3VL4B
from backbones.registry import get
from backbones.targets import decoder_projections
from benchmark.tuning.contract import CLAUSES, reloads

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_keeps_every_clause(name: str, one_thread: None) -> None:
    clauses = list(check(get(name), CLAUSES))
    assert [(clause.sentence, clause.reason) for clause in clauses if not clause.kept] == []
    assert len(clauses) >= 9


@pytest.fixture(scope="module")
def subject_of(miniature: Callable[[str], Path]) -> Callable[..., Subject]:
    """Plugin class and the family whose miniature it loads → a subject."""

    def make(plugin: type[Backbone], family: str = "medgemma-4b-it") -> Subject:
        backbone = plugin.load(miniature(family))
        images = [example.image for example in examples(3)]
        return Subject(backbone, images, backbone.encode_images(images))

    return make


class LearnsThePrompt(MedGemma):
    def encode_text(
        self, prompts: Sequence[str], reports: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> BatchEncoding:
        text = super().encode_text(prompts, reports, max_length=max_length)
        if reports is not None:
            text["labels"] = torch.where(text["attention_mask"] == 1, text["input_ids"], IGNORED)
        return text


class ForgetsTheEnd(MedGemma):
    def report_tokens(self, report: str) -> list[int]:
        return super().report_tokens(report)[:-1]


class SaysItTwice(MedGemma):
    def prompt_tokens(self, prompt: str) -> list[int]:
        ids = super().prompt_tokens(prompt)
        return [self.tokenizer.bos_token_id, *ids]


class CutsTheImage(MedGemma):
    def encode_text(
        self, prompts: Sequence[str], reports: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> BatchEncoding:
        text = super().encode_text(prompts, reports)
        return BatchEncoding({name: value[:, -(max_length or 0) :] for name, value in text.items()})


class LosesDeepStack(Qwen3VL4B):
    """Qwen3-VL with the last layer's features only, in the place of DeepStack's as well."""

    def features_of(self, encoded: ModelOutput) -> list[torch.Tensor]:
        return [torch.cat([image] * 3, dim=-1) for image in encoded["pooler_output"]]


class LearnsWithoutDeepStack(Qwen3VL4B):
    """Qwen3-VL that trains on the last layer's features only, put among the embeddings as other families' are."""

    def training_inputs(self, text: BatchEncoding, features: torch.Tensor) -> ModelInputs:
        width = self.model.config.get_text_config().hidden_size
        return Backbone.training_inputs(self, text, features[:, :width])


class MasksOneWay(MedGemma):
    """MedGemma that forgets in training that image tokens see each other."""

    def training_mask(self, inputs: ModelInputs) -> None:  # type: ignore[override]
        del inputs["token_type_ids"]


class PadsRight(MedGemma):
    def encode_text(
        self, prompts: Sequence[str], reports: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> BatchEncoding:
        if reports is not None:
            return super().encode_text(prompts, reports, max_length=max_length)
        text = super().encode_text(prompts, [""] * len(prompts))
        del text["labels"]
        return text


class AdaptsTheEncoder(MedGemma):
    lora_targets: ClassVar[str | None] = r".*\.(q_proj|v_proj)"


class AdaptsNothing(MedGemma):
    lora_targets: ClassVar[str | None] = decoder_projections("text_decoder")


class AdaptsAHalf(MedGemma):
    lora_targets: ClassVar[str | None] = rf"(?=.*\.mlp\.)({decoder_projections()})"


class TakesTheEndForAnEnd(MedGemma):
    def report_tokens(self, report: str) -> list[int]:
        return [*self.tokenizer(report, add_special_tokens=False)["input_ids"], self.end]


class MasksWhatPads(MedGemma):
    """A plugin that tells what is learnt by which token pads, as collators elsewhere do."""

    def encode_text(
        self, prompts: Sequence[str], reports: Sequence[str] | None = None, *, max_length: int | None = None
    ) -> BatchEncoding:
        text = super().encode_text(prompts, reports, max_length=max_length)
        if reports is not None:
            text["labels"][text["input_ids"] == self.padding] = IGNORED
        return text


class TooNarrow(MedGemma):
    """A plugin whose published checkpoint has a width that isn't a whole number of 4-bit blocks."""

    @classmethod
    def full_configuration(cls) -> PreTrainedConfig:
        config = known(super().full_configuration())
        config.text_config.intermediate_size = 10_000
        return config


@pytest.mark.parametrize(
    ("plugin", "family", "clause", "reason"),
    [
        (LearnsThePrompt, "medgemma-4b-it", contract.label_mask, "image tokens are among the labels"),
        (ForgetsTheEnd, "medgemma-4b-it", contract.label_mask, "don't end with the end token"),
        (SaysItTwice, "medgemma-4b-it", contract.one_beginning, "2 beginning tokens"),
        (CutsTheImage, "medgemma-4b-it", contract.image_tokens_survive, "the prompt changes"),
        (LosesDeepStack, "qwen3-vl-4b", contract.cached_as_pixels, "logits differ"),
        (LearnsWithoutDeepStack, "qwen3-vl-4b", contract.trained_as_pixels, "logits differ"),
        (MasksOneWay, "medgemma-4b-it", contract.trained_as_pixels, "logits differ"),
        (PadsRight, "medgemma-4b-it", contract.left_padding, "ends with padding"),
        (AdaptsTheEncoder, "medgemma-4b-it", contract.targets_in_the_decoder, "encode images"),
        (AdaptsTheEncoder, "medgemma-4b-it", contract.covers_the_decoder, "modules are outside its decoder, such as"),
        (AdaptsAHalf, "medgemma-4b-it", contract.covers_the_decoder, "% of the miniature's decoder gets adapters"),
        (TakesTheEndForAnEnd, "medgemma-4b-it", contract.one_end, "inside a report becomes a special token"),
        (MasksWhatPads, "medgemma-4b-it", contract.padded_by_the_end, "0 end tokens are learnt for a report"),
        (AdaptsNothing, "medgemma-4b-it", contract.targets_in_the_decoder, "no module matches"),
        (
            TooNarrow,
            "medgemma-4b-it",
            contract.fits_four_bits,
            "published checkpoint's projections of 2560 → 10000, 10000 → 2560",
        ),
    ],
)
def test_a_broken_plugin_is_noticed(
    plugin: type[Backbone], family: str, clause: Callable[..., Any], reason: str, subject_of: Callable[..., Subject]
) -> None:
    with pytest.raises(Broken, match=reason):
        clause(subject_of(plugin, family))


def test_a_blind_model_is_noticed(subject_of: Callable[..., Subject]) -> None:
    subject = subject_of(MedGemma)
    torch.nn.init.zeros_(subject.backbone.model.model.multi_modal_projector.mm_input_projection_weight)
    blind = Subject(subject.backbone, subject.images, subject.backbone.encode_images(subject.images))
    with pytest.raises(Broken, match="blind"):
        contract.cached_as_pixels(blind)


def test_an_adapter_that_is_not_used_is_noticed(
    subject_of: Callable[..., Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of(MedGemma)
    monkeypatch.setattr("torch.nn.init.normal_", lambda tensor, std=1.0: tensor)  # leaves B at zero
    with pytest.raises(Broken, match="isn't used"):
        reloads(subject)


def test_a_plugin_whose_miniature_fails_says_why(one_thread: None) -> None:
    class NoMiniature(MedGemma):
        @classmethod
        def miniature(cls) -> MiniatureSpec:
            raise KeyError("processor")

    [clause] = check(NoMiniature)
    assert clause.reason == "KeyError: 'processor'"


def test_features_can_be_put_among_the_embeddings(miniature: Callable[[str], Path]) -> None:
    """For a model class without `mm_encoder_outputs`; on one that has it, both ways give the same."""
    backbone = get("smolvlm-2.2b").load(miniature("smolvlm-2.2b"))
    images = [example.image for example in examples(3)]
    features = backbone.encode_images(images)
    trained = backbone.encode_text([contract.PROMPTS[0]] * 3, contract.REPORTS)
    prompts = backbone.encode_text([contract.PROMPTS[0]] * 3)
    logits = backbone.model(**backbone.model_inputs(trained, features)).logits
    model: Any = backbone.model
    written = model.generate(**backbone.model_inputs(prompts, features), max_new_tokens=8, do_sample=False)

    class Scattered(type(backbone)):  # type: ignore[misc]
        scattered_features = True

    backbone.__class__ = Scattered
    inputs = backbone.model_inputs(trained, features)
    assert "mm_encoder_outputs" not in inputs
    torch.testing.assert_close(backbone.model(**inputs).logits, logits)
    scattered = model.generate(**backbone.model_inputs(prompts, features), max_new_tokens=8, do_sample=False)
    assert torch.equal(scattered, written)
