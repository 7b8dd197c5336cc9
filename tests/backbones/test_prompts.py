"""Prompts, image placeholders and label masks.

On tokenizers made here with Qwen's and Mistral's special tokens, and on their own where AMRG_TOKENIZERS names them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sentencepieces import train

from backbones.base import IGNORED, Backbone
from backbones.contract import PROMPTS, REPORTS
from backbones.llava_med import LlavaMed
from backbones.made_after import miniature_of
from backbones.miniature import MiniatureSpec, train_tokenizer
from backbones.qwen3_vl import Qwen3VL4B
from backbones.qwen_vl import Qwen2_5VL7B
from backbones.registry import get
from benchmark.data.dmid import read
from benchmark.phantoms import reports as phantom_reports
from benchmark.phantoms.dialects import DIALECTS
from benchmark.phantoms.write import sample
from benchmark.suites.load import load_suite

PROMPT = load_suite("paper").protocol.prompt
LIMIT = load_suite("paper").protocol.max_new_tokens
BLANK = Image.new("RGB", (112, 112))


def with_tokenizer(plugin: type[Backbone], tokenizer: Any) -> Backbone:
    """The plugin with a real tokenizer on a tiny model."""
    from transformers import AutoModelForImageTextToText

    spec = miniature_of(plugin)
    processor = spec.processor(tokenizer)
    config = spec.config(tokenizer)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    return plugin(model, processor, source=Path(), fingerprint="")


@pytest.fixture(scope="module", params=["phantoms", "dmid"])
def reports(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "dmid":
        texts = [study.report for study in read(request.getfixturevalue("dmid"), reports_only=True).reports]
        assert len(texts) == 510
        return texts
    cases, dialects = sample(120, seed=3, size=64), DIALECTS
    return [phantom_reports.report(truth, dialects[truth.number % len(dialects)], seed=3) for truth, _ in cases]


@pytest.fixture(scope="module", params=["made here", "Qwen's own"])
def qwens_tokenizer(request: pytest.FixtureRequest) -> Callable[[MiniatureSpec], Any]:
    """Texts → plugin → tokenizer: Qwen's own, or one with its special tokens."""
    from transformers import AutoTokenizer

    if request.param == "made here":
        return lambda spec: train_tokenizer(spec, [*REPORTS, *PROMPTS, PROMPT])
    folder = request.getfixturevalue("tokenizers") / "qwen3"

    def published(spec: MiniatureSpec) -> Any:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.chat_template = spec.chat_template
        return tokenizer

    return published


@pytest.fixture(scope="module", params=[Qwen2_5VL7B, Qwen3VL4B], ids=["qwen2.5-vl", "qwen3-vl"])
def qwen(request: pytest.FixtureRequest, qwens_tokenizer: Callable[[MiniatureSpec], Any], one_thread: None) -> Backbone:
    return with_tokenizer(request.param, qwens_tokenizer(miniature_of(request.param)))


@pytest.fixture(scope="module", params=["made here", "Mistral's own"])
def mistrals_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tokenizer.model: Mistral's own, or one trained in its manner."""
    if request.param == "Mistral's own":
        return request.getfixturevalue("tokenizers") / "mistral"
    folder = tmp_path_factory.mktemp("mistral")
    (folder / "tokenizer.model").write_bytes(train())
    return folder


@pytest.fixture(scope="module")
def mistral(mistrals_folder: Path, one_thread: None) -> Backbone:
    from backbones.llava_med_conversion import read_tokenizer

    return with_tokenizer(LlavaMed, read_tokenizer(mistrals_folder))


def test_qwens_prompt_on_its_own_tokenizer(qwen: Backbone) -> None:
    ids = qwen.prompt_tokens(PROMPT)
    assert qwen.tokenizer.bos_token_id is None
    assert qwen.tokenizer.decode(ids) == (
        "<|im_start|>user\n<|vision_start|>" + "<|image_pad|>" * 16 + f"<|vision_end|>{PROMPT}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    # Every marker is one token, with Qwen's own tokenizer of the number that Qwen publishes.
    published = {
        "<|im_start|>": 151644, "<|im_end|>": 151645, "<|vision_start|>": 151652, "<|image_pad|>": 151655,
    }  # fmt: skip
    tokens = {name: qwen.tokenizer.convert_tokens_to_ids(name) for name in published}
    if len(qwen.tokenizer) > 150_000:
        assert tokens == published
    assert ids[0] == tokens["<|im_start|>"]
    start = ids.index(tokens["<|vision_start|>"])
    assert ids[start + 1 : start + 17] == [tokens["<|image_pad|>"]] * 16
    assert qwen.image_token == tokens["<|image_pad|>"]
    assert qwen.end == tokens["<|im_end|>"]
    assert qwen.image_tokens == 16


@pytest.fixture(scope="module")
def pieces(mistrals_folder: Path) -> Any:
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(mistrals_folder / "tokenizer.model"))


def test_mistrals_prompt_on_its_own_tokenizer(mistral: Backbone, pieces: Any) -> None:
    """As the original makes it: the texts before and after the image are encoded apart, each as a beginning."""
    ids = mistral.prompt_tokens(PROMPT)
    image = [mistral.image_token] * mistral.image_tokens
    assert ids == [1, *pieces.encode("[INST] "), *image, *pieces.encode(f"\n{PROMPT} [/INST]")]
    assert mistral.image_token == pieces.vocab_size()
    assert mistral.end == 2
    assert ids.count(1) == 1


def check_every_report(backbone: Backbone, reports: list[str]) -> None:
    prompt = backbone.prompt_tokens(PROMPT)
    longest = 0
    for start in range(0, len(reports), 102):
        part = reports[start : start + 102]
        text = backbone.encode_text([PROMPT] * len(part), part)
        rows = zip(*(text[name].tolist() for name in ("input_ids", "labels", "attention_mask")), part, strict=True)
        for ids, labels, seen, report in rows:
            learnt = [label for label in labels if label != IGNORED]
            assert backbone.decode(learnt[:-1]) == report
            assert learnt[-1] == backbone.end
            assert ids[: sum(seen)] == prompt + learnt
            assert labels == [IGNORED] * len(prompt) + learnt + [IGNORED] * (len(labels) - sum(seen))
            longest = max(longest, len(learnt))
    if len(reports) == 510 and len(backbone.tokenizer) >= 32_000:
        assert longest <= LIMIT, "the paper's suite can write the longest report of DMID"


def test_qwens_labels_are_the_report_and_its_end_for_every_report(qwen: Backbone, reports: list[str]) -> None:
    check_every_report(qwen, reports)


def test_mistrals_labels_are_the_report_and_its_end_for_every_report(mistral: Backbone, reports: list[str]) -> None:
    check_every_report(mistral, reports)


def test_qwens_prompt_and_report_apart_are_the_tokens_of_both_together(qwen: Backbone, reports: list[str]) -> None:
    """So training sees what the checkpoint saw, and generation starts where training did."""
    answer = "<|im_start|>assistant\n"
    for report in reports:
        together = qwen.tokenizer(f"{answer}{report}<|im_end|>")["input_ids"]
        assert together == qwen.tokenizer(answer)["input_ids"] + qwen.report_tokens(report)


def test_mistrals_prompt_and_report_are_sentencepieces_tokens(
    mistral: Backbone, reports: list[str], pieces: Any
) -> None:
    question = pieces.encode(f"{PROMPT} [/INST]")
    for report in reports:
        assert pieces.encode(f"{PROMPT} [/INST] {report}") == question + mistral.report_tokens(report)[:-1]


@given(st.text(st.sampled_from("ab. \n•é½"), max_size=40))
def test_mistrals_tokens_of_any_text_are_sentencepieces(mistral: Backbone, pieces: Any, text: str) -> None:
    text = text.lstrip(" ")  # no report begins with a space
    assert mistral.tokenizer(text, add_special_tokens=False)["input_ids"] == pieces.encode(text)


def test_gemmas_turns(miniature: Callable[[str], Path]) -> None:
    """Gemma 3's turn format, its image between markers, and token types, as transformers' own processor has them."""
    backbone = get("medgemma-4b-it").load(miniature("medgemma-4b-it"))
    ids = backbone.prompt_tokens(PROMPTS[0])
    image = "<start_of_image>" + "<image_soft_token>" * 16 + "<end_of_image>"
    assert backbone.tokenizer.decode(ids) == (
        f"<bos><start_of_turn>user\n\n\n{image}\n\n{PROMPTS[0]}<end_of_turn>\n<start_of_turn>model\n"
    )
    theirs = backbone.processor(
        images=[[BLANK]],
        text=[backbone.prompt_text(PROMPTS[0]) + REPORTS[1] + "<end_of_turn>"],
        add_special_tokens=False,
        return_mm_token_type_ids=True,
    )
    ours = backbone.encode_text([PROMPTS[0]], [REPORTS[1]])
    assert ours["input_ids"].tolist() == [list(theirs["input_ids"][0])]
    types = theirs.get("token_type_ids", theirs.get("mm_token_type_ids"))
    assert ours["token_type_ids"].tolist() == [list(types[0])]


def test_paligemmas_prefix_and_suffix(miniature: Callable[[str], Path]) -> None:
    """Against transformers' own `suffix=`: ids, labels and the mask of the prefix."""
    backbone = get("paligemma2-3b").load(miniature("paligemma2-3b"))
    theirs = backbone.processor(images=[BLANK], text=[f"<image>{PROMPTS[0]}"], suffix=[REPORTS[1]], return_tensors="pt")
    ours = backbone.encode_text([PROMPTS[0]], [REPORTS[1]])
    assert ours["input_ids"].tolist() == theirs["input_ids"].tolist()
    assert ours["labels"].tolist() == theirs["labels"].tolist()
    assert ours["token_type_ids"].tolist() == theirs["token_type_ids"].tolist()
    ids = ours["input_ids"][0].tolist()
    prefix = "<image>" * backbone.image_tokens + f"<bos>{PROMPTS[0]}\n"
    assert backbone.tokenizer.decode(ids[: len(backbone.prompt_tokens(PROMPTS[0]))]) == prefix
    assert ids[-1] == backbone.tokenizer.eos_token_id
    assert ids.count(backbone.tokenizer.bos_token_id) == 1


def test_paligemmas_prefix_attends_both_ways_and_its_suffix_only_back(miniature: Callable[[str], Path]) -> None:
    """Changing the prompt's last word changes the first position's state; changing the report's last does not."""
    backbone = get("paligemma2-3b").load(miniature("paligemma2-3b"))
    features = backbone.encode_images([np.zeros((112, 112), np.uint8)])

    def states(prompt: str, report: str) -> torch.Tensor:
        text = backbone.encode_text([prompt], [report])
        with torch.no_grad():
            return backbone.model.train().forward(**backbone.model_inputs(text, features)).logits[0]

    base = states("Write it now", "A mass here")
    assert not torch.allclose(base[0], states("Write it then", "A mass here")[0])
    assert torch.allclose(base[0], states("Write it now", "A mass there")[0])


def test_smolvlms_turns(miniature: Callable[[str], Path]) -> None:
    backbone = get("smolvlm-2.2b").load(miniature("smolvlm-2.2b"))
    image = "<fake_token_around_image><global-img>" + "<image>" * 16 + "<fake_token_around_image>"
    expected = f"<|im_start|>User:{image}{PROMPTS[0]}<end_of_utterance>\nAssistant:"
    assert backbone.tokenizer.decode(backbone.prompt_tokens(PROMPTS[0])) == expected
    together = backbone.tokenizer(f"Assistant: {REPORTS[1]}<end_of_utterance>", add_special_tokens=False)["input_ids"]
    assert together[-len(backbone.report_tokens(REPORTS[1])) :] == backbone.report_tokens(REPORTS[1])


def test_mistrals_tokenizer_is_the_same_once_saved_and_loaded(
    mistral: Backbone, reports: list[str], tmp_path: Path
) -> None:
    """As the converted checkpoint has it."""
    from transformers import LlavaProcessor

    mistral.processor.save_pretrained(tmp_path)
    reloaded = LlavaProcessor.from_pretrained(tmp_path).tokenizer
    assert (
        reloaded(reports, add_special_tokens=False)["input_ids"]
        == (mistral.tokenizer(reports, add_special_tokens=False)["input_ids"])
    )
    prompt = mistral.prompt_text(PROMPT)
    assert reloaded.tokenize(prompt) == mistral.tokenizer.tokenize(prompt)
