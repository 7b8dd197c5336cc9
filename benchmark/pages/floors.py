"""The floors of a data set as a document, and as a table for a terminal."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from benchmark.board.format import NBSP, decimal, percent, several, table, with_interval
from benchmark.board.model import FloorRow, FloorsBoard, FloorSplit, Score
from benchmark.board.published import NOT_COMPARABLE, PUBLISHED
from benchmark.pages.clinical import agreement_table, read_by
from benchmark.pages.environment import render
from benchmark.pages.readme import RATES, published_table, signatures_table
from benchmark.pages.sentences import NOT_A_DEVICE
from benchmark.pages.terminal import plain_text

PUBLISHED_SET = {
    "rouge_l": "ROUGE-L", "rouge_1": "ROUGE-1", "rouge_l_unseen": "ROUGE-L, not in train", "meteor_nltk": "METEOR nltk",
    "bleu_1_published": "BLEU-1", "bleu_4_published": "BLEU-4", "cider_published": "CIDEr",
    "cider_published_frozen": "CIDEr, train idf",
}  # fmt: skip
COCO_SET = {
    "rouge_l_coco": "ROUGE-L", "meteor_coco": "METEOR jar", "bleu_1_coco": "BLEU-1", "bleu_4_coco": "BLEU-4",
    "cider_coco": "CIDEr", "cider_coco_frozen": "CIDEr, train idf",
}  # fmt: skip
CLINICAL_SET = {
    "birads_exact": "BI-RADS exact", "birads_major": "major", "birads_binary": "binary", "birads_f1_macro": "macro F1",
    "birads_kappa": "kappa", "density_accuracy": "density", "density_kappa": "density kappa",
    "findings_f1_micro": "findings F1", "hallucination_rate": "hallucinated", "omission_rate": "omitted",
}  # fmt: skip
TITLES = {
    "sequential": "In the order of ids: the last part is tested",
    "random": "At random, image by image",
    "blocked": "Whole blocks: views of one breast stay together",
}


def readme(board: FloorsBoard) -> str:
    """Return the document."""
    sections = [
        {
            "title": TITLES[split.name],
            "split": split,
            "leakage": _leakage(split),
            "published": _table(split, PUBLISHED_SET, interval="rouge_l"),
            "coco": _table(split, COCO_SET),
            "clinical": _table(split, CLINICAL_SET),
        }
        for split in board.splits
    ]
    names = {*PUBLISHED_SET, *COCO_SET, *CLINICAL_SET}
    return render(
        "floors.md.j2",
        board=board,
        warning=NOT_A_DEVICE,
        findings=findings(board),
        read_by=read_by(board.labeler),
        agreement=agreement_table(board.labeler),
        sections=sections,
        predictors=table(["predictor", "predicts"], [[f"`{r.name}`", r.says] for r in board.splits[0].rows]),
        published=published_table(),
        not_comparable=NOT_COMPARABLE,
        signatures=signatures_table(board.signatures, names),
    )


def findings(board: FloorsBoard) -> list[str]:
    """Return what the numbers say beside the published ones."""
    by_name = {split.name: split for split in board.splits}
    last, drawn = by_name["sequential"], by_name["random"]
    constant, neighbour = _of(last, "most_frequent_report"), _of(drawn, "neighbour_report")
    paper = PUBLISHED[0]
    best = max(PUBLISHED, key=lambda p: p.rouge_l or 0.0)
    constant_rouge, copied = _value(constant, "rouge_l"), _value(neighbour, "rouge_l")
    apart = _value(_of(last, "neighbour_report"), "rouge_l")
    constants = [_value(_of(split, "most_frequent_report"), "rouge_l") for split in board.splits]
    low, high = min(constants), max(constants)
    verbatim = {name: [leak.verbatim_in_train for leak in split.leakage] for name, split in by_name.items()}
    tested = last.sizes["test"]
    right_category = _value(_of(last, "birads_oracle_random"), "rouge_l")
    any_category = _value(_of(last, "random_report"), "rouge_l")
    return [
        f"**{_constant(constant_rouge, paper.rouge_l or 0.0)}** The most frequent training report, written for "
        f"every image, has ROUGE-L {decimal(constant_rouge)} on the last {tested} by id and {decimal(low)} to "
        f"{decimal(high)} by split; {paper.source} reports {decimal(paper.rouge_l)} for its tuned model, on a split "
        f"that isn't known.",
        f"**Where a patient's views are parted, copying the neighbour's report gains {decimal(copied - apart)} "
        f"ROUGE-L.** "
        f"With a split by image at random, where {_span([leak.neighbour_in_train for leak in drawn.leakage])} of "
        f"{tested} test studies have a neighbouring id in train, the report of that neighbour has ROUGE-L "
        f"{decimal(copied)} and METEOR {decimal(_value(neighbour, 'meteor_nltk'))}; on the last {tested} by id, where "
        f"{last.leakage[0].neighbour_in_train or 'none'} has one, {decimal(apart)}. The highest published ROUGE-L is "
        f"{decimal(best.rouge_l)} ({best.name}; {best.setting}).",
        f"**The tokeniser moves CIDEr.** The same constant report has CIDEr "
        f"{decimal(_value(constant, 'cider_published'))} untokenised and {decimal(_value(constant, 'cider_coco'))} "
        f"after the Penn Treebank's tokeniser; METEOR is {decimal(_value(constant, 'meteor_nltk'))} by nltk and "
        f"{decimal(_value(constant, 'meteor_coco'))} by its jar.",
        f"**Test reports stand in train.** Word for word: {_span(verbatim['sequential'])} of {tested} with the "
        f"sequential split, {_span(verbatim['random'])} at random, {_span(verbatim['blocked'])} in whole blocks.",
        f"**The right category alone is worth {decimal(right_category - any_category)} ROUGE-L.** A random report of "
        f"the right BI-RADS category has {decimal(right_category)} on the last {tested}, one of any category "
        f"{decimal(any_category)}.",
    ]


def _constant(rouge_l: float, published: float) -> str:
    level = "at the level of" if rouge_l > published - 0.02 else "near" if rouge_l > published - 0.1 else "below"
    return f"One constant report is {level} a published model."


def _of(split: FloorSplit, name: str) -> FloorRow:
    return next(row for row in split.rows if row.name == name)


def _value(row: FloorRow, name: str) -> float:
    value = row.scores[name].value if name in row.scores else None
    return float("nan") if value is None else value


def _span(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _leakage(split: FloorSplit) -> str:
    test = split.sizes["test"]

    def of(key: str) -> str:
        return _span([getattr(leak, key) for leak in split.leakage])

    drawn = f" Drawn {len(split.seeds)} times (seeds {', '.join(map(str, split.seeds))})." if split.seeds else ""
    return (
        f"{split.sizes['train']} train, {split.sizes['validation']} validate, {test} are tested.{drawn} Of the {test}, "
        f"{of('verbatim_in_train')} stand verbatim in train and {of('near_verbatim_in_train')} nearly so; "
        f"{of('neighbour_in_train')} have a neighbouring id in train, {of('block_in_train')} share a block with it."
    )


def _table(split: FloorSplit, columns: Mapping[str, str], interval: str = "") -> str:
    shown = {name: head for name, head in columns.items() if any(name in row.scores for row in split.rows)}
    if not shown:
        return ""
    cells = [
        [
            f"`{row.name}`" + (f", {several(row.seeds, 'draw')}" if row.seeds > 1 else ""),
            *(_cell(row, name, ends=name == interval) for name in shown),
        ]
        for row in split.rows
    ]
    return table(["predictor", *shown.values()], cells, right=range(1, 1 + len(shown)))


def _cell(row: FloorRow, name: str, *, ends: bool) -> str:
    score: Score | None = row.scores.get(name)
    if score is None or score.value is None:
        return "—"
    if name in RATES:
        return percent(score.value)
    if row.seeds > 1 and score.low is not None:
        return f"{decimal(score.value)} ({decimal(score.low)},{NBSP}{decimal(score.high)})"
    if ends and score.low is not None:
        return with_interval(score)
    return decimal(score.value)


def terminal(board: FloorsBoard) -> str:
    """Return the main scores by split, in plain text."""
    scores_table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")
    columns = ("rouge_l", "meteor_nltk", "cider_published", "cider_coco", "birads_exact")
    for head in ("split", "predictor", "ROUGE-L", "METEOR nltk", "CIDEr published", "CIDEr coco", "BI-RADS exact"):
        scores_table.add_column(head, justify="left" if head in ("split", "predictor") else "right")
    for split in board.splits:
        for row in split.rows:
            scores_table.add_row(split.name, row.name, *(decimal(_value(row, n)) for n in columns))
        scores_table.add_section()
    return plain_text(scores_table, *(Text(finding.replace("*", "")) for finding in findings(board)))
