"""Families whose processors or encoders are unlike others': patches in one row, frames of tokens, encoders of timm."""

from pathlib import Path

import pytest
import torch
from published_folders import write_folder
from published_further import FURTHER

from backbones.contract import CLAUSES as OF_BACKBONES
from backbones.contract import check, examples, fits_four_bits, outcome, subject_of, written_miniature
from backbones.errors import UserError
from backbones.generic import GenericBackbone, plugin_of
from backbones.miniature_checkpoint import untrained
from backbones.pretraining import processed
from backbones.published_files import in_folder
from backbones.statements import Statements
from backbones.timm_encoders import small_encoder
from benchmark.tuning.contract import packed_as_sequential


def small(name: str, folder: Path) -> type[GenericBackbone]:
    """Return the plugin of a family's automatic miniature."""
    return plugin_of(in_folder(name, write_folder(FURTHER[name], folder / name)), Statements(), miniature=True)


def built(plugin: type[GenericBackbone]) -> GenericBackbone:
    """Return an untrained miniature."""
    model, processor = untrained(plugin.miniature(), [], 0, plugin.decoder)
    return plugin(model, processor, source=Path(), fingerprint="")


@pytest.mark.parametrize("name", ["molmo2", "pixtral"])
def test_unlike_processors_keep_every_clause(name: str, tmp_path: Path, one_thread: None) -> None:
    outcomes = list(check(small(name, tmp_path)))
    assert len(outcomes) == 1 + len(OF_BACKBONES)
    assert [(clause.sentence, clause.reason) for clause in outcomes if not clause.kept] == []


@pytest.mark.parametrize("name", ["molmo2", "minicpmv4_7", "pixtral"])
def test_some_of_many_images_are_what_the_processor_makes_of_those(name: str, tmp_path: Path) -> None:
    backbone = built(small(name, tmp_path))
    images = [example.image for example in examples(4)]
    chosen = processed(backbone, images)([2, 0, 3])
    for key, value in backbone.feature_inputs([images[2], images[0], images[3]]).items():
        torch.testing.assert_close(chosen[key].float(), value.float(), atol=2e-3, rtol=0)  # kept in half precision


def test_token_types_count_the_frame_of_an_image_in_where_its_processor_does(tmp_path: Path) -> None:
    plugin = small("molmo2", tmp_path)
    assert set(plugin.reading.typed_tokens) == {"<im_start>", "<im_end>", "<im_col>", "<low_res_im_start>"}
    text = built(plugin).encode_text(["Write."], ["No mass."])
    assert plugin.token_types is not None
    typed = text[plugin.token_types].bool()
    assert typed.sum() > (text["input_ids"] == built(plugin).image_token).sum()
    assert not (typed & (text["labels"] != -100)).any()


def test_token_types_that_follow_from_no_token_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(FURTHER["molmo2"], tmp_path / "model")
    kind = "transformers.models.molmo2.processing_molmo2.Molmo2Processor.create_mm_token_type_ids"
    monkeypatch.setattr(kind, lambda self, ids: [[place % 2 for place, _ in enumerate(row)] for row in ids])
    with pytest.raises(UserError, match="its mm_token_type_ids tell more than an image's tokens from text"):
        plugin_of(in_folder("model", folder), Statements(image_size=378))


@pytest.mark.slow
def test_inputs_by_layer_have_a_training_step_given_tokens(tmp_path: Path, one_thread: None) -> None:
    plugin = small("gemma3n", tmp_path)
    # Among the embeddings alone, the decoder's inputs by layer would be left out, and logits others.
    assert (plugin.scattered_features, plugin.learns_as_generating) == (False, True)


@pytest.mark.slow
def test_a_model_that_writes_into_a_layers_output_is_packed_and_its_narrow_layers_stay_whole_in_4_bits(
    tmp_path: Path, one_thread: None
) -> None:
    plugin = small("gemma3n", tmp_path)
    folder = written_miniature(plugin, tmp_path)
    for clause in (fits_four_bits, packed_as_sequential):
        assert outcome(clause, subject_of(plugin, folder)).reason is None
    quantized = plugin.load(folder, quantization="nf4")
    layers = [
        (name.rpartition(".")[2], type(module) is torch.nn.Linear)
        for name, module in quantized.model.named_modules()
        if isinstance(module, torch.nn.Linear) and ".language_model.layers." in name
    ]
    narrow = {"correction_coefs", "prediction_coefs", "modality_router"}
    assert {name for name, is_whole in layers if is_whole} == narrow
    assert narrow.isdisjoint(name for name, is_whole in layers if not is_whole)


def test_an_encoder_of_timm_is_made_small_by_its_architectures_own_arguments() -> None:
    settings = {"architecture": "mobilenetv5_300m_enc", "hidden_size": 2048, "model_args": None}
    made = small_encoder(settings, 16)
    assert made["hidden_size"] == 2048  # which the architecture says
    assert made["model_args"] == {"channel_multiplier": 0.125, "msfa_output_resolution": 4}
    other = {"architecture": "vit_tiny_patch16_224", "hidden_size": 192}
    assert small_encoder(other, 16) == other


def test_a_class_that_writes_all_logits_is_refused_by_that(tmp_path: Path) -> None:
    folder = write_folder(FURTHER["minicpmv4_6"], tmp_path / "model")
    with pytest.raises(UserError, match=r"MiniCPMV4_6.* can't be asked for the logits of a report alone"):
        plugin_of(in_folder("model", folder), Statements())
