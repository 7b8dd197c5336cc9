"""Every score by name: what to call it, what direction is better, which values it can have."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from metrics.clinical.error_names import TYPES
from metrics.labels.kinds import KINDS

Family = Literal["text", "clinical", "memory"]


@dataclass(frozen=True)
class Metric:
    """One score.

    Attributes:
        name: as in `scores.json`.
        label: as in a table's head.
        family: the tests of one family are corrected together.
        higher_is_better: None where no direction is better.
        bounds: the least and the greatest value.
        has_interval: False where resampling reports says nothing of the score, as with a count of distinct texts.
        needs_java: computed by a Java program.
    """

    name: str
    label: str
    family: Family
    higher_is_better: bool | None = True
    bounds: tuple[float, float] = (0.0, 1.0)
    has_interval: bool = True
    needs_java: bool = False

    @property
    def field(self) -> str | None:
        """Return the field that rules read in both reports for it (`metrics.labels.measured.Field.name`), or None."""
        kind = next((kind for kind in KINDS if self.name.startswith(f"findings_{kind}_")), None)
        if self.family == "text" or kind:
            return kind
        return next((field for start, field in _FIELDS.items() if self.name.startswith(start)), None)


_FIELDS = {
    "birads_": "birads",
    "density_": "density",
    "location_": "quadrant",
    "laterality_": "laterality",
    "error_incorrect_birads": "birads",
    "error_incorrect_breast_density": "density",
    "error_wrong_location": "quadrant",
    "findings_negative": "denied",
    "findings_": "findings",
    "hallucination": "findings",
    "omission": "findings",
    "error_": "findings",
    "mammogreen_": "findings",
}
"""How names of scores begin, and what has to be read right for them; the first that fits."""


def _text() -> list[Metric]:
    metrics = [
        Metric("rouge_1", "ROUGE-1", "text"),
        Metric("rouge_2", "ROUGE-2", "text"),
        Metric("rouge_l", "ROUGE-L", "text"),
        Metric("rouge_l_unseen", "ROUGE-L, report not in train", "text"),
        Metric("meteor_nltk", "METEOR (nltk)", "text"),
    ]
    for kind, java in (("published", False), ("coco", True)):
        metrics += [Metric(f"bleu_{n}_{kind}", f"BLEU-{n} ({kind})", "text", needs_java=java) for n in range(1, 5)]
        cider = (f"cider_{kind}", f"CIDEr ({kind})")
        metrics.append(Metric(*cider, "text", bounds=(0.0, 10.0), needs_java=java))
        frozen = (f"{cider[0]}_frozen", f"CIDEr ({kind}, idf of train)")
        metrics.append(Metric(*frozen, "text", bounds=(0.0, 10.0), needs_java=java))
    metrics += [
        Metric("rouge_l_coco", "ROUGE-L (coco)", "text", needs_java=True),
        Metric("meteor_coco", "METEOR (coco)", "text", needs_java=True),
        Metric("meteor_coco_mean", "METEOR (coco, mean of reports)", "text", needs_java=True),
    ]
    return metrics


def _memory() -> list[Metric]:
    against_train = []
    for prefix, label in (("verbatim_train", "verbatim in train"), ("near_verbatim_train", "nearly verbatim in train")):
        against_train += [
            Metric(f"{prefix}_rate", f"predictions {label}", "memory", None),
            Metric(f"{prefix}_rate_references", f"references {label}", "memory", None),
            Metric(f"{prefix}_excess", f"{label}, above the references", "memory", False, (-1.0, 1.0)),
        ]
    unbounded = (0.0, inf)
    return [
        *against_train,
        Metric("distinct_predictions", "distinct predictions", "memory", None, has_interval=False),
        Metric("modal_prediction_share", "share of the most frequent prediction", "memory", None, has_interval=False),
        Metric("birads_entropy", "BI-RADS entropy (bit)", "memory", None, unbounded, False),
        Metric("birads_entropy_references", "BI-RADS entropy of references (bit)", "memory", None, unbounded, False),
    ]


def _clinical() -> list[Metric]:
    kappa, count = (-1.0, 1.0), (0.0, inf)
    metrics = [
        Metric("birads_exact", "BI-RADS exact", "clinical"),
        Metric("birads_major", "BI-RADS major category", "clinical"),
        Metric("birads_binary", "BI-RADS 1-3 against 0, 4-6", "clinical"),
        Metric("birads_f1_macro", "BI-RADS macro F1", "clinical"),
        Metric("birads_kappa", "BI-RADS weighted kappa", "clinical", bounds=kappa),
        Metric("birads_kappa_answered", "BI-RADS weighted kappa where stated", "clinical", bounds=kappa),
        Metric("birads_adjacent", "BI-RADS within one step", "clinical"),
        Metric("birads_sensitivity", "BI-RADS sensitivity for 0, 4-6", "clinical"),
        Metric("birads_specificity", "BI-RADS specificity for 0, 4-6", "clinical"),
        Metric("birads_coverage", "BI-RADS coverage", "clinical"),
        Metric("density_accuracy", "density", "clinical"),
        Metric("density_kappa", "density weighted kappa", "clinical", bounds=kappa),
        Metric("density_coverage", "density coverage", "clinical"),
    ]
    for suffix, note in (("", ""), ("_uncertain_absent", ", uncertain as absent")):
        metrics.append(Metric(f"findings_f1_macro{suffix}", f"findings macro F1{note}", "clinical"))
        metrics.append(Metric(f"findings_f1_micro{suffix}", f"findings micro F1{note}", "clinical"))
    for kind in KINDS:
        for part, label in (("precision", "precision"), ("recall", "recall"), ("f1", "F1")):
            metrics.append(Metric(f"findings_{kind}_{part}", f"{kind.replace('_', ' ')} {label}", "clinical"))
    metrics.append(Metric("findings_negative_accuracy", "findings rightly denied", "clinical"))
    for name, label, parts in (
        ("hallucination", "hallucinated", {"contradicted": "contradicted", "unsupported": "unsupported"}),
        ("omission", "omitted", {"silent": "not mentioned", "denied": "denied"}),
    ):
        metrics.append(Metric(f"{name}_rate", f"{label} findings", "clinical", False))
        metrics += [Metric(f"{name}_{part}", f"{label}: {what}", "clinical", False) for part, what in parts.items()]
        metrics.append(Metric(f"{name}s_per_report", f"{label} findings a report", "clinical", False, count))
        metrics.append(Metric(f"{name}_reports", f"reports with {label} findings", "clinical", False))
    for name in ("location", "laterality"):
        metrics.append(Metric(f"{name}_accuracy", name, "clinical"))
        metrics.append(Metric(f"{name}_coverage", f"{name} coverage", "clinical"))
    metrics.append(Metric("location_f1", "location F1", "clinical"))
    metrics += [
        Metric(f"error_{error}", f"error: {error.replace('_', ' ')}", "clinical", False, count) for error in TYPES
    ]
    return [*metrics, Metric("mammogreen_rules", "MammoGREEN by rules", "clinical")]


METRICS: dict[str, Metric] = {metric.name: metric for metric in (*_text(), *_clinical(), *_memory())}
