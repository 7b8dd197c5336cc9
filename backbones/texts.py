"""Texts that meet a tokenizer: what a report or a prompt spells like a special token, and chat templates."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones.errors import UserError

if TYPE_CHECKING:
    from transformers.processing_utils import ProcessorMixin

TEMPLATES = ("chat_template.jinja", "chat_template.json", "processor_config.json", "tokenizer_config.json")
"""Files that may hold a checkpoint's chat template."""


def special_ids(tokenizer: Any) -> set[int]:
    """Return the ids of a tokenizer's special tokens: its named ones, and added ones that are marked as special."""
    added = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    return added | {int(i) for i in tokenizer.all_special_ids if i is not None}


def plain_tokens(tokenizer: Any, text: str, special: Collection[int]) -> list[int] | None:
    """Return the ids of a text in which nothing is a special token, whatever it spells; None where that can't be.

    A token that is special in a model's eyes may be none in its tokenizer's, or be put together by its merges; the text
    is then cut within what it spells, and its parts are tokenised one by one.

    Args:
        tokenizer: of the checkpoint.
        text: a report.
        special: ids that may not come about.
    """
    ids = _split(tokenizer, text)
    if not set(special).intersection(ids):
        return ids
    spelt = sorted({tokenizer.convert_ids_to_tokens(i) for i in set(special).intersection(ids)}, key=len, reverse=True)
    parts = [text]
    for token in spelt:
        parts = [part for one in parts for part in _cut(one, token)]
    ids = [
        i
        for index, part in enumerate(parts)
        for i in (_split(tokenizer, part) if index == 0 else _rest(tokenizer, part))
    ]
    return None if set(special).intersection(ids) else ids


def spelt_in_prompt(spelt: Sequence[str]) -> str:
    """Return why a prompt is refused that spells special tokens."""
    listed = ", ".join(map(repr, spelt))
    return (
        f"the prompt spells {listed}, by which the model tells images and turns from text. Leave it out: the image and "
        "the markers of the turn are put in by themselves."
    )


def use_tokenizers_template(processor: "ProcessorMixin") -> None:
    """Give a processor without a chat template its tokenizer's, with which training tools often save it alone."""
    tokenizer: Any = getattr(processor, "tokenizer", None)
    if not getattr(processor, "chat_template", None) and getattr(tokenizer, "chat_template", None):
        processor.chat_template = tokenizer.chat_template


def fill_template(processor: "ProcessorMixin", turns: list[dict[str, Any]], source: Path, *, name: str) -> str:
    """Return turns by a processor's chat template.

    Args:
        processor: with a chat template.
        turns: role and content of each.
        source: the checkpoint's folder, for messages.
        name: the plugin's.

    Raises:
        UserError: there is no template, or it can't be filled in.
    """
    from jinja2 import TemplateError

    if not getattr(processor, "chat_template", None):
        raise UserError(
            f"{source}: {name}'s prompt needs the checkpoint's chat template, and there is none in "
            f"{', '.join(TEMPLATES)}. Copy it from the checkpoint that this one was tuned from."
        )
    words = [turn | {"content": [part for part in turn["content"] if part["type"] == "text"]} for turn in turns]
    try:
        filled, without_image = (
            str(processor.apply_chat_template(one, add_generation_prompt=True, tokenize=False))
            for one in (turns, words)
        )
    except (TemplateError, TypeError, KeyError, ValueError) as error:
        told = str(error).strip().split("\n")[0]
        raise UserError(
            f"{source}: {name}'s chat template can't be filled in ({type(error).__name__}: {told}). "
            "Copy it from the checkpoint that this one was tuned from."
        ) from error
    if filled == without_image:
        raise UserError(
            f"{source}: {name}'s chat template is for text alone: it puts no image into a turn. "
            "Copy it from the checkpoint that this one was tuned from."
        )
    return filled


def _split(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def _rest(tokenizer: Any, text: str) -> list[int]:
    """Return the ids of a text that goes on within a word: without the blank that a tokenizer puts before a text."""
    before = _split(tokenizer, "<")
    whole = _split(tokenizer, f"<{text}")
    return whole[len(before) :] if whole[: len(before)] == before else _split(tokenizer, text)


def _cut(text: str, token: str) -> list[str]:
    """Return a text cut after the first letter of each place where it spells a token."""
    if not text or len(token) < 2:
        return [text]
    pieces = text.split(token)
    parts = [pieces[0] + token[0]]
    for piece in pieces[1:-1]:
        parts.append(token[1:] + piece + token[0])
    return [*parts, token[1:] + pieces[-1]] if len(pieces) > 1 else [text]
