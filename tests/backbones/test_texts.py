"""What reports and prompts spell like special tokens, and what checkpoints bring along beside their weights."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AddedToken, AutoTokenizer, GenerationConfig

from backbones.base import Backbone
from backbones.checkpoint import shipped
from backbones.errors import UserError
from backbones.registry import get
from backbones.texts import plain_tokens, special_ids
from benchmark.forms.suite import Protocol
from benchmark.tuning.generation import greedy

FAMILIES = ("medgemma-4b-it", "llava-med-7b", "qwen2.5-vl-3b", "paligemma2-3b")
PROMPT = "Write the report."


def folder_of(name: str) -> Path:
    folder = shipped(name)
    assert folder is not None
    return folder


@cache
def loaded(name: str) -> Backbone:
    return get(name).load(folder_of(name))


def copied(name: str, to: Path) -> Path:
    return Path(shutil.copytree(folder_of(name), to / "checkpoint"))


@pytest.mark.parametrize("name", FAMILIES)
def test_labels_read_as_the_report_whatever_it_spells(name: str) -> None:
    backbone = loaded(name)
    for token in backbone.specials:
        for report in (f"A mass{token} left.", f"{token}A mass.", f"A mass. {token}", f"{token}{token}No mass."):
            *labels, end = backbone.report_tokens(report)
            assert backbone.decode(labels) == report
            assert end == backbone.end
            assert not {backbone.end, backbone.image_token}.intersection(labels)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_report_that_spells_an_image_token_is_learned_like_another(name: str) -> None:
    backbone = loaded(name)
    [image] = [text for text, number in backbone.specials.items() if number == backbone.image_token]
    features = torch.cat(backbone.encode_images([np.zeros((112, 112), np.uint8)] * 2))
    text = backbone.training_text(PROMPT, [f"A mass {image} left.", "Another."])
    assert ((text["input_ids"] == backbone.image_token).sum(dim=1) == backbone.image_tokens).all()
    inputs: Any = backbone.training_inputs(text, features)
    inputs.pop("labels")
    assert torch.isfinite(backbone.model(**inputs).logits).all()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_prompt_with_a_special_token_is_refused_by_its_name(name: str) -> None:
    backbone = loaded(name)
    assert set(get(name).known_specials()) <= {*backbone.specials, *backbone.turn_markers}
    for token in get(name).known_specials():
        with pytest.raises(UserError) as error:
            backbone.prompt_tokens(f"{token} {PROMPT}")
        assert repr(token) in str(error.value)
    assert backbone.prompt_tokens("Is <3 cm\n\na [mass] or <b>not</b>?")


@given(
    st.lists(st.sampled_from(["A mass", " left", ".", "<image>", "<ima", "ge>", "<s>", "</s>", "\n", " "])).map("".join)
)
def test_no_text_is_tokenised_to_a_special_token_even_if_the_tokenizer_marks_none(report: str) -> None:
    tokenizer = unmarked()
    special = {tokenizer.convert_tokens_to_ids(token) for token in ("<image>", "<s>", "</s>")}
    ids = plain_tokens(tokenizer, report, special)
    assert ids is not None
    assert not special.intersection(ids)
    if "<image>" not in report:
        assert ids == tokenizer(report, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@cache
def unmarked() -> Any:
    """LLaVA-Med's miniature's tokenizer, with an image token that its own file doesn't call special."""
    source = folder_of("llava-med-7b")
    tokenizer = AutoTokenizer.from_pretrained(source)
    content = json.loads((source / "tokenizer.json").read_text())
    for token in content["added_tokens"]:
        token["special"] = token["special"] and token["content"] != "<image>"
    tokenizer.backend_tokenizer.from_str(json.dumps(content))
    tokenizer.add_tokens([AddedToken("<image>", special=False)])
    return tokenizer


@pytest.mark.parametrize("family", ["qwen3", "mistral"])
def test_published_tokenizers_split_all_their_special_tokens(family: str, tokenizers: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tokenizers / family)
    special = special_ids(tokenizer) - {tokenizer.unk_token_id}
    for token in tokenizer.convert_ids_to_tokens(sorted(special_ids(tokenizer))):
        for report in (f"{token}A mass{token} left.", f"A mass {token} left.", token):
            ids = plain_tokens(tokenizer, report, special)
            assert ids is not None
            assert str(tokenizer.decode(ids, skip_special_tokens=True)).strip() == report
    report = "BIRADS: 4\n\nA mass of 1½ cm."
    assert plain_tokens(tokenizer, report, special) == tokenizer(report, add_special_tokens=False)["input_ids"]


LEAKS: dict[str, Any] = {
    "no_repeat_ngram_size": 1, "suppress_tokens": list(range(9, 60)), "begin_suppress_tokens": list(range(9, 300)),
    "bad_words_ids": [[i] for i in range(9, 60)], "min_new_tokens": 20, "min_length": 60, "max_time": 1e-9,
    "repetition_penalty": 5.0, "num_beams": 3, "forced_eos_token_id": 9, "forced_bos_token_id": 9,
    "exponential_decay_length_penalty": [1, 9.0], "guidance_scale": 3.0, "renormalize_logits": True,
    "remove_invalid_values": True, "sequence_bias": [[[20], -50.0]], "length_penalty": -5.0, "do_sample": True,
    "temperature": 9.0, "stop_strings": ["e", "a"], "max_length": 3, "encoder_no_repeat_ngram_size": 1,
    "prompt_lookup_num_tokens": 3, "cache_implementation": "static", "use_cache": False, "eos_token_id": [20, 21],
}  # fmt: skip


@pytest.mark.parametrize("setting", [*LEAKS, "all"])
def test_a_checkpoints_own_settings_of_generation_change_nothing(setting: str, tmp_path: Path) -> None:
    folder = copied("medgemma-4b-it", tmp_path)
    leaks = LEAKS if setting == "all" else {setting: LEAKS[setting]}
    (folder / "generation_config.json").write_text(json.dumps(leaks))
    backbone = get("medgemma-4b-it").load(folder)
    assert backbone.model.generation_config.to_diff_dict() == GenerationConfig().to_diff_dict()
    if setting in ("all", "max_time", "suppress_tokens", "stop_strings", "no_repeat_ngram_size", "num_beams"):
        plain = loaded("medgemma-4b-it")
        protocol = Protocol(steps=1, prompt=PROMPT, max_new_tokens=6)
        features = plain.encode_images([np.zeros((112, 112), np.uint8)])
        assert greedy(backbone, backbone.model, protocol, features) == greedy(plain, plain.model, protocol, features)


def in_tokenizer(folder: Path, template: str) -> None:
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": template}))


def in_named_templates(folder: Path, template: str) -> None:
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    named = [{"name": "default", "template": template}, {"name": "tool_use", "template": "x"}]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": named}))


def in_jinja(folder: Path, template: str) -> None:
    (folder / "chat_template.jinja").write_text(template)


def in_json(folder: Path, template: str) -> None:
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))


@pytest.mark.parametrize("place", [in_tokenizer, in_named_templates, in_jinja, in_json])
def test_a_chat_template_is_found_wherever_tools_put_it(place: Callable[[Path, str], None], tmp_path: Path) -> None:
    folder = copied("medgemma-4b-it", tmp_path)
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    place(folder, template)
    assert get("medgemma-4b-it").load(folder).prompt_tokens(PROMPT) == loaded("medgemma-4b-it").prompt_tokens(PROMPT)


TEXT_ALONE = "{% for turn in messages %}{% for part in turn['content'] %}{{ part['text'] }}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (None, "none in chat_template.jinja, chat_template.json, processor_config.json, tokenizer_config.json"),
        ("{% for %}", "can't be filled in"),
        ("{{ raise_exception('only text') }}", "can't be filled in (TemplateError: only text)"),
        (TEXT_ALONE, "chat template is for text alone"),
    ],
)
def test_a_chat_template_that_is_missing_or_of_no_use_is_told(template: str | None, says: str, tmp_path: Path) -> None:
    folder = copied("qwen2.5-vl-3b", tmp_path)
    (folder / "chat_template.jinja").unlink()
    if template is not None:
        in_jinja(folder, template)
    with pytest.raises(UserError) as error:
        get("qwen2.5-vl-3b").load(folder)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "names",
    [
        lambda name: {name: 1.0, f"{name.removesuffix('.weight')}.lora_A.default.weight": 1.0},
        lambda name: {f"{name.removesuffix('.weight')}.base_layer.weight": 1.0},
        lambda name: {name: 1.0, f"{name.removesuffix('.weight')}.lora_magnitude_vector": 1.0},
        lambda name: {f"base_model.model.{name}": 1.0},
    ],
)
def test_tensors_of_an_adapter_that_was_never_merged_are_refused(
    names: Callable[[str], dict[str, float]], tmp_path: Path
) -> None:
    folder = copied("llava-med-7b", tmp_path)
    tensors = load_file(folder / "model.safetensors")
    changed: dict[str, torch.Tensor] = {}
    for name, value in tensors.items():
        changed |= {
            n: value.clone() for n in (names(name) if "q_proj" in name and "vision" not in name else {name: 1.0})
        }
    save_file(changed, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match="merge_and_unload"):
        get("llava-med-7b").load(folder)


@pytest.mark.parametrize("whole", [True, False])
def test_an_adapters_folder_is_no_checkpoint(whole: bool, tmp_path: Path) -> None:
    folder = copied("llava-med-7b", tmp_path)
    (folder / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "elsewhere", "peft_type": "LORA"})
    )
    if not whole:
        (folder / "config.json").unlink()
    with pytest.raises(UserError, match="merge_and_unload"):
        get("llava-med-7b").load(folder)


def test_a_report_that_can_not_be_written_without_its_end_is_refused_without_a_word_of_it() -> None:
    folder = folder_of("llava-med-7b")
    plugin: type[Backbone] = type("Dotted", (get("llava-med-7b"),), {"__module__": __name__, "end_token": "."})
    dotted = plugin.load(folder)
    with pytest.raises(UserError, match=r"a report spells '\.', which its tokenizer") as refused:
        dotted.report_tokens("No mass. No calcification")
    assert "calcification" not in str(refused.value), "a patient's report is printed nowhere"
