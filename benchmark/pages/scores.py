"""Every score of the main table, untuned rows and floors as `scores.md`, in groups that say what its names mean."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.board.format import escape, table, with_interval
from benchmark.board.model import Board, Score
from benchmark.pages import clinical, sentences
from benchmark.pages.environment import render
from metrics.labels.measured import LEAST_CASES, LEAST_F1
from metrics.registry import METRICS, Metric


@dataclass(frozen=True)
class Group:
    """Scores that are read together.

    Attributes:
        title: of the group.
        says: what the words in its scores' names mean.
        beginnings: of the names of its scores.
    """

    title: str
    says: str
    beginnings: tuple[str, ...]


GROUPS = (
    Group(
        "Text: words shared with the reference",
        "From 0 to 1, CIDEr to 10. *Published* scores are of texts as papers on DMID print them, by words between "
        "spaces; *coco* ones of texts tokenised as for COCO captions. BLEU-2 counts runs of up to two words, and so "
        "on. CIDEr weights words by how rare they are: in the test reports, or in the training reports (*idf of "
        "train*), which doesn't change with who is tested.",
        ("rouge_", "meteor_", "bleu_", "cider_"),
    ),
    Group(
        "Clinical: BI-RADS category",
        "Of reports whose reference states one; a prediction without one is wrong, unless *where stated* is said, and "
        "*coverage* is the share that states one. *Exact* tells 4A from 4B, *major category* doesn't; *macro F1* is "
        "the mean over categories, whatever their number; *weighted kappa* is agreement beyond chance, which forgives "
        "small steps and is 0 for a constant answer. Categories 0 and 4 to 6 are taken as positive: *sensitivity* is "
        "the share of them that is called so, *specificity* the share of the others that isn't.",
        ("birads_exact", "birads_major", "birads_binary", "birads_f1", "birads_kappa", "birads_adjacent",
         "birads_sensitivity", "birads_specificity", "birads_coverage"),
    ),
    Group(
        "Clinical: breast density",
        "The letter A to D: the share that is right, agreement beyond chance, and the share that states one, of "
        "reports whose reference does.",
        ("density_",),
    ),
    Group(
        "Clinical: findings",
        "What predictions assert, against what references assert. *Micro* counts findings of all kinds together, "
        "*macro* is the mean over kinds that enough references have. *Precision* is the share of asserted findings "
        "that the reference has, *recall* the share of the reference's that is asserted, *F1* their harmonic mean. "
        "*Rightly denied* is of findings that the reference denies.",
        ("findings_",),
    ),
    Group(
        "Clinical: hallucinated and omitted findings",
        "Hallucinated, of all that predictions assert: *contradicted* where the reference denies it, *unsupported* "
        "where it is silent. Omitted, of all that references assert: *not mentioned*, or *denied*.",
        ("hallucination", "omission"),
    ),
    Group(
        "Clinical: places",
        "Quadrants (*location*) and sides (*laterality*), of reports whose reference states them; silence is wrong, "
        "and *coverage* is the share that isn't silent. *F1* gives credit for a part of the places.",
        ("location_", "laterality_"),
    ),
    Group(
        "Clinical: errors a report",
        "Clinically significant errors by type, as in MammoGREEN, counted by rules: so many a report. *MammoGREEN by "
        "rules* is matched findings of matched findings and errors, from 0 to 1.",
        ("error_", "mammogreen_"),
    ),
    Group(
        "Memory: repeated reports",
        "Predictions that stand in train word for word, or nearly so, and the references that do; what counts is how "
        "far the first are above the second. Few *distinct predictions* (of all predictions), a large share of the "
        "most frequent one, and a BI-RADS entropy below the references' are signs of a model that says the same of "
        "every image.",
        ("verbatim_", "near_verbatim_", "distinct_", "modal_", "birads_entropy"),
    ),
)  # fmt: skip


def scores(board: Board) -> str:
    """Return the document."""
    systems = {f"{escape(row.name)}, {row.point}": row.scores for row in (*board.main_rows, *board.untuned)}
    systems |= {f"`{floor.name}`": floor.scores for floor in board.floors}
    tables = [(group, _table(group, systems)) for group in GROUPS]
    return render(
        "scores.md.j2",
        title=board.suite.title,
        nature=sentences.nature(board),
        warning=sentences.NOT_A_DEVICE,
        read_by=clinical.read_by(board.labeler),
        agreement=clinical.agreement_table(board.labeler),
        least_f1=LEAST_F1,
        least_cases=LEAST_CASES,
        groups=[(group, content) for group, content in tables if content],
    )


def names_of(group: Group) -> list[str]:
    """Return the names of a group's scores, in the registry's order."""
    return [name for name in METRICS if name.startswith(group.beginnings)]


def _table(group: Group, systems: Mapping[str, Mapping[str, Score]]) -> str:
    """Return a table of its scores by system; nothing where no system has one."""
    names = [name for name in names_of(group) if any(name in row for row in systems.values())]
    cells = [
        [
            METRICS[name].label,
            _better(METRICS[name]),
            *(with_interval(row.get(name)) for row in systems.values()),
        ]
        for name in names
    ]
    return table(["score", "better", *systems], cells) if cells else ""


def _better(metric: Metric) -> str:
    return {True: "higher", False: "lower", None: ""}[metric.higher_is_better]
