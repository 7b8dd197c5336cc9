"""The contract that every plugin keeps, checked on its miniature: what training and generation rely on.

The clauses here ask the backbone alone. This room knows nothing of the benchmark, so what it takes a sweep's functions
to try (training, saving, writing) is in `benchmark.tuning.contract`, whose clauses are tried after these.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import BatchEncoding

from backbones.base import IGNORED, Backbone
from backbones.coverage import coverage
from backbones.errors import UserError
from backbones.miniature import SIDE
from backbones.miniature_checkpoint import write_miniature
from backbones.pretraining import Example, Recipe
from backbones.quantization import decoder_widths, misfit
from backbones.roles import decoder_of
from backbones.structure import build

PROMPTS = ("Write the radiology report of this mammogram.", "Write the report.")
REPORTS = (
    "Breast Composition: scattered fibroglandular tissue (ACR B).\nBIRADS: 4b\nFindings: a spiculated mass.",
    "BREAST COMPOSITION: almost entirely fatty (ACR A). FINDINGS: skin and nipple appear normal. BIRADS: 1",
    "A round mass in the upper outer quadrant, 12 mm; 50% of it is calcified.",
)
TOLERANCE = 1e-4
"""Greatest difference of two logits that count as equal, in 32-bit numbers."""
WORDS = 12
"""Tokens written where two texts are compared."""


BUILT = "its miniature is built, and its own load reads it"
"""The sentence of the clause that all others need."""


LEARNS_OTHERWISE = (
    "a family that can't learn from embeddings states `learns_as_generating` (backbones/beside.py), or has "
    "`training_inputs` return `model_inputs`"
)


class Broken(Exception):
    """A clause of the contract that a plugin breaks; the message says how."""


@dataclass(frozen=True)
class Clause:
    """How a clause came out: its sentence, and why it is broken, or None."""

    sentence: str
    reason: str | None

    @property
    def kept(self) -> bool:
        """Whether the plugin keeps it."""
        return self.reason is None


@dataclass(frozen=True)
class Subject:
    """A miniature and what it is tried on."""

    backbone: Backbone
    images: Sequence[np.ndarray]
    features: Sequence[Tensor]


def examples(count: int = 24) -> list[Example]:
    """Draw noise with a bright square, and make toy reports: enough to build a miniature."""
    random = np.random.default_rng(0)
    drawn = []
    for number in range(count):
        image = random.integers(0, 80, (SIDE, SIDE)).astype(np.uint8)
        place = number % 2
        x = 16 + 56 * place
        image[40:64, x : x + 24] = 220
        drawn.append(
            Example(
                image=image,
                reports=(REPORTS[number % len(REPORTS)],),
                labels={"side": place},
                regions=((1, (x + 12) / SIDE, 52 / SIDE, 12 / SIDE),),
            )
        )
    return drawn


@contextmanager
def miniature(plugin: type[Backbone]) -> Iterator[Path]:
    """Yield a folder with a barely trained miniature of the plugin."""
    with tempfile.TemporaryDirectory(prefix="amrg-check-") as folder:
        yield written_miniature(plugin, Path(folder))


def written_miniature(plugin: type[Backbone], folder: Path) -> Path:
    """Return a barely trained miniature of the plugin, in a new folder within `folder`."""
    recipe = Recipe(vision_steps=2, language_steps=2)
    return write_miniature(plugin, folder / "miniature", examples(), prompt=PROMPTS[0], recipe=recipe)


def subject_of(plugin: type[Backbone], folder: Path) -> Subject:
    """Return what the clauses are tried on: the plugin's own miniature, loaded by its own `load`."""
    backbone = plugin.load(folder)
    images = [example.image for example in examples(3)]
    return Subject(backbone, images, backbone.encode_images(images))


def check(plugin: type[Backbone], further: Sequence["Check"] = ()) -> Iterator[Clause]:
    """Yield each clause as it comes out.

    Args:
        plugin: the plugin's class.
        further: clauses of the caller's own, tried after these.
    """
    try:
        with miniature(plugin) as folder:
            subject = subject_of(plugin, folder)
            yield Clause(BUILT, None)
            for clause in (*CLAUSES, *further):
                yield outcome(clause, subject)
    except UserError as error:
        yield Clause(BUILT, str(error))
    except Exception as error:  # a plugin may raise anything; its author needs the reason, not our traceback
        yield Clause(BUILT, f"{type(error).__name__}: {error}")


Check = Callable[[Subject], None]


def sentence_of(clause: Check) -> str:
    """Return a clause's sentence: its docstring, in one line."""
    return " ".join((clause.__doc__ or clause.__name__).split()).rstrip(".")


def outcome(clause: Check, subject: Subject) -> Clause:
    """Return how a clause comes out; a plugin may raise anything, which is a reason like others."""
    sentence = sentence_of(clause)
    try:
        clause(subject)
    except Broken as error:
        return Clause(sentence, str(error))
    except Exception as error:
        return Clause(sentence, f"{type(error).__name__}: {error}")
    return Clause(sentence, None)


def label_mask(subject: Subject) -> None:
    """the label mask covers the report and its end token, and nothing else."""
    backbone = subject.backbone
    text = backbone.encode_text([PROMPTS[0]] * len(REPORTS), REPORTS)
    for row, report in enumerate(REPORTS):
        ids, labels, seen = (text[name][row] for name in ("input_ids", "labels", "attention_mask"))
        learnt = labels != IGNORED
        if not torch.equal(ids[learnt], labels[learnt]):
            raise Broken("labels are other tokens than the inputs at their places")
        if (learnt & (seen == 0)).any() or (learnt & (ids == backbone.image_token)).any():
            raise Broken("padding or image tokens are among the labels")
        tokens = ids[learnt].tolist()
        if not tokens or tokens[-1] != backbone.end:
            raise Broken(f"the labels don't end with the end token {backbone.end_token!r}")
        if backbone.decode(tokens[:-1]) != report:
            raise Broken(f"the labels read {backbone.decode(tokens[:-1])!r} for the report {report!r}")
        start = int(learnt.nonzero()[0])
        if ids[:start].tolist() != backbone.prompt_tokens(PROMPTS[0]):
            raise Broken("what comes before the labels is another prompt than generation starts from")


def one_beginning(subject: Subject) -> None:
    """a prompt has one beginning token, or none where the tokenizer knows none."""
    begin = subject.backbone.tokenizer.bos_token_id
    ids = subject.backbone.prompt_tokens(PROMPTS[0])
    if begin is not None and ids.count(begin) != 1:
        token = subject.backbone.tokenizer.bos_token
        raise Broken(
            f"{ids.count(begin)} beginning tokens in {ids[:6]} …: `prompt_text` has to put {token!r} there once, as "
            "the tokenizer doesn't. A model that was trained without has `bos_token` None: see `load_processor`"
        )


def image_tokens_survive(subject: Subject) -> None:
    """image tokens survive truncation: only the report is ever cut."""
    backbone = subject.backbone
    prompt = backbone.prompt_tokens(PROMPTS[0])
    expected = prompt.count(backbone.image_token)
    if expected != len(subject.features[0]):
        raise Broken(f"{expected} image tokens in the prompt for {len(subject.features[0])} features")
    cut = backbone.encode_text([PROMPTS[0]], [REPORTS[0]], max_length=len(prompt) + 2)["input_ids"][0].tolist()
    if cut[: len(prompt)] != prompt or len(cut) != len(prompt) + 2:
        raise Broken(f"cut to {len(prompt) + 2} tokens, the prompt changes")
    try:
        backbone.encode_text([PROMPTS[0]], [REPORTS[0]], max_length=len(prompt))
    except UserError:
        return
    raise Broken("a limit that leaves no room for the report is not refused")


@torch.inference_mode()
def cached_as_pixels(subject: Subject) -> None:
    """cached image features give the logits that pixels give, and another image gives others."""
    backbone = subject.backbone
    text, pixels = _by_pixels(subject)
    cached = backbone.model(**backbone.model_inputs(text, subject.features)).logits
    if (difference := float((cached - pixels).abs().max())) > TOLERANCE:
        raise Broken(f"logits differ by {difference:.2g}")
    other = backbone.model(**backbone.model_inputs(text, subject.features[::-1])).logits
    if float((cached[0] - other[0]).abs().max()) < TOLERANCE:
        raise Broken("the logits don't change with the image: the model is blind (a projector of zeros?)")
    unlabelled = {n: v for n, v in backbone.model_inputs(text, subject.features).items() if n != "labels"}
    last_logits = backbone.model(**unlabelled, logits_to_keep=5).logits
    if last_logits.shape[1] != 5 or float((last_logits - cached[:, -5:]).abs().max()) > TOLERANCE:
        raise Broken("`logits_to_keep` is ignored or changes the logits")


@torch.inference_mode()
def trained_as_pixels(subject: Subject) -> None:
    """what a training step is given makes the logits that pixels make."""
    backbone = subject.backbone
    text, pixels = _by_pixels(subject)
    inputs = backbone.training_inputs(backbone.training_text(PROMPTS[0], REPORTS), torch.cat(list(subject.features)))
    labels = inputs.pop("labels")
    if not torch.equal(labels, text["labels"]):
        raise Broken("`training_text` has other labels than `encode_text`")
    try:
        learned = backbone.model(**inputs).logits
    except Exception as error:  # a model says in its own words what it lacks
        raise Broken(f"{type(error).__name__}: {error}; {LEARNS_OTHERWISE}") from error
    seen = text["attention_mask"].bool()
    if (difference := float((learned - pixels)[seen].abs().max())) > TOLERANCE:
        raise Broken(f"logits differ by {difference:.2g}; {LEARNS_OTHERWISE}")


def left_padding(subject: Subject) -> None:
    """prompts are padded on the left for generation, and padding changes no text."""
    backbone = subject.backbone
    text = backbone.encode_text(PROMPTS)
    if not bool((text["attention_mask"][:, -1] == 1).all()):
        raise Broken("a prompt ends with padding")
    together = _write(backbone, PROMPTS, subject.features[:2])
    alone = [_write(backbone, [p], [f])[0] for p, f in zip(PROMPTS, subject.features, strict=False)]
    if together != alone:
        raise Broken("a text written in a batch of prompts of different lengths differs from the same written alone")


@torch.inference_mode()
def targets_in_the_decoder(subject: Subject) -> None:
    """adapters go into the decoder only: no targeted module sees an image, each sees the text."""
    backbone = subject.backbone
    targets = backbone.targets()
    modules = {n: m for n, m in backbone.model.named_modules() if re.fullmatch(targets, n)}
    if not modules:
        raise Broken(f"no module matches {targets}")
    seen: set[str] = set()
    hooks = [m.register_forward_hook(lambda *_, name=n: seen.add(name)) for n, m in modules.items()]
    try:
        backbone.encode_images(subject.images)
        if seen:
            raise Broken(f"{len(seen)} targeted modules encode images, such as {min(seen)}")
        text = backbone.encode_text([PROMPTS[0]] * 3, REPORTS)
        backbone.model(**backbone.model_inputs(text, subject.features))
        if unused := sorted(modules.keys() - seen):
            raise Broken(f"{len(unused)} targeted modules see no text, such as {unused[0]}")
    finally:
        for hook in hooks:
            hook.remove()


def covers_the_decoder(subject: Subject) -> None:
    """adapters reach as much of the decoder's linear weights as the plugin states, and nothing outside it."""
    plugin = type(subject.backbone)
    published = plugin.full_configuration()
    for what, model in (
        ("the miniature's", subject.backbone.model),
        ("the published checkpoint's", None if published is None else build(published)),
    ):
        if model is None:
            continue
        reached, decoder = coverage(plugin, model), f"{decoder_of(model, plugin.decoder)[0]}."
        modules = [name for name, _ in model.named_modules() if re.fullmatch(reached.expression, name)]
        if outside := [name for name in modules if not name.startswith(decoder)]:
            raise Broken(f"{len(outside)} of {what} targeted modules are outside its decoder, such as {outside[0]}")
        if reached.share < plugin.coverage:
            lost = "; ".join(f"{left.example} and {left.layers - 1} more: {left.reason}" for left in reached.left_out)
            raise Broken(
                f"{reached.share:.1%} of {what} decoder gets adapters, where {plugin.coverage:.0%} has to. Without: "
                f"{lost}. State a smaller `coverage` in the plugin where that is meant"
            )


def one_end(subject: Subject) -> None:
    """what a report spells like an end or image token is learnt as text, or is refused by name."""
    backbone = subject.backbone
    for special in (backbone.end_token, str(backbone.tokenizer.convert_ids_to_tokens(backbone.image_token))):
        report = f"No mass. {special} No calcification."
        try:
            tokens = backbone.report_tokens(report)
        except UserError:
            continue
        if not tokens or tokens[-1] != backbone.end:
            raise Broken(f"a report doesn't end with the end token {backbone.end_token!r}")
        if {backbone.end, backbone.image_token} & set(tokens[:-1]):
            raise Broken(f"{special!r} inside a report becomes a special token: an end, or an image to show")
        if backbone.decode(tokens[:-1]) != report:
            raise Broken(f"a report that spells {special!r} is learnt as {backbone.decode(tokens[:-1])!r}")


def padded_by_the_end(subject: Subject) -> None:
    """where a tokenizer pads with the end token, the end is learnt all the same, once a report."""
    backbone = subject.backbone
    pad = backbone.tokenizer.pad_token
    backbone.tokenizer.pad_token = backbone.end_token
    try:
        text = backbone.encode_text([PROMPTS[0]] * len(REPORTS), REPORTS)
        if backbone.padding != backbone.end:
            raise Broken(f"padding is token {backbone.padding}, though the tokenizer pads with {backbone.end_token!r}")
        for row, report in enumerate(REPORTS):
            learnt = text["labels"][row][text["labels"][row] != IGNORED].tolist()
            if learnt != backbone.report_tokens(report):
                raise Broken(
                    f"{learnt.count(backbone.end)} end tokens are learnt for a report, instead of one. Labels have to"
                    " be told by place, not by which token pads"
                )
    finally:
        backbone.tokenizer.pad_token = pad


def fits_four_bits(subject: Subject) -> None:
    """its decoder's projections can be held in 4 bits on every machine, the miniature's and the published ones."""
    plugin = type(subject.backbone)
    published = plugin.full_configuration()
    for what, model in (
        ("the miniature's", subject.backbone.model),
        ("the published checkpoint's", None if published is None else build(published)),
    ):
        if model is not None and (wrong := misfit(decoder_widths(model, plugin.decoder))):
            raise Broken(f"{what} {wrong}")


def _by_pixels(subject: Subject) -> tuple[BatchEncoding, Tensor]:
    """Return reports behind one prompt, and the model's logits for them when it sees the images themselves."""
    backbone = subject.backbone
    text = backbone.encode_text([PROMPTS[0]] * len(subject.images), REPORTS)
    return text, backbone.model(**text, **backbone.feature_inputs(subject.images)).logits


@torch.inference_mode()
def _write(backbone: Backbone, prompts: Sequence[str], features: Sequence[Tensor]) -> list[list[int]]:
    """Return token ids that follow each prompt, up to the end token.

    Not by the benchmark's `greedy`, which is out of reach from here and has one prompt for all images, so that its
    rows are of one length and nothing is padded.
    """
    text = backbone.encode_text(prompts)
    generate: Any = backbone.model.generate
    tokens = generate(
        **backbone.model_inputs(text, features),
        max_new_tokens=WORDS,
        do_sample=False,
        eos_token_id=backbone.end,
        pad_token_id=backbone.padding,
    )
    rows = tokens[:, text["input_ids"].shape[1] :].tolist()
    return [row[: row.index(backbone.end)] if backbone.end in row else row for row in rows]


CLAUSES: tuple[Check, ...] = (
    label_mask,
    one_beginning,
    image_tokens_survive,
    cached_as_pixels,
    trained_as_pixels,
    left_padding,
    targets_in_the_decoder,
    covers_the_decoder,
    one_end,
    padded_by_the_end,
    fits_four_bits,
)
