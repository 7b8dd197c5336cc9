"""A report as the labeler reads it: one spelling of characters, sentences, and sections.

Every pattern has bounded repeats, so reading is linear in the length of the text.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys(_DASHES, "-"),
        **dict.fromkeys(_INVISIBLE, None),
        **dict.fromkeys("\u00ae\u2122\u00a9", None),
        **dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'"),
        # Quotes of JSON and marks of Markdown carry no content; an underscore stands for a space in keys.
        **dict.fromkeys('*`#"\u201c\u201d', None),
        "_": " ",
        **dict.fromkeys("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n"),
    }
)
_TRADEMARK = re.compile(r"(?<=[a-z])\s?\((?:tm|r)\)(?!\s?(?:breast|axilla))")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")

# A line that ends or begins with such a word was wrapped in the middle of a sentence.
_OPEN_END = (
    "in|of|the|a|an|and|or|nor|with|without|to|at|by|for|from|is|are|be|no|upper|outer|inner|lower|central|low|"
    "moderate|high|higher|probably|likely|suspicious|malignant|benign|overlying|adjacent|causing|suggests?|"
    "suggesting|appears?|mild|soft|irregular|periareolar|normally|fat|architectural|abnormal|not|cannot|possible|"
    "evidence|rather|than|axillary|pectoral|lymph|few|small|tiny|large|multiple|grouped|clustered|scattered|vascular|"
    "coarse|focal|significant|dominant|spiculated|well-defined|ill-defined|bi-?rads|acr|category|rule|negative"
)
_CONTINUED = (
    "be|been|not|nor|excluded|than|thickening|retraction|overlying|adjacent|of|in|lesions?|quadrants?|"
    "suspicious|malignant|suggests?|suggesting|appears?|to|and|or|seen|region|necrosis|"
    r"which|is|are|with|low suspicious|moderate|higher|\("
)
_WRAP_AFTER = re.compile(rf"(?:(?<=\s)|^)(?:{_OPEN_END})$|,$")
_FIELD = re.compile(r"[-\d.) ]{0,4}[a-z][a-z -]{1,30}:")
_WRAP_BEFORE = re.compile(rf"(?:{_CONTINUED})(?![a-z:])")

# A full stop ends a sentence, but not within a number, "e.g.", "i.e.", "l. breast", "lt.", "vs.", "cat. 4".
_BOUNDARY = re.compile(
    r"[\n;!]|\.(?!\d)(?<!\be\.(?=g))(?<!\be\.g\.)(?<!\bi\.(?=e))(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bapprox\.)(?<!\bcat\.)"
    r"(?<!\blt\.)(?<!\brt\.)(?<!\bno\.(?=\s\d))(?<!\b[lr]\.(?=\s?breast))|(?<!\d)\.(?=\d)"
)
_SECTION = re.compile(
    r"(?:^|(?<=[\n.;]))\s?(?:[-\d.)]{0,3}\s?)?"
    r"(?P<name>findings?|finidngs|fundings|impressions?|(?:final |overall )?assessment|conclusions?|opinion|"
    r"(?:breast |brest )?compositions?|clinical history|history|indications?|comparison|technique|"
    r"recommendations?)\s?:"
)


@dataclass(frozen=True)
class ReportText:
    r"""A report in lower case, one kind of dash, quote and space, wrapped lines joined.

    Attributes:
        text: the normalised text; "\n" stands where a line of its own begins.
    """

    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0] + [match.end() for match in _BOUNDARY.finditer(self.text)]

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Return (start, end) of every sentence that is not blank, in text order."""
        ends = [*self._starts[1:], len(self.text)]
        return [
            (start, end)
            for start, end in zip(self._starts, ends, strict=True)
            if any(c.isalnum() for c in self.text[start:end])
        ]

    def sentence_start(self, position: int) -> int:
        """Return where the sentence that holds `position` begins."""
        return self._starts[bisect_right(self._starts, position) - 1]

    def sentence_end(self, position: int) -> int:
        """Return where the sentence that holds `position` ends, its stop included."""
        following = bisect_right(self._starts, position)
        return self._starts[following] if following < len(self._starts) else len(self.text)

    @cached_property
    def _sections(self) -> tuple[list[int], list[str]]:
        headers = [(match.start("name"), match["name"]) for match in _SECTION.finditer(self.text)]
        return [start for start, _ in headers], [name for _, name in headers]

    @property
    def section_starts(self) -> list[int]:
        """Return where each section header stands, in text order."""
        return self._sections[0]

    def section(self, position: int) -> str:
        """Return the header under which `position` stands, such as "impression"; empty before the first header."""
        starts, names = self._sections
        index = bisect_right(starts, position)
        return names[index - 1] if index else ""


def normalise(report: str) -> ReportText:
    """Normalise a report: NFKC, one dash, no invisible characters, no Markdown, lower case, lines unwrapped."""
    text = report.replace("\\n", "\n").replace("\u2122", "").translate(_CHARACTERS)
    text = unicodedata.normalize("NFKC", text).translate(_CHARACTERS).lower()
    text = _TRADEMARK.sub("", text)
    text = _LINES.sub("\n", _SPACES.sub(" ", text)).strip()
    return ReportText(_unwrap(text))


def _unwrap(text: str) -> str:
    lines = text.split("\n")
    joined = [lines[0]]
    for previous, line in pairwise(lines):
        wrapped = (
            _WRAP_AFTER.search(previous, max(0, len(previous) - 20)) or _WRAP_BEFORE.match(line)
        ) and not _FIELD.match(line)
        joined.append((" " if wrapped else "\n") + line)
    return "".join(joined)
