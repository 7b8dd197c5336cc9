"""Four base dialects: the wording of reports that a base model is trained on, none of it DMID's."""

import numpy as np

from benchmark.phantoms.truth import PhantomLesion, PhantomTruth

_TISSUE = {
    "A": "The breasts are almost entirely fatty",
    "B": "There are scattered areas of fibroglandular density",
    "C": "The breasts are heterogeneously dense",
    "D": "The breasts are extremely dense",
}
_ASSESSMENTS = {
    "1": "negative",
    "2": "benign",
    "3": "probably benign",
    "4A": "low suspicion for malignancy",
    "4B": "moderate suspicion for malignancy",
    "4C": "high suspicion for malignancy",
    "5": "highly suggestive of malignancy",
}
_MANAGEMENT = {
    "1": "routine screening",
    "2": "routine screening",
    "3": "follow-up in six months",
    "4A": "tissue diagnosis",
    "4B": "tissue diagnosis",
    "4C": "tissue diagnosis",
    "5": "tissue diagnosis without delay",
}
_GLAND = {
    "A": "The gland is replaced by fat",
    "B": "Fat prevails, with islands of gland",
    "C": "Gland prevails and is unevenly dense",
    "D": "The gland is dense throughout",
}


def acr(truth: PhantomTruth, style: np.random.Generator, detail: np.random.Generator) -> str:
    """Write composition, findings and assessment in the words of the ACR BI-RADS atlas."""
    places = {
        "upper": "in the upper half of the breast",
        "lower": "in the lower half of the breast",
        "outer": "in the outer half of the breast",
        "inner": "in the inner half of the breast",
        "central": "in the subareolar region",
    }
    sentences = []
    for lesion in truth.lesions:
        place = places[lesion.location]
        sentence = {
            "circumscribed_mass": f"An oval circumscribed mass is present {place}.",
            "spiculated_mass": f"{'A large' if lesion.birads == '5' else 'An'} irregular mass with spiculated margins "
            f"is present {place}.",
            "calcification_cluster": f"{'Segmental' if lesion.birads == '4B' else 'Grouped'} pleomorphic "
            f"calcifications are present {place}.",
            "popcorn_calcification": f"A coarse popcorn-like calcification is present {place}.",
            "vascular_calcification": "Vascular calcifications are present.",
            "architectural_distortion": f"Architectural distortion is present {place}.",
            "asymmetry": f"A {'large ' if lesion.birads == '4A' else ''}focal asymmetry is present {place}.",
            "axillary_node": "A lymph node with a fatty hilum is present in the axilla.",
            "skin_thickening": "There is skin thickening.",
            "nipple_retraction": "There is nipple retraction.",
        }[lesion.kind]
        sentences.append(sentence)
    if not truth.lesions:
        sentences.append(_pick(style, "No mass, calcification or distortion.", "No suspicious abnormality is present."))
    return (
        f"TISSUE: {_TISSUE[truth.density]} (density {truth.density}).\n"
        f"FINDINGS: {' '.join(sentences)}\n"
        f"ASSESSMENT: BI-RADS category {truth.birads}, {_ASSESSMENTS[truth.birads]}.\n"
        f"MANAGEMENT: {_MANAGEMENT[truth.birads].capitalize()}."
    )


def letter(truth: PhantomTruth, style: np.random.Generator, detail: np.random.Generator) -> str:
    """Write a letter to a colleague, in running sentences."""
    places = {
        "upper": "above the nipple",
        "lower": "below the nipple",
        "outer": "on the outer side",
        "inner": "on the inner side",
        "central": "behind the nipple",
    }
    phrases = []
    for lesion in truth.lesions:
        place = places[lesion.location]
        words = {
            "circumscribed_mass": f"a smooth round nodule {place}",
            "spiculated_mass": f"a {'big ' if lesion.birads == '5' else ''}stellate mass {place}",
            "calcification_cluster": f"{'a wide field' if lesion.birads == '4B' else 'a tight group'} of fine "
            f"calcifications {place}",
            "popcorn_calcification": f"one coarse popcorn calcification {place}, as after an old fibroadenoma",
            "vascular_calcification": "calcified arteries (vascular calcification)",
            "architectural_distortion": f"tissue drawn towards one point (architectural distortion) {place}",
            "asymmetry": f"{'a wide' if lesion.birads == '4A' else 'a small'} asymmetry of the tissue {place}",
            "axillary_node": "a harmless lymph node in the armpit",
            "skin_thickening": "thickening of the skin",
            "nipple_retraction": "retraction of the nipple",
        }[lesion.kind]
        phrases.append(words)
    opening = _pick(style, "Dear colleague,", "Dear doctor,")
    view = "oblique" if truth.view == "MLO" else "craniocaudal"
    finding = f"We note {_listed(phrases)}." if phrases else "We find nothing of concern."
    return (
        f"{opening}\nthank you for the {truth.laterality} breast, {view} view. "
        f"{_GLAND[truth.density]}: density {truth.density}. {finding} "
        f"We call it BI-RADS {truth.birads} and advise {_MANAGEMENT[truth.birads]}."
    )


def structured(truth: PhantomTruth, style: np.random.Generator, detail: np.random.Generator) -> str:
    """Write a form: one line per field, every field filled in and closed with a full stop."""
    fields = {
        "Mass": ("circumscribed_mass", "spiculated_mass"),
        "Calcification": ("calcification_cluster", "popcorn_calcification", "vascular_calcification"),
        "Distortion": ("architectural_distortion",),
        "Asymmetry": ("asymmetry",),
    }
    lines = [f"View: {truth.view}, {truth.laterality}", f"Breast density: {truth.density}"]
    for field, kinds in fields.items():
        entries = [_entry(lesion) for lesion in truth.lesions if lesion.kind in kinds]
        lines.append(f"{field}: {'; '.join(entries) or 'none'}")
    lines.append(f"Skin: {'thickened' if 'skin_thickening' in truth.kinds else 'normal'}")
    lines.append(f"Nipple: {'retracted' if 'nipple_retraction' in truth.kinds else 'normal'}")
    if truth.view == "MLO":
        lines.append(f"Axilla: {'benign node' if 'axillary_node' in truth.kinds else 'clear'}")
    lines.append(f"BI-RADS: {truth.birads}")
    return "\n".join(f"{line}." for line in lines)


def impression(truth: PhantomTruth, style: np.random.Generator, detail: np.random.Generator) -> str:
    """Write the conclusion first, then its reasons in note form."""
    notes = []
    for lesion in truth.lesions:
        place = "retroareolar" if lesion.location == "central" else f"{lesion.location} quadrant"
        note = {
            "circumscribed_mass": f"well-circumscribed nodule, {place}",
            "spiculated_mass": f"{'extensive ' if lesion.birads == '5' else ''}spiculated tumour, {place}",
            "calcification_cluster": f"{'scattered' if lesion.birads == '4B' else 'clustered'} microcalcification, "
            f"{place}",
            "popcorn_calcification": f"popcorn calcification, {place}",
            "vascular_calcification": "vascular calcification",
            "architectural_distortion": f"architectural distortion, {place}",
            "asymmetry": f"{'marked' if lesion.birads == '4A' else 'slight'} asymmetry, {place}",
            "axillary_node": "benign axillary node",
            "skin_thickening": "skin thickening",
            "nipple_retraction": "nipple retraction",
        }[lesion.kind]
        notes.append(note)
    reasons = "; ".join(notes) if notes else _pick(style, "unremarkable study", "no focal lesion")
    return (
        f"IMPRESSION: BI-RADS {truth.birads} ({_ASSESSMENTS[truth.birads]}).\n"
        f"Reasons: {reasons}.\n"
        f"Breast density: {truth.density}."
    )


def _entry(lesion: PhantomLesion) -> str:
    """Return what a form says of a lesion: its type and place."""
    extent = {"4B": "spread", "4A": "large", "3": "small", "5": "large"}.get(lesion.birads, "")
    words = {
        "circumscribed_mass": "circumscribed",
        "spiculated_mass": f"{'large ' if lesion.birads == '5' else ''}spiculated",
        "calcification_cluster": "spread" if lesion.birads == "4B" else "grouped",
        "popcorn_calcification": "popcorn",
        "vascular_calcification": "vascular",
        "architectural_distortion": "present",
        "asymmetry": extent,
    }[lesion.kind]
    return words if lesion.kind == "vascular_calcification" else f"{words}, {lesion.location}"


def _listed(items: list[str]) -> str:
    """Return items as a sentence lists them: with commas, and `and` before the last."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _pick(rng: np.random.Generator, *choices: str) -> str:
    """Return one of some wordings, drawn uniformly."""
    return choices[rng.integers(len(choices))]
