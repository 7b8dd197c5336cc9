"""What a leaderboard says in sentences: what its numbers are of, and what they show."""

from collections.abc import Sequence

from benchmark.board.format import decimal, percent, several, with_interval
from benchmark.board.model import SIGNIFICANT, Board, Checkpoint, Choice, Row
from benchmark.forms.record import DataRecord
from benchmark.forms.suite import Protocol
from benchmark.pages import untuned
from benchmark.pages.rates import rates_sentences
from metrics.registry import METRICS
from metrics.statistics.least_blocks import blocks_needed

FIELDS = {
    "birads": "BI-RADS category", "density": "density letter", "findings": "all findings asserted",
    "denied": "all findings denied", "laterality": "sides", "quadrant": "quadrants and regions",
}  # fmt: skip
"""Fields of reports, for readers."""
ENOUGH_SEEDS = 3
"""Seeds of a setting from which the spread between them is known well enough to compare settings."""
NOT_A_DEVICE = "Research software, not a medical device: no report here may be used to care for a patient."
SHUFFLED = (
    "A test of the grounding controls, not of backbones: in training each report stood with another patient's image, "
    "so nothing could be learned of images."
)


def nature(board: Board) -> str:
    """Return the first sentence: what was compared on what, never more than it is."""
    return nature_of(board.data, board.checkpoints, board.suite.protocol, evaluated=len(board.evaluated))


def nature_of(data: DataRecord, checkpoints: Sequence[Checkpoint], protocol: Protocol, *, evaluated: int = 0) -> str:
    """Return what was compared on what, never more than it is.

    Args:
        data: as a suite's record has it.
        checkpoints: of its backbones.
        protocol: of the suite, as its file has it.
        evaluated: adapters from elsewhere; 0 where all were tuned here.
    """
    compared = _compared(data, checkpoints, evaluated=bool(evaluated))
    if evaluated:
        which = several(evaluated, "adapter")
        return (
            f"{compared.removesuffix('.')}; {which} from elsewhere, evaluated as found: whether "
            f"{'it has' if evaluated == 1 else 'they have'} learned any of the tested reports isn't known here."
        )
    return f"{compared} {SHUFFLED}" if protocol.shuffles_images else compared


def _compared(data: DataRecord, checkpoints: Sequence[Checkpoint], *, evaluated: bool) -> str:
    studies, backbones = data.studies, len(checkpoints)
    miniatures = sum(c.miniature for c in checkpoints)
    phantoms = data.source == "phantom"
    if phantoms:
        shown = f"{studies} digital phantoms (drawn images, not mammograms)"
    else:
        shown = f"{studies} mammograms in DMID's layout"
    if miniatures == backbones:
        names = ", ".join(c.backbone for c in checkpoints)
        return (
            f"Miniatures on {shown}: tiny checkpoints of {several(backbones, 'model family', 'model families')} "
            f"({names}), trained within minutes, which show that the whole pipeline runs and say nothing about the "
            "published models of those names" + (" or about real mammograms." if phantoms else ".")
        )
    some = f", {miniatures} of them miniatures that say nothing about the published models," if miniatures else ""
    folders = sum(c.folder for c in checkpoints)
    if folders:
        some += f", {folders} of them with weights from a folder, published ones or not,"
    done = "evaluated" if evaluated else "tuned"
    return f"{several(backbones, 'backbone')}{some} {done} on {shown}."


def findings(board: Board) -> list[str]:
    """Return what the main table shows, in sentences that the statistics bear."""
    if not board.rows:
        return ["No trial has a result yet."]
    label, rows = METRICS[board.primary].label, board.main_rows
    return [
        *_not_chosen(board),
        _first(rows, label, board),
        *_seeds(board),
        *_choices(board, label),
        *rates_sentences(board),
        *([_floor(board, rows, label)] if board.best_floor else []),
        *_clinical_floors(rows),
        *_unranked(board),
        *untuned.sentence(board),
        _image(rows, board),
        *_copying(rows),
        *([_control(board.rows)] if board.suite.protocol.shuffles_images else []),
    ]


def _not_chosen(board: Board) -> list[str]:
    """Say that no point could be chosen, and of which backbones; nothing where all have one."""
    chosen = {row.backbone for row in board.entries if row.best}
    without = list(dict.fromkeys(row.name for row in board.rows if row.backbone not in chosen))
    if not without:
        return []
    if board.split.sizes.get("validation"):
        why = f"{METRICS[board.primary].label} is undefined on the validation part at every point"
    else:
        why = "the split has no validation studies"
    return [f"No point of {' and '.join(without)} could be chosen: {why}, and the test part has no say. All are shown."]


def _unranked(board: Board) -> list[str]:
    """Return by which fields of reports no row is ranked, and why; nothing where there is none."""
    whys: dict[str, list[str]] = {}
    for field, why in board.unranked.items():
        whys.setdefault(why, []).append(FIELDS.get(field, field.replace("_", " ")))
    listed = "; ".join(f"{', '.join(fields)} ({why})" for why, fields in whys.items())
    return [f"Not ranked, since how well rules read them isn't shown: scores of {listed}."] if listed else []


def _first(rows: list[Row], label: str, board: Board) -> str:
    first = rows[0]
    value = with_interval(first.scores.get(board.primary))
    if len(rows) == 1:
        return f"One row only: {first.name} ({first.point}), {label} {value}."
    field = METRICS[board.primary].field
    if field in board.unranked:
        return f"The {len(rows)} rows aren't ranked by {label}: {board.unranked[field]}. The highest is {value}."
    equals = [r for r in rows if r.main_ranks and r.main_ranks.best == 1]
    if equals == [first]:
        return f"First is {first.name} ({first.point}) with {label} {value}; every other row is significantly behind."
    if board.blocks < board.main_comparisons.blocks_needed:
        few = f"{several(board.blocks, 'block')} {'is' if board.blocks == 1 else 'are'} too few"
        return (
            f"{few} to tell the {len(rows)} rows apart, whatever their scores. "
            f"It takes {board.main_comparisons.blocks_needed}. The highest {label} is {value}."
        )
    if len(equals) == len(rows):
        return f"The {len(rows)} rows can't be told apart: all share the first place. The highest {label} is {value}."
    return (
        f"{len(equals)} of {len(rows)} rows share the first place: they can't be told apart. "
        f"The highest {label} is {value}."
    )


def _seeds(board: Board) -> list[str]:
    """Say that settings aren't compared, where there are too few seeds to say how far another one would move a row."""
    seeds = min(len(row.seeds) for row in board.main_rows)
    if seeds >= ENOUGH_SEEDS:
        return []
    return [
        f"With {several(seeds, 'seed')} what is compared is these adapters, not their settings: trained with another "
        f"seed, rows may change places. {ENOUGH_SEEDS} seeds would tell."
    ]


def _choices(board: Board, label: str) -> list[str]:
    """Say how far chosen points led on validation, beside what another seed changes; nothing where none was chosen."""
    choices = board.choices
    if not choices:
        return []
    folds = choices[0].folds
    where = f"on average over {folds} folds, each by its own" if folds else "on the"
    start = f"How clear the choice of a point was: {where} validation part, the chosen one is ahead of the next in"
    if all(choice.spread is None for choice in choices):
        leads = "; ".join(f"{decimal(choice.lead)} ({choice.name})" for choice in choices)
        return [f"{start} {label} by {leads}. With one seed of a point, how much of it is noise isn't known."]
    leads = "; ".join(f"{decimal(choice.lead)} ({choice.name}, {_spread(choice)})" for choice in choices)
    within = " in a fold" if folds else ""
    return [
        f"{start} {label} by {leads}. In brackets is the standard deviation between seeds of one point{within}, pooled "
        "over the points; that few studies validate is chance on top of it."
    ]


def _spread(choice: Choice) -> str:
    return "seeds unknown" if choice.spread is None else f"seeds ± {decimal(choice.spread)}"


def _floor(board: Board, rows: list[Row], label: str) -> str:
    floor = next(f for f in board.floors if f.name == board.best_floor)
    clear = sum(row.clears_floor is True for row in rows)
    value = decimal(floor.scores[board.primary].value)
    start = f"Without a look at any image, `{floor.name}` reaches {label} {value}"
    field = METRICS[board.primary].field
    if field in board.unranked:
        return f"{start}; whether rows are above it isn't tested: {board.unranked[field]}."
    if all(row.clears_floor is None for row in rows):
        return (
            f"{start}; with {several(board.blocks, 'block')} no row can be shown to be above it, which takes "
            f"{blocks_needed(len(rows), SIGNIFICANT)}."
        )
    return (
        f"{start}; {clear if clear else 'none'} of {len(rows)} rows {'is' if clear == 1 else 'are'} clearly above it "
        "and above every other predictor that sees no image."
    )


def _clinical_floors(rows: list[Row]) -> list[str]:
    """Return how many rows are above the image-blind predictors in clinical scores; nothing if not compared."""
    parts = []
    for name in dict.fromkeys(name for row in rows for name in row.above_floors):
        tested = [row.p_floors[name] for row in rows if name in row.p_floors]
        if tested:
            clear = sum(p <= SIGNIFICANT for p in tested)
            parts.append(f"{clear or 'none'} of {len(tested)} in {METRICS[name].label}")
    return [f"Rows clearly above every predictor that sees no image: {' and '.join(parts)}."] if parts else []


def _image(rows: list[Row], board: Board) -> str:
    names = [
        name
        for name in dict.fromkeys((board.primary, "birads_f1_macro", "findings_f1_micro"))
        if any(name in row.falls.get("all_pairs", {}) for row in rows)
    ]
    falls = {name: [row.falls["all_pairs"][name] for row in rows if name in row.falls["all_pairs"]] for name in names}
    unchanged = [row.unchanged["all_pairs"].value for row in rows if "all_pairs" in row.unchanged]
    same = [value for value in unchanged if value is not None]
    share = f" {percent(sum(same) / len(same))} of the reports stay word for word the same." if same else ""
    if not any(falls.values()):
        return f"What the scores owe to the image isn't known: none that falls was computed.{share}"
    if all(fall.low is None for each in falls.values() for fall in each):
        return f"Too few blocks were tested to say what the scores owe to the image.{share}"
    counts = {name: sum(fall.low is not None and fall.low > 0 for fall in each) for name, each in falls.items()}
    listed = [f"{counts[name] or 'none'} of {len(falls[name])} in {METRICS[name].label}" for name in names]
    joined = f"{', '.join(listed[:-1])} and {listed[-1]}" if len(listed) > 1 else listed[0]
    return f"Shown another patient's image, rows whose loss has an interval above 0: {joined}.{share}"


def _copying(rows: list[Row]) -> list[str]:
    """Return how much of the reports is copied from train, beside the references' own rate; nothing if not known."""

    def values(name: str) -> list[float]:
        each = [row.scores[name].value for row in rows if name in row.scores]
        return [value for value in each if value is not None]

    copied, references = values("verbatim_train_rate"), values("verbatim_train_rate_references")
    texts = values("distinct_predictions")
    if not copied or not references:
        return []
    least, most = percent(min(copied)), percent(max(copied))
    span = least if least == most else f"{least} to {most}"
    few, many = (percent(end(texts)) for end in (min, max)) if texts else ("", "")
    distinct = f" Of a row's texts {few if few == many else f'{few} to {many}'} are distinct." if texts else ""
    return [
        f"Of the reports {span} stand word for word in train, of the references {percent(references[0])}.{distinct}"
    ]


def _control(rows: Sequence[Row]) -> str:
    """Return whether rows that can't have learned anything of images get no verdict, in any score."""
    falls = [
        f for row in rows for f in row.falls.get("all_pairs", {}).values() if f.low is not None and f.high is not None
    ]
    start = "The control of the controls"
    if not falls:
        return f"{start} can't be judged: no fall of a score has an interval."
    clear = sum(bool(f.low > 0 or f.high < 0) for f in falls)  # type: ignore[operator]
    if not clear:
        return (
            f"{start} holds: of {several(len(falls), 'fall')} (each score of each row), none is clearly other than 0."
        )
    return (
        f"{start} is in doubt: trained on shuffled images, {clear} of {several(len(falls), 'fall')} (each score of "
        f"each row) {'is' if clear == 1 else 'are'} clearly other than 0. Chance makes about one in twenty so, and "
        "a base keeps what it knew of images before; the same suite on its own images says how much tuning adds."
    )
