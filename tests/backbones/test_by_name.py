"""Checkpoints that no plugin speaks for: what is found out, what is asked, what is refused, and the contract."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from published_families import FAMILIES, IM, LLAVA
from published_folders import Family, write_folder
from transformers import AutoConfig

from backbones.contract import check
from backbones.errors import UserError
from backbones.generic import findings_of, plugin_of
from backbones.published_files import in_folder, is_hub_id, of_hub
from backbones.reading import Reading
from backbones.statements import Statements, parse
from benchmark.tuning.contract import CLAUSES


def reading_of(family: Family, folder: Path, **stated: Any) -> Reading:
    """Return what is found out of a family's folder."""
    return findings_of(in_folder("model", write_folder(family, folder / "model")), Statements(**stated))


def found(reading: Reading) -> dict[str, str]:
    """Return findings by what they are."""
    return {finding.what: finding.value for finding in reading.findings}


@pytest.mark.parametrize("name", ["glm4v", "mistral3", "qwen3_5"])
def test_classes_without_a_plugin_keep_every_clause(name: str, tmp_path: Path, one_thread: None) -> None:
    family = FAMILIES[name]
    files = in_folder(name, write_folder(family, tmp_path / name))
    plugin = plugin_of(files, Statements(**family.stated), miniature=True)
    assert [(c.sentence, c.reason) for c in check(plugin, CLAUSES) if not c.kept] == []


def test_what_is_found_out_is_what_the_files_say(tmp_path: Path) -> None:
    reading = reading_of(FAMILIES["internvl"], tmp_path)
    told = found(reading)
    assert reading.questions == []
    assert told["end token"] == "<|im_end|>"
    assert told["image size"] == "448 px, 256 tokens"
    assert told["decoder"] == "language_model"
    assert told["image seen whole"].startswith("crop_to_patches")
    assert told["prompt"] == repr("<|im_start|>user\n<IMG_CONTEXT>\nPROMPT<|im_end|>\n<|im_start|>assistant\n")


def test_adapters_are_on_every_linear_layer_of_the_decoder_but_those_that_choose_experts(tmp_path: Path) -> None:
    reading = reading_of(FAMILIES["qwen3_vl_moe"], tmp_path)
    targets = plugin_of(reading.files, Statements(), miniature=True).expression(reading.structure)
    adapted = {name.rsplit(".", 1)[-1] for name, _ in reading.structure.named_modules() if re.fullmatch(targets, name)}
    assert {"q_proj", "k_proj", "v_proj", "o_proj"} <= adapted
    assert not {"gate", "router"} & adapted
    assert any(one.what == "left out" for one in reading.findings)


def test_a_template_without_a_generation_prompt_is_read_by_a_finished_answer(tmp_path: Path) -> None:
    silent = IM.split("{% if add_generation_prompt")[0].replace("IMAGE", "<image>")
    reading = reading_of(replace(FAMILIES["ovis2"], template=silent), tmp_path)
    assert found(reading)["generation prompt"] == repr("<|im_start|>assistant\n")
    assert reading.questions == []


def test_a_template_that_writes_no_answers_has_its_generation_prompt_asked_for(tmp_path: Path) -> None:
    mute = (
        "{% for c in messages[0]['content'] %}{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}"
    )
    family = replace(FAMILIES["llava"], template=mute + "{% endfor %}")
    reading = reading_of(family, tmp_path)
    assert "generation_prompt" in [question.statement for question in reading.questions]
    stated = findings_of(reading.files, Statements(generation_prompt="\nAnswer:"))
    assert stated.questions == []
    assert found(stated)["prompt"] == repr("<image>PROMPT\nAnswer:")


def test_an_end_that_template_and_settings_dispute_is_asked_for_by_its_candidates(tmp_path: Path) -> None:
    family = replace(FAMILIES["llava"], ends=("<unk>",))
    reading = reading_of(family, tmp_path)
    [question] = reading.questions
    assert str(question) == (
        "end token: which of these? </s>, <unk> (its chat template and its files don't agree); state `end_token:` in "
        "the suite's entry"
    )
    with pytest.raises(UserError, match=r"can't be found out.*\n.*end token: which of these\? </s>, <unk>"):
        plugin_of(reading.files, Statements(), miniature=True)
    assert plugin_of(reading.files, Statements(end_token="</s>"), miniature=True).end_token == "</s>"
    with pytest.raises(UserError, match="which its tokenizer lacks"):
        findings_of(reading.files, Statements(end_token="<nothing>"))


def test_a_decoder_that_no_module_is_called_by_is_refused(tmp_path: Path) -> None:
    files = in_folder("model", write_folder(FAMILIES["llava"], tmp_path / "model"))
    with pytest.raises(UserError, match=r"decoder 'nowhere' is stated.*By itself it says 'language_model'"):
        plugin_of(files, Statements(decoder="nowhere"), miniature=True)
    assert plugin_of(files, Statements(decoder="language_model"), miniature=True).decoder == "language_model"


def test_padding_that_is_the_end_token_changes_no_label(tmp_path: Path, one_thread: None) -> None:
    family = replace(FAMILIES["llava"], tokens={**FAMILIES["llava"].tokens, "pad_token": "</s>"})
    files = in_folder("padded", write_folder(family, tmp_path / "padded"))
    plugin = plugin_of(files, Statements(), miniature=True)
    [source] = [finding.source for finding in plugin.reading.findings if finding.what == "padding"]
    assert "where it ends a report and nowhere else" in source
    outcomes = {clause.sentence: clause.reason for clause in check(plugin)}
    assert outcomes["the label mask covers the report and its end token, and nothing else"] is None


def test_a_processor_that_tiles_by_size_has_a_size_asked_for(tmp_path: Path) -> None:
    reading = reading_of(FAMILIES["llava_onevision"], tmp_path)
    [question] = reading.questions
    assert question.statement == "image_size"
    assert "cuts a larger picture into more tiles" in question.why
    with pytest.raises(UserError, match="state `image_size:`"):
        plugin_of(reading.files, Statements())
    plugin = plugin_of(reading.files, Statements(image_size=384))
    assert plugin.checkpoint.image_size == 384
    assert plugin.checkpoint.image_tokens > 729  # the whole picture's, and its tiles'


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"auto_map": {"AutoModel": "x.Model"}}, r"code of the checkpoint's own \(auto_map\), which amrg never runs"),
        ({"model_type": "never_heard_of"}, "no class for model_type 'never_heard_of'"),
        ({"model_type": None}, "says no model_type"),
    ],
)
def test_a_configuration_that_makes_no_backbone_is_refused_with_what_to_do(
    change: dict[str, Any], says: str, tmp_path: Path
) -> None:
    folder = write_folder(FAMILIES["llava"], tmp_path / "model")
    values = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match=says):
        findings_of(in_folder("model", folder), Statements())


@pytest.mark.parametrize(
    ("model_type", "says"),
    [
        ("qwen2", "It is a language model without images. Choose a vision-language model"),
        ("florence2", "is an encoder-decoder"),
        ("bert", "no model of transformers that writes text for an image"),
        ("mllama", "doesn't give an image's features by themselves"),
        ("video_llama_3", r"can't be asked for the logits of a report alone \(logits_to_keep\)"),
    ],
)
def test_other_kinds_of_model_are_refused_by_kind(model_type: str, says: str, tmp_path: Path) -> None:
    folder = write_folder(FAMILIES["llava"], tmp_path / "model")
    AutoConfig.for_model(model_type).save_pretrained(folder)
    with pytest.raises(UserError, match=says):
        findings_of(in_folder("model", folder), Statements())


def test_a_checkpoint_without_a_chat_template_is_told_what_to_copy(tmp_path: Path) -> None:
    folder = write_folder(FAMILIES["llava"], tmp_path / "model")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match=r"no chat template in chat_template\.jinja.*Copy it from"):
        findings_of(in_folder("model", folder), Statements())


def test_a_template_for_text_alone_is_refused(tmp_path: Path) -> None:
    text = LLAVA.replace("{% if c['type'] == 'image' %}<image>\n{% else %}", "{% if c['type'] == 'text' %}")
    with pytest.raises(UserError, match="for text alone"):
        reading_of(replace(FAMILIES["llava"], template=text), tmp_path)


@pytest.mark.parametrize("missing", ["tokenizer.json", "processor_config.json"])
def test_files_that_are_missing_are_named(missing: str, tmp_path: Path) -> None:
    folder = write_folder(FAMILIES["llava"], tmp_path / "model")
    (folder / missing).unlink()
    with pytest.raises(UserError, match="Put the tokenizer's and the processor's files of this checkpoint there"):
        findings_of(in_folder("model", folder), Statements())


def test_a_folder_without_a_configuration_is_told_which_files_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json.*tokenizer\.json"):
        in_folder("model", tmp_path)


def test_a_hub_id_whose_files_arent_here_is_told_where_to_put_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"hf download nobody/nothing --include .*or put config\.json"):
        of_hub("nobody/nothing")


def test_a_hub_id_whose_files_are_in_the_cache_is_read_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0" * 40
    repository = tmp_path / "hub" / "models--owner--model"
    snapshot = repository / "snapshots" / commit
    shutil.copytree(write_folder(FAMILIES["llava"], tmp_path / "model"), snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    files = of_hub("owner/model")
    assert (files.folder, files.revision, files.has_weights) == (snapshot, commit, False)


def test_statements_are_read_from_a_command_line_and_unknown_ones_named() -> None:
    assert parse(["end_token=</s>", "image_size=448", "generation_prompt=\\nA:"]) == Statements(
        end_token="</s>", image_size=448, generation_prompt="\nA:"
    )
    with pytest.raises(UserError, match=r"unknown statement 'end_tokn'.*Did you mean 'end_token'"):
        parse(["end_tokn=x"])
    with pytest.raises(UserError, match="NAME=VALUE"):
        parse(["end_token"])
    with pytest.raises(UserError, match="number of pixels"):
        parse(["image_size=large"])


def test_hub_ids_are_told_from_names_and_paths() -> None:
    assert is_hub_id("Qwen/Qwen2-VL-2B-Instruct")
    assert not any(map(is_hub_id, ("medgemma-4b-it", "/data/model", "a/b/c", "../model", "")))
