"""A leaderboard as the markdown of its `README.md`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from benchmark.board.format import NBSP, UNKNOWN, count, decimal, duration, escape, percent, table, with_interval
from benchmark.board.model import Board, Checkpoint, Comparisons, Floor, Row, Score
from benchmark.board.published import NOT_COMPARABLE, PUBLISHED
from benchmark.board.rights import rights_of
from benchmark.board.within_training import within_training
from benchmark.data.dealing import VIEWS_OF_A_PATIENT
from benchmark.pages import clinical, sentences, untuned
from benchmark.pages.environment import render
from benchmark.pages.exits import exits_table
from benchmark.pages.lesions import lesion_table
from benchmark.pages.rates import alone_sentences, axes_table, rates_sentences, rates_table
from metrics.registry import METRICS

TEXT = {
    "rouge_1": "ROUGE-1", "rouge_l": "ROUGE-L", "rouge_l_unseen": "ROUGE-L unseen", "meteor_nltk": "METEOR nltk",
    "cider_published": "CIDEr published", "bleu_4_published": "BLEU-4 published", "meteor_coco": "METEOR coco",
    "cider_coco": "CIDEr coco", "cider_coco_frozen": "CIDEr coco, train idf", "bleu_4_coco": "BLEU-4 coco",
}  # fmt: skip
CLINICAL = {
    "birads_exact": "BI-RADS exact", "birads_major": "major", "birads_f1_macro": "macro F1", "birads_kappa": "kappa",
    "birads_coverage": "stated", "density_accuracy": "density", "findings_f1_micro": "findings F1",
    "location_accuracy": "location", "hallucination_rate": "hallucinated", "omission_rate": "omitted",
}  # fmt: skip
FLOOR_COLUMNS = {
    "meteor_nltk": "METEOR nltk", "cider_coco_frozen": "CIDEr coco, train idf", "birads_exact": "BI-RADS exact",
    "birads_f1_macro": "BI-RADS macro F1", "findings_f1_micro": "findings F1", "location_accuracy": "location",
    "hallucination_rate": "hallucinated", "omission_rate": "omitted",
}  # fmt: skip
RATES = ("hallucination_rate", "omission_rate")
LISTED_PAIRS = 30


def readme(board: Board, figures: Sequence[Any] = (), tables: Sequence[str] = ("results.csv",)) -> str:
    """Return the document.

    Args:
        board: what it says.
        figures: of `benchmark.pages.figures`, each with its file, title and alternative text.
        tables: the files of all numbers, of which there are several where one would be too large.
    """
    return render(
        "leaderboard.md.j2",
        board=board,
        label=METRICS[board.primary].label,
        nature=sentences.nature(board),
        warning=sentences.NOT_A_DEVICE,
        findings=sentences.findings(board),
        main=main_table(board),
        text_scores=_scores_table((*board.main_rows, *board.untuned), TEXT),
        clinical_scores=_scores_table((*board.main_rows, *board.untuned), CLINICAL),
        suspicious=clinical.suspicious_table(board.main_rows),
        read_by=clinical.read_by(board.labeler),
        agreement=clinical.agreement_table(board.labeler),
        strata=clinical.strata_table(board.main_rows, CLINICAL),
        strata_summary=clinical.strata_summary(board.main_rows) if any(r.strata for r in board.main_rows) else "",
        rights=rights_of(board.data.source),
        clinical_floors=_clinical_floors_table(board.main_rows),
        seeds=_seeds_table(board),
        floors=_floors_table(board),
        published=published_table(),
        main_differences=_differences(board.main_comparisons),
        grid_differences=_differences(board.grid_comparisons),
        grid=_grid_table(board),
        exits=exits_table(board),
        within_training=within_training(board.suite.protocol),
        not_comparable=NOT_COMPARABLE,
        figures=figures,
        tables=" and ".join(f"[{name}]({name})" for name in tables),
        checkpoints=checkpoints_table(board.checkpoints),
        versions=", ".join(f"{escape(k)} {escape(v)}" for k, v in board.run.versions.items()),
        signatures=signatures_table(board.signatures, {board.primary, *TEXT, *CLINICAL, *FLOOR_COLUMNS}),
        untuned=untuned.table_of(board),
        gained_word=untuned.GAINED,
        images=_image_table(board),
        lesions=lesion_table(board),
        rates=rates_table(board),
        rates_say=rates_sentences(board),
        axes=axes_table(board),
        alone=alone_sentences(board.rows),
        folded=bool(board.chosen) or len(board.rows) > len(board.main_rows),
        longest_tested=VIEWS_OF_A_PATIENT,
    )


def main_table(board: Board) -> str:
    """Return the rows of the main table with what matters first."""
    label = METRICS[board.primary].label
    head = [
        "ranks", "backbone", "rank, alpha", f"{label} [95{NBSP}%]", "above the best floor", "beats all floors",
        "lost on another's image", *untuned.head(board),
        "hallucinated", "omitted", "trainable", "time",
    ]  # fmt: skip
    rows = []
    for row in board.main_rows:
        alone = row.main_ranks is not None and row.main_ranks.best == row.main_ranks.worst == 1
        name = escape(row.name)
        rows.append(
            [
                str(row.main_ranks),
                f"**{name}**" if alone and len(board.main) > 1 else name,
                row.point,
                with_interval(row.scores.get(board.primary)),
                with_interval(row.above_floor, sign=True),
                clear(row),
                with_interval(row.falls.get("all_pairs", {}).get(board.primary), sign=True),
                *untuned.cells(row, board),
                *(_cell(row.scores, name) for name in RATES),
                count(row.parameters),
                duration(sum(row.seconds.values())),
            ]
        )
    return table(head, rows, right=range(len(head) - 4, len(head)))


def _clinical_floors_table(rows: Sequence[Row]) -> str:
    """Return how far clinical scores are above what a look at no image reaches; nothing where no floor was scored."""
    names = list(dict.fromkeys(name for row in rows for name in row.above_floors))
    if not names:
        return ""
    cells = [[escape(row.name), row.point, *(_above_in(row, name) for name in names)] for row in rows]
    return table(["backbone", "rank, alpha", *(METRICS[name].label for name in names)], cells)


def _above_in(row: Row, name: str) -> str:
    p = row.p_floors.get(name)
    return with_interval(row.above_floors.get(name), sign=True) + (f", p{NBSP}{_p(p)}" if p is not None else "")


def clear(row: Row, *, in_grid: bool = False) -> str:
    """Return whether the row is above every image-blind floor, in a word, with p where that was tested.

    Args:
        in_grid: among all rows, not those of the main table.
    """
    if row.above_floor is None:
        return UNKNOWN
    p, clears = (row.p_floor_grid, row.clears_floor_in_grid) if in_grid else (row.p_floor, row.clears_floor)
    word = {True: "yes", False: "**no**", None: "unknown"}[clears]
    return word if p is None or clears is None else f"{word}, p{NBSP}{_p(p)}"


IMAGES = {
    "all_pairs": "another's image",
    "another_category": "of another category",
    "same_category_and_density": "of the same category and density",
    "blank": "a blank image",
}
"""What is shown instead of the right image, for tables."""


def _image_table(board: Board) -> str:
    """Return what scores of the main table lose when something else is shown; nothing where no score has a fall."""
    names = dict.fromkeys((board.primary, "birads_exact", "birads_kappa", "density_accuracy", "findings_f1_micro"))
    cells = []
    for row in board.main_rows:
        for name in names:
            if name not in row.falls.get("all_pairs", {}):
                continue
            falls = [row.falls.get(image, {}).get(name) for image in IMAGES]
            share = row.falls["all_pairs"][name].of_perfect_reader
            lost = [with_interval(fall, sign=True) for fall in falls]
            cells.append([escape(row.name), METRICS[name].label, lost[0], percent(share), *lost[1:]])
    head = ["backbone", "score", IMAGES["all_pairs"], "of a perfect reader's loss", *list(IMAGES.values())[1:]]
    return table(head, cells, right=(3,)) if cells else ""


def _cell(scores: Mapping[str, Score], name: str) -> str:
    value = scores[name].value if name in scores else None
    return percent(value) if name in RATES else decimal(value)


def _scores_table(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    shown = {name: head for name, head in columns.items() if any(name in row.scores for row in rows)}
    cells = [[escape(row.name), row.point, *(_cell(row.scores, name) for name in shown)] for row in rows]
    return table(["backbone", "rank, alpha", *shown.values()], cells, right=range(2, 2 + len(shown)))


def _seeds_table(board: Board) -> str:
    """Return every seed's primary score where a row has several."""
    rows = [row for row in board.main_rows if len(row.seeds) > 1]
    if not rows:
        return ""
    cells = []
    for row in rows:
        values = row.scores[board.primary].by_seed
        defined = [v for v in values if v is not None]
        mean = sum(defined) / len(defined) if defined else None
        spread = (
            (sum((v - mean) ** 2 for v in defined) / (len(defined) - 1)) ** 0.5
            if mean is not None and len(defined) > 1
            else None
        )
        listed = ", ".join(f"{decimal(v)} (seed {s})" for s, v in zip(row.seeds, values, strict=True))
        cells.append([escape(row.name), row.point, listed, decimal(spread)])
    return table(["backbone", "rank, alpha", "each seed", "standard deviation"], cells, right=(3,))


def _floors_table(board: Board) -> str:
    shown = {name: head for name, head in FLOOR_COLUMNS.items() if name != board.primary}
    head = ["predictor", f"{METRICS[board.primary].label} [95{NBSP}%]", *shown.values()]
    cells = [_floor_cells(floor, board, shown) for floor in board.floors]
    return table(head, cells, right=range(2, 2 + len(shown))) if cells else ""


def _floor_cells(floor: Floor, board: Board, shown: Mapping[str, str]) -> list[str]:
    name = f"`{floor.name}`" + (" (best floor)" if floor.name == board.best_floor else "")
    values = [_cell(floor.scores, column) for column in shown]
    return [name, with_interval(floor.scores.get(board.primary)), *values]


def published_table() -> str:
    """Return published rows, each with how it was tested and where it stands."""
    cells = [
        [p.name, p.setting, decimal(p.rouge_l), decimal(p.meteor), decimal(p.cider), decimal(p.birads), p.source]
        for p in PUBLISHED
    ]
    head = ["system", "tested on", "ROUGE-L", "METEOR", "CIDEr", "BI-RADS accuracy", "source"]
    return table(head, cells, right=(2, 3, 4, 5))


def _differences(comparisons: Comparisons) -> str:
    cells = [
        [escape(d.first), escape(d.second), with_interval(d.difference, sign=True), _p(d.p)]
        for d in comparisons.significant[:LISTED_PAIRS]
    ]
    return table(["better", "worse", f"difference [95{NBSP}%]", "p after Holm"], cells, right=(3,)) if cells else ""


def _p(p: float) -> str:
    return f"<{NBSP}0.001" if p < 0.001 else f"{p:.3f}"


def _grid_table(board: Board) -> str:
    label = METRICS[board.primary].label
    head = [
        "ranks", "backbone", "rank", "alpha", "seeds", f"{label} [95{NBSP}%]", "validation",
        "above the best floor", "beats all floors", *untuned.head(board),
        "BI-RADS macro F1", "findings F1", "hallucinated", "omitted", "time", "",
    ]  # fmt: skip
    rows = [
        [
            str(row.ranks),
            escape(row.name),
            str(row.rank),
            str(row.alpha),
            str(len(row.seeds)),
            with_interval(row.scores.get(board.primary)),
            decimal(row.validation.get(board.primary)),
            with_interval(row.above_floor, sign=True),
            clear(row, in_grid=True),
            *untuned.cells(row, board, in_grid=True),
            *(_cell(row.scores, name) for name in ("birads_f1_macro", "findings_f1_micro", *RATES)),
            duration(sum(row.seconds.values())),
            "chosen" if row.best else "",
        ]
        for row in board.rows
    ]
    return table(head, rows, right=(2, 3, 4, 6, *range(len(head) - 6, len(head) - 1)))


def checkpoints_table(checkpoints: Sequence[Checkpoint]) -> str:
    """Return which weights each backbone has."""
    rows = []
    for c in checkpoints:
        if c.miniature:
            source, licence = f"miniature in the layout of {c.hub_id or c.backbone}", "trained here"
        elif c.folder:
            source, licence = f"a folder in the layout of {c.hub_id or c.backbone}, whose weights aren't known", "—"
        else:
            source, licence = f"{c.hub_id or c.backbone} at {(c.revision or 'unknown')[:12]}", c.licence or "—"
        kind = f"{c.dtype}{f', {c.quantization}' if c.quantization else ''}"
        fingerprint = [c.fingerprint[:16]] if c.fingerprint else []
        rows.append([escape(cell) for cell in (c.name, source, licence, count(c.parameters), kind, *fingerprint)])
    head = ["backbone", "checkpoint", "licence", "parameters", "dtype", "fingerprint"]
    return table(head[: len(rows[0])], rows, right=(3,))


def signatures_table(signatures: Mapping[str, str], names: Collection[str]) -> str:
    """Return signatures of the scores that are shown; those of all are in `results.json`."""
    shown = [n for n in METRICS if n in names and n in signatures]
    return table(["score", "signature"], [[f"`{n}`", f"`{signatures[n]}`".replace("|", "\\|")] for n in shown])
