"""The wording of a phantom's report in the manner of DMID: its headers, terms and slips, in sentences of our own."""

import numpy as np

from benchmark.phantoms.truth import PhantomLesion, PhantomTruth

_PLACES = {
    "upper": "upper quadrant",
    "lower": "lower quadrant",
    "outer": "outer quadrant",
    "inner": "inner quadrant",
    "central": "retroareolar region",
}
_COMPOSITIONS = {
    "A": ("predominantly fibro fatty breast parenchyma",),
    "B": ("fibro fatty and glandular breast parenchyma", "predominantly fibro fatty breast parenchyma"),
    "C": ("fibro fatty and glandular breast parenchyma", "fibro glandular breast parenchyma"),
    "D": ("dense fibro glandular breast parenchyma",),
}
_SUSPICIONS = {
    "3": "probably benign",
    "4A": "low suspicious",
    "4B": "moderate suspicious",
    "4C": "high suspicious malignant",
    "5": "malignant",
}
_OPACITIES = frozenset({"circumscribed_mass", "spiculated_mass", "asymmetry", "architectural_distortion"})
_SLIPS = (
    ("Breast Composition", "Brest Composition"),
    ("Breast Composition", "mBreast Composition"),
    ("Findings", "Finidngs"),
    ("Findings", "Fundings"),
    ("suspicious", "suspiciois"),
    ("quadrant of", "quadrantof"),
    ("predominantly", "predominently"),
)
SLIP_RATE = 0.04
CATEGORY_LAST_SHARE = 160 / 484
HYPHEN_SHARE = 38 / 508


def dmid(truth: PhantomTruth, style: np.random.Generator, detail: np.random.Generator) -> str:
    """Write a report as DMID's radiologist might.

    Args:
        truth: what the image shows.
        style: draws what all reports of a patient share: the template, the words for the composition.
        detail: draws what is this report's own: slips of the keyboard.
    """
    category_last = style.random() < CATEGORY_LAST_SHARE
    compositions = _COMPOSITIONS[truth.density]
    composition = compositions[style.integers(len(compositions))]
    hyphen = "-" if style.random() < HYPHEN_SHARE else " "
    says_no_nodes = style.random() < 0.5
    stop = "" if style.random() < 0.3 else "."
    ascending = style.random() < 0.4
    separator = (", ", ",", " and ")[style.integers(3)]

    density = f"{composition} (ACR{hyphen}{truth.density})"
    categories = [name.lower() for name in (truth.categories[::-1] if ascending else truth.categories)]
    header = separator.join(categories)
    sentences = _findings(truth) + _skin(truth) + _axilla(truth, says_no_nodes)
    if category_last:
        body = "\n\n".join(sentence + stop for sentence in sentences)
        text = f"BREAST COMPOSITION: {density}\n\nFINDINGS: {body}\n\nBIRADS: {header}"
    else:
        body = "\n".join(sentence + stop for sentence in sentences)
        text = f"Breast Composition:\n{density}{stop}\n\nBIRADS: {header}\n\nFindings:\n{body}"
    return _slip(text, detail)


def _findings(truth: PhantomTruth) -> list[str]:
    """Return what is there, the main lesion first, and what is not."""
    sentences: list[str] = []
    for lesion in truth.lesions:
        of_breast = " of the breast" if not sentences else ""
        if sentence := _lesion(lesion, truth, of_breast):
            sentences.append(sentence)
    opacity = bool(truth.kinds & _OPACITIES)
    cluster = "calcification_cluster" in truth.kinds
    if not opacity and not cluster:
        return ["No soft opacity or abnormal microcalcification is seen in the breast", *sentences]
    if not opacity:
        return [*sentences, "No abnormal soft opacity"]
    if not cluster:
        return [*sentences, "No abnormal microcalcification"]
    return sentences


def _lesion(lesion: PhantomLesion, truth: PhantomTruth, of_breast: str) -> str:
    """Return the sentence on one lesion; empty for what other sentences speak of."""
    place = f"in the {_PLACES[lesion.location]}{of_breast}"
    match lesion.kind:
        case "circumscribed_mass":
            phrase = f"well defined soft opacity {place}"
        case "asymmetry":
            phrase = f"{'large ' if lesion.birads == '4A' else ''}asymmetric density {place}"
        case "calcification_cluster":
            spread = "diffuse" if lesion.birads == "4B" else "cluster of"
            phrase = f"{spread} microcalcifications {place}"
        case "architectural_distortion":
            phrase = f"architectural distortion {place}"
        case "spiculated_mass":
            size = "large " if lesion.birads == "5" else ""
            phrase = f"{size}irregular soft opacity with spiculated margins {place}"
            signs = [
                words
                for sign, words in (
                    ("skin_thickening", "skin thickening"),
                    ("nipple_retraction", "nipple retraction"),
                )
                if sign in truth.kinds
            ]
            phrase += f" with {' and '.join(signs)}" if signs else ""
        case "popcorn_calcification":
            return f"benign coarse popcorn calcification {place}"
        case "vascular_calcification":
            return "benign vascular calcification"
        case _:
            return ""
    verb = "suggest" if lesion.kind == "calcification_cluster" else "suggests"
    noun = "lesion" if lesion.kind in ("circumscribed_mass", "spiculated_mass") else "finding"
    return f"{phrase} {verb} {_SUSPICIONS[lesion.birads]} {noun} (BIRADS {lesion.birads.lower()})"


def _skin(truth: PhantomTruth) -> list[str]:
    """Return skin, nipple and, where the view has it, the pectoral muscle: those that are normal."""
    normal = [
        name for name, sign in (("skin", "skin_thickening"), ("nipple", "nipple_retraction")) if sign not in truth.kinds
    ]
    if truth.view == "MLO":
        normal.append("pectoral muscle")
    if not normal:
        return []
    if len(normal) == 1:
        return [f"{normal[0].capitalize()} appears normal"]
    return [f"{', '.join(normal[:-1])} and {normal[-1]} appear normal".capitalize()]


def _axilla(truth: PhantomTruth, says_no_nodes: bool) -> list[str]:
    """Return the sentence on the axilla, if the report has one."""
    if "axillary_node" in truth.kinds:
        return ["Benign-looking axillary adenopathy"]
    return ["No axillary adenopathy"] if says_no_nodes and truth.view == "MLO" else []


def _slip(text: str, detail: np.random.Generator) -> str:
    """Return the text, in a few reports with a typing error."""
    if detail.random() >= SLIP_RATE:
        return text
    possible = [(right, wrong) for right, wrong in _SLIPS if right in text]
    right, wrong = possible[detail.integers(len(possible))] if possible else ("", "")
    return text.replace(right, wrong, 1) if right else text
