"""A checkpoint's prompt and the end of its answers, read off its own chat template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backbones.errors import UserError, first_line
from backbones.published_files import PublishedFiles
from backbones.statements import Finding, Question, Statements
from backbones.texts import TEMPLATES, special_ids

PROMPT, ANSWER = "PROMPT", "ANSWER"
"""Words that stand in for a prompt and a report, and that no template spells."""
THINKING = {"enable_thinking": False}
"""By which newer templates are asked for an answer without thoughts before it."""
THOUGHT = ("<think>", "</think>")


@dataclass(frozen=True)
class Prompting:
    """How a checkpoint is asked, and how its answers begin and end.

    Attributes:
        name: of the checkpoint, for messages.
        beginning: put before the template's text: the beginning token, where its tokenizer would put it.
        generation_prompt: put behind the template's text, where the template has no such part.
        arguments: that the template is given.
        report_start: what stands between the prompt and a report.
        end_token: that ends a report; None where it isn't known.
        begins: whether prompts have the tokenizer's beginning token.
        is_complete: whether a prompt can be made.
    """

    name: str
    beginning: str = ""
    generation_prompt: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    report_start: str = ""
    end_token: str | None = None
    begins: bool = True
    is_complete: bool = True

    def fill(self, processor: Any, prompt: str) -> str:
        """Return a prompt behind one image as a user's turn, and the beginning of the answer.

        Raises:
            UserError: the template can't be filled in, or puts no image in.
        """
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = _filled(processor, self.name, [{"role": "user", "content": content}], True, self.arguments)
        words = _filled(processor, self.name, [{"role": "user", "content": content[1:]}], True, self.arguments)
        if text == words:
            raise UserError(
                f"{self.name}: its chat template is for text alone: it puts no image into a turn. Copy the template of "
                "the checkpoint that it was tuned from."
            )
        return self.beginning + text + self.generation_prompt


def read_prompting(
    files: PublishedFiles, processor: Any, statements: Statements, image_token: int
) -> tuple[Prompting, list[Finding], list[Question]]:
    """Return how a checkpoint is asked, where that was found, and what has to be stated.

    Raises:
        UserError: it has no chat template, or one that can't be used.
    """
    name, tokenizer = files.name, processor.tokenizer
    if not getattr(processor, "chat_template", None):
        raise UserError(
            f"{name}: there is no chat template in {', '.join(TEMPLATES)} of {files.folder}. Copy it from the "
            "checkpoint that this one was tuned from; a model without one, such as PaliGemma, needs a plugin."
        )
    found: list[Finding] = []
    questions: list[Question] = []
    turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]}]
    asked, arguments = _asked(processor, name, turn)
    if arguments:
        found.append(Finding("template", "asked for answers without thoughts (enable_thinking)", "chat template"))
    beginning, begins, where = _beginning(tokenizer, asked)
    found += [where] if where else []
    begun = _filled(processor, name, turn, False, arguments) != asked
    answer = _answer(processor, name, turn, asked, arguments)
    generation, start, how = _generation_prompt(tokenizer, answer, begun, statements)
    if generation is None:
        questions.append(
            Question(
                "generation prompt",
                "generation_prompt",
                (),
                "its chat template has none, so nothing tells a report from the user's turn",
            )
        )
    elif not begun:
        found.append(Finding("generation prompt", repr(generation), how))
    if statements.report_start is not None:
        start, how = statements.report_start, "stated"
    found.append(Finding("prompt", repr(beginning + asked + (generation or "")), "chat template"))
    found.append(Finding("report begins with", repr(start), how))
    end, source, question = _end_token(files, tokenizer, answer.after, statements)
    found += [Finding("end token", end, source)] if end else []
    questions += [question] if question else []
    found.append(_padding(tokenizer, end))
    spelt = tokenizer.convert_ids_to_tokens(image_token)
    if spelt is None:
        raise UserError(
            f"{name}: config.json's image token has the id {image_token}, which its tokenizer doesn't know. "
            "The tokenizer is another checkpoint's."
        )
    found.append(Finding("image placeholder", f"{spelt} ({image_token})", "config.json, and the tokenizer"))
    complete = generation is not None
    prompting = Prompting(name, beginning, generation or "", arguments, start, end, begins, complete)
    return prompting, found, questions


def unasked(processor: Any, name: str) -> str:
    """Return what a template without a generation prompt writes before a finished answer; nothing for others.

    Raises:
        UserError: it can't be filled in.
    """
    turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]}]
    asked = _filled(processor, name, turn, True, {})
    if _filled(processor, name, turn, False, {}) != asked:
        return ""
    return (_answer(processor, name, turn, asked, {}).before or "").rstrip(" ")


def _filled(processor: Any, name: str, turns: list[dict[str, Any]], generation: bool, arguments: Any) -> str:
    from jinja2 import TemplateError

    try:
        return str(processor.apply_chat_template(turns, add_generation_prompt=generation, tokenize=False, **arguments))
    except (TemplateError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise UserError(
            f"{name}: its chat template can't be filled in ({type(error).__name__}: {first_line(error)}). Copy it from "
            "the checkpoint that this one was tuned from."
        ) from error


def _asked(processor: Any, name: str, turn: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Return the prompt, and what the template is given to leave thoughts out, where it would begin some."""
    plain = _filled(processor, name, turn, True, {})
    if not any(argument in str(processor.chat_template) for argument in THINKING):
        return plain, {}
    without = _filled(processor, name, turn, True, THINKING)
    return (without, THINKING) if without != plain else (plain, {})


def _beginning(tokenizer: Any, asked: str) -> tuple[str, bool, Finding | None]:
    """Return what has to stand before a prompt, and whether prompts have the tokenizer's beginning token at all."""
    token = tokenizer.bos_token
    if token is None:
        return "", False, None
    adds = list(tokenizer("a")["input_ids"])[:1] == [tokenizer.bos_token_id]
    count = asked.count(token)
    if count == 1:
        return "", True, Finding("beginning token", token, "chat template")
    if count == 0 and adds:
        return token, True, Finding("beginning token", token, "the tokenizer puts it before a text")
    why = "prompts have none" if count == 0 else f"it begins {count} turns, and no text"
    return "", False, Finding("beginning token", "none", f"{token} is the tokenizer's, but {why}")


@dataclass(frozen=True)
class Answer:
    """A finished answer as a template writes it.

    Attributes:
        before: what stands between the prompt and it; None where the prompt stands otherwise before a finished one.
        after: what stands behind it.
    """

    before: str | None
    after: str


def _answer(processor: Any, name: str, turn: list[dict[str, Any]], asked: str, arguments: Any) -> Answer:
    for content in ([{"type": "text", "text": ANSWER}], ANSWER):
        try:
            text = _filled(processor, name, [*turn, {"role": "assistant", "content": content}], False, arguments)
        except UserError:
            continue
        if ANSWER in text and "'type'" not in text:
            before, _, after = text.rpartition(ANSWER)
            return Answer(before[len(asked) :] if before.startswith(asked) else None, after)
    return Answer(None, "")


def _generation_prompt(
    tokenizer: Any, answer: Answer, begun: bool, statements: Statements
) -> tuple[str | None, str, str]:
    """Return what has to be put behind the template's text, what begins a report, and where that was found.

    A template without a generation prompt still writes finished answers: what it puts before one that isn't blank is
    the prompt's end.
    """
    if statements.generation_prompt is not None:
        stated = statements.generation_prompt
        before = answer.before or ""
        return stated, before.removeprefix(stated) if before.startswith(stated) else "", "stated"
    if begun:
        told = "chat template" + (
            ", whose finished answers begin otherwise than it asks" if answer.before is None else ""
        )
        return "", answer.before or "", told
    if answer.before is None:
        return None, "", ""
    stripped = answer.before.rstrip(" ")
    return stripped, answer.before[len(stripped) :], "what the chat template writes before a finished answer"


def _end_token(
    files: PublishedFiles, tokenizer: Any, after: str, statements: Statements
) -> tuple[str | None, str, Question | None]:
    """Return the token that ends an answer and where that was found, or what to ask."""
    if statements.end_token is not None:
        if statements.end_token not in tokenizer.get_vocab():
            raise UserError(f"{files.name}: end_token {statements.end_token!r} is stated, which its tokenizer lacks.")
        return statements.end_token, "stated", None
    added = {token.content for token in tokenizer.added_tokens_decoder.values()}
    added |= set(tokenizer.convert_ids_to_tokens(sorted(special_ids(tokenizer))))
    following = after.lstrip()
    by_template = max((token for token in added if token and following.startswith(token)), key=len, default=None)
    stops = _stops(files, tokenizer)
    every = list(dict.fromkeys([*([by_template] if by_template else []), *(t for s in stops.values() for t in s)]))
    for source, tokens in stops.items():
        if by_template in tokens:
            return by_template, f"chat template and {source} agree", None
        if source == "generation_config.json":
            break  # it is what generation stops at: where it says otherwise than the template, neither is believed
    if by_template is None and len(every) == 1:
        return every[0], f"{', '.join(stops)}; the template ends answers with no token", None
    why = "its chat template and its files don't agree" if by_template else "its chat template ends answers with none"
    return None, "", Question("end token", "end_token", every, why)


def _stops(files: PublishedFiles, tokenizer: Any) -> dict[str, Sequence[str]]:
    """Return the tokens that end a text by each file that says any."""
    config = files.read("config.json")
    text = config.get("text_config") or {}
    stated = {
        "generation_config.json": files.read("generation_config.json").get("eos_token_id"),
        "config.json": config.get("eos_token_id", text.get("eos_token_id")),
        "the tokenizer": tokenizer.eos_token_id,
    }
    stops: dict[str, Sequence[str]] = {}
    for source, ids in stated.items():
        listed = ids if isinstance(ids, list) else [ids]
        tokens = [tokenizer.convert_ids_to_tokens(i) for i in listed if isinstance(i, int)]
        if named := [token for token in tokens if token is not None]:
            stops[source] = named
    return stops


def _padding(tokenizer: Any, end: str | None) -> Finding:
    if tokenizer.pad_token is None or tokenizer.pad_token == end:
        why = "labels go by place, so it is learned where it ends a report and nowhere else"
        return Finding("padding", "the end token", f"the tokenizer has no other; {why}")
    return Finding("padding", tokenizer.pad_token, "the tokenizer")
