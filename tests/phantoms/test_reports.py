import re
from itertools import pairwise

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer

from benchmark.errors import UserError
from benchmark.phantoms.cases import plan
from benchmark.phantoms.dialects import BASE_DIALECTS, DIALECTS
from benchmark.phantoms.reports import report
from benchmark.phantoms.truth import PhantomTruth
from metrics.labels.labeler import label

SEED = 3
TRUTHS = [case.truth for case in plan(700, seed=SEED, size=512)]

DENSITY = {
    "dmid": r"\(ACR[ -]([A-D])\)",
    "acr": r"\(density ([A-D])\)",
    "letter": r"density ([A-D])\.",
    "structured": r"^Breast density: ([A-D])\.$",
    "impression": r"Breast density: ([A-D])\.",
}
CATEGORY = {
    "dmid": r"^BIRADS: (.+)$",
    "acr": r"BI-RADS category (\w+),",
    "letter": r"BI-RADS (\w+) and",
    "structured": r"^BI-RADS: (\w+)\.$",
    "impression": r"BI-RADS (\w+) \(",
}
WORDS = {
    "dmid": {
        "circumscribed_mass": r"well defined soft op",
        "spiculated_mass": r"irregular soft op\w+ with spiculated margins",
        "calcification_cluster": r"(cluster of|diffuse) microcalcifications",
        "popcorn_calcification": r"popcorn calcification",
        "vascular_calcification": r"vascular calcification",
        "architectural_distortion": r"architectural distortion",
        "asymmetry": r"asymmetric density",
        "axillary_node": r"benign-looking axillary adenopathy",
        "skin_thickening": r"skin thickening",
        "nipple_retraction": r"nipple retraction",
    },
    "acr": {
        "circumscribed_mass": r"circumscribed mass is present",
        "spiculated_mass": r"spiculated margins",
        "calcification_cluster": r"pleomorphic calcifications",
        "popcorn_calcification": r"popcorn-like",
        "vascular_calcification": r"vascular calcifications",
        "architectural_distortion": r"architectural distortion is",
        "asymmetry": r"focal asymmetry",
        "axillary_node": r"lymph node",
        "skin_thickening": r"skin thickening",
        "nipple_retraction": r"nipple retraction",
    },
    "letter": {
        "circumscribed_mass": r"smooth round nodule",
        "spiculated_mass": r"stellate mass",
        "calcification_cluster": r"fine calcifications",
        "popcorn_calcification": r"popcorn",
        "vascular_calcification": r"calcified arteries",
        "architectural_distortion": r"architectural distortion",
        "asymmetry": r"asymmetry of the tissue",
        "axillary_node": r"lymph node",
        "skin_thickening": r"thickening of the skin",
        "nipple_retraction": r"retraction of the nipple",
    },
    "structured": {
        "circumscribed_mass": r"mass: .*circumscribed",
        "spiculated_mass": r"mass: .*spiculated",
        "calcification_cluster": r"calcification: .*(spread|grouped)",
        "popcorn_calcification": r"calcification: .*popcorn",
        "vascular_calcification": r"calcification: .*vascular",
        "architectural_distortion": r"distortion: present",
        "asymmetry": r"asymmetry: (small|large)",
        "axillary_node": r"axilla: benign node",
        "skin_thickening": r"skin: thickened",
        "nipple_retraction": r"nipple: retracted",
    },
    "impression": {
        "circumscribed_mass": r"well-circumscribed nodule",
        "spiculated_mass": r"spiculated tumour",
        "calcification_cluster": r"(scattered|clustered) microcalcification",
        "popcorn_calcification": r"popcorn",
        "vascular_calcification": r"vascular",
        "architectural_distortion": r"architectural distortion",
        "asymmetry": r"(marked|slight) asymmetry",
        "axillary_node": r"axillary node",
        "skin_thickening": r"skin thickening",
        "nipple_retraction": r"nipple retraction",
    },
}
PLACES = {
    "dmid": {"central": "retroareolar region", **{p: f"{p} quadrant" for p in ("upper", "lower", "outer", "inner")}},
    "acr": {"central": "subareolar region", **{p: f"{p} half" for p in ("upper", "lower", "outer", "inner")}},
    "letter": {
        "central": "behind the nipple",
        "upper": "above the nipple",
        "lower": "below the nipple",
        "outer": "outer side",
        "inner": "inner side",
    },
    "structured": {p: f", {p}" for p in ("central", "upper", "lower", "outer", "inner")},
    "impression": {"central": "retroareolar", **{p: f"{p} quadrant" for p in ("upper", "lower", "outer", "inner")}},
}
LABELS = {
    "circumscribed_mass": "mass",
    "spiculated_mass": "mass",
    "calcification_cluster": "calcification",
    "popcorn_calcification": "calcification",
    "vascular_calcification": "calcification",
    "architectural_distortion": "architectural_distortion",
    "asymmetry": "asymmetry",
    "axillary_node": "lymph_node",
    "skin_thickening": "skin",
    "nipple_retraction": "nipple",
}
UNPLACED = {"vascular_calcification", "axillary_node", "skin_thickening", "nipple_retraction"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_report_states_density_categories_findings_and_places_and_no_others(dialect: str) -> None:
    for truth in TRUTHS:
        text = report(truth, dialect, seed=SEED)
        letters = re.findall(DENSITY[dialect], text, re.MULTILINE)
        assert letters == [truth.density], text
        statements = re.findall(CATEGORY[dialect], text, re.MULTILINE)
        assert len(statements) == 1, text
        categories = set(re.split(r",\s?| AND ", statements[0].upper()))
        assert categories == (set(truth.categories) if dialect == "dmid" else {truth.birads}), text
        lower = text.lower()
        kinds = {kind for kind, words in WORDS[dialect].items() if re.search(words, lower)}
        assert kinds == truth.kinds, text
        expected = {PLACES[dialect][row.location] for row in truth.lesions if row.kind not in UNPLACED}
        for place in PLACES[dialect].values():
            slipped = place.replace(" ", "")
            assert (place in lower or slipped in lower.replace(" ", "")) == (place in expected), text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_labeler_reads_density_and_category_as_they_are(dialect: str) -> None:
    for truth in TRUTHS:
        labels = label(report(truth, dialect, seed=SEED))
        assert (labels.density, labels.birads) == (truth.density, truth.birads), report(truth, dialect, seed=SEED)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_labeler_finds_what_is_there_and_nothing_else(dialect: str) -> None:
    for truth in TRUTHS:
        text = report(truth, dialect, seed=SEED)
        present = {kind for kind, polarity in label(text).findings.items() if polarity == "present"}
        assert present == {LABELS[kind] for kind in truth.kinds}, text


def test_dmid_reports_have_the_shape_of_the_release() -> None:
    texts = [report(truth, "dmid", seed=SEED) for truth in TRUTHS]
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) >= 24
    assert np.quantile(lengths, 0.95) <= 55
    assert max(lengths) <= 86
    assert 30 <= np.mean(lengths) <= 42
    last = np.mean([text.rstrip().splitlines()[-1].startswith("BIRADS") for text in texts])
    assert 0.2 < last < 0.45  # 160 of 484 in the release
    assert 0.01 < np.mean(["(ACR-" in text for text in texts]) < 0.2
    several = np.mean([len(truth.categories) > 1 for truth in TRUTHS])
    assert 0.01 < several < 0.08  # 20 of 510
    slips = ("Brest", "mBreast", "Finidngs", "Fundings", "suspiciois", "quadrantof", "predominently")
    assert 0.01 < np.mean([any(slip in text for slip in slips) for text in texts]) < 0.07
    words = {word for text in texts for word in text.split()}
    assert len(words) < 200


def test_neighbours_are_nearly_alike_as_in_the_release() -> None:
    """Mean ROUGE-L in the release: .70 between neighbours, .55 between random pairs."""
    scorer = RougeScorer(["rougeL"])

    def alike(a: PhantomTruth, b: PhantomTruth) -> float:
        texts = (report(truth, "dmid", seed=SEED) for truth in (a, b))
        return scorer.score(*texts)["rougeL"].fmeasure

    chosen = TRUTHS[:300]
    neighbours = np.mean([alike(a, b) for a, b in pairwise(chosen)])
    strangers = np.mean([alike(a, b) for a, b in zip(chosen, chosen[150:], strict=False)])
    assert neighbours == pytest.approx(0.70, abs=0.08)
    assert neighbours > strangers + 0.05


def test_dialects_differ_more_than_reports_of_one_dialect() -> None:
    scorer = RougeScorer(["rougeL"])
    for base in BASE_DIALECTS:
        texts = [(report(truth, "dmid", seed=SEED), report(truth, base, seed=SEED)) for truth in TRUTHS[:60]]
        assert np.mean([scorer.score(*pair)["rougeL"].fmeasure for pair in texts]) < 0.35, base
        for _, text in texts:
            assert "soft opacity" not in text.lower()
            assert "BIRADS" not in text


def test_the_seed_decides_the_wording_and_nothing_else_does() -> None:
    for dialect in DIALECTS:
        first = [report(truth, dialect, seed=1) for truth in TRUTHS[:80]]
        assert first == [report(truth, dialect, seed=1) for truth in TRUTHS[:80]]
        assert all(text == text.strip() and "  " not in text and "\r" not in text for text in first)
    assert first_lines(1) != first_lines(2)


def first_lines(seed: int) -> list[str]:
    return [report(truth, "dmid", seed=seed).splitlines()[0] for truth in TRUTHS[:80]]


def test_an_unknown_dialect_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(UserError, match="Did you mean 'letter'"):
        report(TRUTHS[0], "lettr", seed=0)
