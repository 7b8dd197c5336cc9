"""LLaVA-Med's original layout, written small, against the model that its weights were taken from."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from known import known
from safetensors import safe_open
from safetensors.torch import save_file
from sentencepieces import train

from backbones.contract import PROMPTS, REPORTS
from backbones.errors import UserError
from backbones.llava_med import LlavaMed
from backbones.llava_med_conversion import convert, verify

LAYERS, WIDTH, SIDE = 2, 64, 56

# The original's names, by transformers': the other way round than the conversion has them.
ORIGINAL = {
    "model.vision_tower.": "model.vision_tower.vision_tower.vision_model.",
    "model.multi_modal_projector.linear_1.": "model.mm_projector.0.",
    "model.multi_modal_projector.linear_2.": "model.mm_projector.2.",
    "model.language_model.": "model.",
    "lm_head.": "lm_head.",
}


@pytest.fixture(scope="module")
def sentencepiece_model() -> bytes:
    return train()


@pytest.fixture(scope="module")
def reference(one_thread: None, sentencepiece_model: bytes) -> tuple[Any, int]:
    """A small LLaVA whose embeddings have the rows of its text tokens only, as the original's."""
    import sentencepiece
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    tokens = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model).vocab_size()
    torch.manual_seed(0)
    vision = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 1}
    text = {"hidden_size": WIDTH, "intermediate_size": 96, "num_hidden_layers": LAYERS, "num_attention_heads": 4}
    config = LlavaConfig(
        text_config={"model_type": "mistral", **text, "num_key_value_heads": 2, "vocab_size": tokens + 1,
                     "sliding_window": None, "rope_theta": 1e6},
        vision_config={"model_type": "clip_vision_model", **vision, "image_size": SIDE, "patch_size": 14},
        image_token_index=tokens,
        image_seq_length=16,
        tie_word_embeddings=False,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config).eval()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    return model, tokens


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, reference: tuple[Any, int], sentencepiece_model: bytes) -> Path:
    """The reference in the original's layout: two shards, its config.json, tokenizer.model and nothing else."""
    model, tokens = reference
    folder = tmp_path_factory.mktemp("original")
    tensors: dict[str, torch.Tensor] = {}
    for name, value in model.state_dict().items():
        beginning = next(b for b in ORIGINAL if name.startswith(b))
        if name in ("model.language_model.embed_tokens.weight", "lm_head.weight"):
            value = value[:tokens]
        tensors[ORIGINAL[beginning] + name.removeprefix(beginning)] = value.clone()
    names = sorted(tensors)
    for number, part in enumerate((names[::2], names[1::2]), start=1):
        path = folder / f"model-{number:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, path, metadata={"format": "pt"})
    config = {
        "model_type": "llava_mistral", "architectures": ["LlavaMistralForCausalLM"],
        "hidden_size": WIDTH, "intermediate_size": 96, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": tokens, "rope_theta": 1e6, "rms_norm_eps": 1e-6,
        "sliding_window": None, "max_position_embeddings": 1024,
        "mm_vision_tower": "openai/clip-vit-large-patch14-336", "mm_projector_type": "mlp2x_gelu",
        "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch", "mm_hidden_size": 64,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.model").write_bytes(sentencepiece_model)
    return folder


def digests(folder: Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.safetensors"))]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory, original: Path) -> Path:
    return convert(original, tmp_path_factory.mktemp("converted") / "llava", digests=digests(original))


def test_logits_are_those_of_the_model_that_the_weights_are_from(converted: Path, reference: tuple[Any, int]) -> None:
    model, tokens = reference
    backbone = LlavaMed.load(converted)
    image = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE)).astype(np.uint8)
    text = backbone.encode_text([PROMPTS[0]], [REPORTS[0]])
    with torch.no_grad():
        ours = backbone.model(**backbone.model_inputs(text, backbone.encode_images([image]))).logits
        theirs = model(**text, **backbone.feature_inputs([image])).logits
    torch.testing.assert_close(ours[..., :tokens], theirs[..., :tokens], rtol=0, atol=1e-5)
    # The new rows' logits are the mean of the others, so greedy decoding never chooses one.
    torch.testing.assert_close(ours[..., tokens], theirs[..., :tokens].mean(-1), rtol=0, atol=1e-4)
    assert int(ours.argmax(-1).max()) < tokens


def test_every_tensor_is_there_once_and_unchanged(converted: Path, original: Path, reference: tuple[Any, int]) -> None:
    model, tokens = reference
    index = json.loads((converted / "model.safetensors.index.json").read_text())["weight_map"]
    assert index.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        with safe_open(converted / index[name], framework="pt") as file:
            assert torch.equal(file.get_tensor(name)[: len(value) - 1], value[:-1]), name
    assert sorted(p.name for p in converted.glob("*.safetensors")) == sorted(set(index.values()))
    rows = json.loads((converted / "config.json").read_text())["text_config"]["vocab_size"]
    assert rows % 64 == 0
    assert rows > tokens


def test_a_load_of_the_original_converts_it_once(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path))
    first = LlavaMed.load(original)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    second = LlavaMed.load(original)
    assert len(written) == 2
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")} == written
    assert first.fingerprint == second.fingerprint
    assert first.source == second.source != original
    assert first.model.config.vision_config.image_size == SIDE


def test_the_prompt_has_the_tokens_that_the_original_makes(converted: Path, sentencepiece_model: bytes) -> None:
    """The original encodes the texts before and after the image apart, and joins them with the image between."""
    import sentencepiece

    backbone = LlavaMed.load(converted)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model)
    expected = [1, *pieces.encode("[INST] "), *[backbone.image_token] * 16, *pieces.encode(f"\n{PROMPTS[0]} [/INST]")]
    assert backbone.prompt_tokens(PROMPTS[0]) == expected


def test_a_shard_that_was_changed_is_refused(original: Path) -> None:
    published = digests(original)
    with pytest.raises(UserError, match=r"00002-of-00002.*SHA-256 is.*was published") as raised:
        verify(sorted(original.glob("*.safetensors")), [published[0], "0" * 64])
    assert "00001-of" not in str(raised.value)
    with pytest.raises(UserError, match="2 shards, but 1 were published"):
        verify(sorted(original.glob("*.safetensors")), published[:1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.pop("model.mm_projector.0.bias"), "missing: model.multi_modal_projector.linear_1.bias"),
        (lambda t: t.update({"model.extra.weight": torch.zeros(2)}), "left over: model.extra.weight"),
        (
            lambda t: t.update({"model.norm.weight": torch.zeros(WIDTH + 1)}),
            "of another shape: model.language_model.norm.weight",
        ),
        (
            lambda t: t.pop("model.vision_tower.vision_tower.vision_model.embeddings.class_embedding"),
            "original layout is expected",
        ),
    ],
)
def test_a_tensor_left_over_missing_or_misshapen_is_named_and_nothing_written(
    change: Callable[..., Any], reason: str, original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    copy = tmp_path / "copy"
    copy.mkdir()
    tensors: dict[str, torch.Tensor] = {}
    for path in original.iterdir():
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        else:
            (copy / path.name).write_bytes(path.read_bytes())
    change(tensors)
    save_file(tensors, copy / "model.safetensors")
    with pytest.raises(UserError, match=reason):
        LlavaMed.load(copy)
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    assert not list((tmp_path / "cache" / "converted").glob("*"))


def test_one_shard_is_in_memory_at_a_time(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held grows with the largest shard, not with the checkpoint."""
    sizes = []

    def saving(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
        sizes.append(sum(t.numel() * t.element_size() for t in tensors.values()))
        save_file(tensors, path, metadata=metadata)

    monkeypatch.setattr("backbones.llava_med_conversion.save_file", saving)
    convert(original, tmp_path / "out")
    assert len(sizes) == 2
    assert max(sizes) < 0.8 * sum(sizes)


def test_the_full_size_model_has_the_originals_686_tensors() -> None:
    """So many the published checkpoint holds; each has a name in the original, and the renaming leads back."""
    from backbones.llava_med_conversion import renamed
    from backbones.structure import build

    names = list(build(known(LlavaMed.full_configuration())).state_dict())
    assert len(names) == 686
    for name in names:
        beginning = next(b for b in ORIGINAL if name.startswith(b))
        assert renamed(ORIGINAL[beginning] + name.removeprefix(beginning)) == name
