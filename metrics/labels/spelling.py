"""Slips of the keyboard in the words that the labeler reads: "bengin", "specualted", "calcifcations".

A word that is not known and lies one slip from exactly one known word is read as that. Slips are two neighbouring
letters changed over (Damerau, 1964), a letter doubled, a double one written once or the letter beside it doubled
instead; in words of eight letters and more also one letter left out, added or replaced, the first and the last
excepted: "obscures" is no slip for "obscured".
"""

import re
from collections.abc import Iterator
from functools import lru_cache

_FROM = 4
"""The shortest word that is mended."""
_LONG = 8

_LIST = """
    abnormal absent adenopathy almost amorphous appear appears architectural architecture areolar assessment
    asymmetric asymmetries asymmetry axilla axillary axillae benign bilateral branching breast breasts calcification
    calcifications calcified category central circumscribed clustered coarse composition compression conclusion
    dense density developing diffuse dimpling discrete distorted distortion distortions dystrophic effaced effaces
    enlarged entirely evidence excised excluded extremely fatty fibroglandular fibrofatty findings focal glandular
    global grouped heterogeneous heterogeneously identified impression indistinct inframammary intramammary inverted
    irregular lateral lesion lesions linear lump lumps mass node oval lobular lobulated lower lymph lymphadenopathy
    lymphnode lymphnodes macrocalcification macrocalcifications malignancy malignant mammogram mammography
    mammographic margin margins masses medial metastases metastasis metastatic microcalcification
    microcalcifications microlobulated muscle negative nipple nipples nodes nodule nodules normal obscured oedema
    opacities opacity parenchyma parenchymal pathological pectoral pectoralis periareolar pleomorphic popcorn
    possible cluttered entirety indented inserted invented macrolobulated provably refraction speculated speculation
    speculations present previous previously probably punctate quadrant quadrants questionable regional removed
    residual resolved retracted retraction retroareolar right round scattered segmental significant skin spiculated
    spiculation spiculations stable subareolar suspicion suspicions suspicious symmetric symmetry tethered tethering
    thickened thickening tumor tumors tumour tumours unchanged unremarkable upper vascular visualised visualized
    without
"""
WORDS = frozenset(_LIST.split())
"""The words that are mended to, and others that lie one slip from these and are words of their own."""

_TOKEN = re.compile(rf"[a-z]{{{_FROM},24}}")


def mended(text: str) -> str:
    """Return `text`, in lower case, with its slips mended."""
    if all(_mend(token) == token for token in set(_TOKEN.findall(text))):
        return text
    return _TOKEN.sub(lambda match: _mend(match[0]), text)


@lru_cache(maxsize=16384)
def _mend(token: str) -> str:
    if token in WORDS:
        return token
    candidates = _swapped_or_doubled().get(token)
    if candidates is None and len(token) >= _LONG - 1:
        candidates = frozenset(_with_one_letter_off(token))
    return next(iter(candidates)) if candidates and len(candidates) == 1 else token


@lru_cache(maxsize=1)
def _swapped_or_doubled() -> dict[str, frozenset[str]]:
    swapped: dict[str, set[str]] = {}
    doubled: dict[str, set[str]] = {}
    for word in WORDS:
        for found, slips in ((swapped, _swaps(word)), (doubled, _doublings(word))):
            for slip in slips:
                if len(slip) >= _FROM and slip not in WORDS:
                    found.setdefault(slip, set()).add(word)
    return {slip: frozenset(words) for slip, words in (doubled | swapped).items()}


def _swaps(word: str) -> Iterator[str]:
    for i in range(len(word) - 1):
        if word[i] != word[i + 1]:
            yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def _doublings(word: str) -> Iterator[str]:
    for i, letter in enumerate(word):
        yield word[:i] + letter + word[i:]
        if word[i + 1 : i + 2] == letter and len(word) > _FROM:
            yield word[:i] + word[i + 1 :]
            if i + 2 < len(word):
                yield word[: i + 1] + word[i + 2] * 2 + word[i + 3 :]
            if i > 1:
                yield word[:i] + word[i - 1] + word[i + 1 :]


@lru_cache(maxsize=1)
def _long_words() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return long words by what is left without one inner letter, and by what is left around one, "?" in its place."""
    without: dict[str, set[str]] = {}
    around: dict[str, set[str]] = {}
    for word in WORDS:
        for i in range(1, len(word) - 1) if len(word) >= _LONG else ():
            without.setdefault(word[:i] + word[i + 1 :], set()).add(word)
            around.setdefault(f"{word[:i]}?{word[i + 1 :]}", set()).add(word)
    return without, around


def _with_one_letter_off(token: str) -> Iterator[str]:
    without, around = _long_words()
    yield from without.get(token, ())
    for i in range(1, len(token) - 1):
        yield from around.get(f"{token[:i]}?{token[i + 1 :]}", ())
        rest = token[:i] + token[i + 1 :]
        if rest in WORDS and len(rest) >= _LONG:
            yield rest
