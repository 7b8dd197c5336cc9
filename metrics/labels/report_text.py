"""A report as the labeler reads it: one spelling of characters, sentences, and sections.

Every pattern has bounded repeats, so reading is linear in the length of the text.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from metrics.labels.abbreviations import written_out
from metrics.labels.corrections import without_corrections
from metrics.labels.dictation import with_marks
from metrics.labels.fields import as_lines
from metrics.labels.spelling import mended
from metrics.labels.translations import in_plain_words

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
        **dict.fromkeys("\u2192\u21d2\u27a1\u279c", "->"),
        **dict.fromkeys("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n"),
    }
)
_PLURAL = re.compile(r"(?<=[a-z])\((?P<ending>e?s)\)")
"""The ending of "mass(es)", "calcification(s)"."""
_TRADEMARK = re.compile(r"(?<=[a-z])\s?\((?:tm|r)\)(?!\s?(?:breast|axilla))")
_FRACTIONS = str.maketrans({"\u00bc": " 1/4", "\u00bd": " 1/2", "\u00be": " 3/4", "\u2153": " 1/3", "\u2154": " 2/3"})
_SPACES = re.compile(r"[^\S\n\t]+")
_BLANKS = re.compile(r"[ \t]+")
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
    r"which|is|are|with|low suspicious|moderate|higher|\(|\d[\d.,x ]{0,12}\s?(?:mm|cm|o'?\s?clock)"
)
_WRAP_AFTER = re.compile(rf"(?:(?<=\s)|^)(?:{_OPEN_END})$|,$")
_FIELD = re.compile(r"[-\d.) ]{0,4}[a-z][a-z -]{1,30}(?::|\s-\s(?:no|none|not|normal|absent|present|there)\b)")
_WRAP_BEFORE = re.compile(rf"(?:{_CONTINUED})(?![a-z:])")

UNASKED_SECTIONS = (
    "history", "clinical history", "indication", "indications", "technique", "comparison", "clinical information",
    "clinical details", "clinical data", "clinical indication", "clinical summary", "clinical presentation",
    "clinical", "clinical question", "question", "clinical findings", "clinical examination", "clinical exam",
    "physical examination", "physical exam", "palpation", "inspection and palpation", "gp letter", "gp",
    "referral letter", "clinically", "symptoms", "symptom", "o/e", "on examination", "examination by the clinician",
    "clinical breast examination", "cbe", "on palpation", "reason for exam", "reason for examination",
    "reason for study", "reason for the exam", "reason for the examination", "reason for referral", "purpose",
    "reason for visit", "reason for attendance", "presenting symptom", "presenting symptoms", "presentation",
    "complaint", "complaints", "chief complaint", "chief complaints", "presenting complaint", "reason", "anamnesis",
    "past history", "surgical history", "family history", "medical history", "patient history", "breast history",
    "comparisons", "prior studies", "prior exams", "compared with", "procedure", "views", "exam", "examination",
    "referral", "request", "clinical request", "requisition", "referral details", "clinical notes", "clinical context",
    "clinical info", "callback", "callback from screening", "recall from screening", "recall reason",
    "reason for recall", "recalled for", "reason for imaging", "reason for request",
    "anamnestic data", "clinical query", "query",
)  # fmt: skip
"""Sections that speak of why the image was made or of an older one: nothing in them is a finding of this report."""
_SPOKEN_SECTIONS = (
    r"findings?|fundings|(?:mammographic |imaging |ultrasound |radiological |radiographic "
    r"|radiologic )?findings?|imaging|mammo|mammographically|radiologically|x-?ray mammography|impressions?|imp"
    r"|(?:final |overall "
    r"|bi-?rads )?"
    r"assessment|conclusions?|opinion|(?:breast |brest |tissue )?compositions?|(?:breast |tissue "
    r"|parenchymal )?density|"
    r"recommendations?|answers?|reports?|results?|mammogra(?:m|phy)|description|interpretation|diagnosis|summary|comments?"
)
# A full stop ends a sentence, but not within a number, "e.g.", "i.e.", "l. breast", "lt.", "vs.", "cat. 4".
_BOUNDARY = re.compile(
    r"[\n;!]|\.(?!\d)(?<!\be\.(?=g))(?<!\be\.g\.)(?<!\bi\.(?=e))(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bapprox\.)(?<!\bcat\.)"
    r"(?<!\blt\.)(?<!\brt\.)(?<!\bno\.(?=\s\d))(?<!\b[lr]\.(?=\s?breast))|(?<!\d)\.(?=\d)"
    rf"|\?(?=\s(?:{_SPOKEN_SECTIONS})\s?:)"
)
_AFTER_FINDINGS = (
    "impression", "impressions", "imp", "assessment", "conclusion", "conclusions", "opinion", "recommendation",
    "recommendations", "diagnosis", "summary", "comment", "comments",
)  # fmt: skip
_PARTS = r"(?:right|left|both|rt|lt)(?: breasts?)?|ultrasound|usg|sonography|mass(?:es)?|(?:micro)?calcifications?"
"""Parts of a section of findings: headers only in that they end a section that isn't one."""
_SECTION = re.compile(
    r"\s?(?:[-\d.)]{0,3}\s?)?"
    rf"(?P<name>(?P<unasked>{'|'.join(sorted(UNASKED_SECTIONS, key=len, reverse=True))})|(?P<part>{_PARTS})"
    rf"|(?:{_SPOKEN_SECTIONS}))"
    r"\s?(?::|(?<![a-z]{14})-\s|(?=\n)|\Z)"
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
        headers: list[tuple[int, int, str, bool]] = []
        ends: list[int] = []
        for start in self._starts:
            match = _SECTION.match(self.text, start)
            if match is None:
                continue
            unasked = headers[-1][3] if headers else False
            if not match["part"]:
                headers.append((match.start("name"), match.end(), match["name"], bool(match["unasked"])))
            elif unasked:
                headers.append((match.start("name"), match.end(), "", False))
        starts = [start for start, _, _, _ in headers]
        names = [name for _, _, name, _ in headers]
        for at, (_, begin, _, is_unasked) in enumerate(headers):
            following = headers[at + 1] if at + 1 < len(headers) else None
            next_spoken = next((name for _, _, name, unasked in headers[at + 1 :] if not unasked), "impression")
            if not is_unasked or not next_spoken.endswith(_AFTER_FINDINGS):
                continue
            # No header says where the findings begin: the section is its line, or its first sentence.
            end = self._end_of_line_or_sentence(begin, following[0] if following else len(self.text))
            if following is None or end < following[0]:
                ends.append(end)
        for end in ends:
            place = bisect_right(starts, end)
            starts.insert(place, end)
            names.insert(place, "")
        return starts, names

    def _end_of_line_or_sentence(self, begin: int, limit: int) -> int:
        content = next((i for i in range(begin, limit) if not self.text[i].isspace()), limit)
        line = self.text.find("\n", content, limit)
        return line if line >= 0 else min(limit, self.sentence_end(content)) if content < limit else limit

    @property
    def section_starts(self) -> list[int]:
        """Return where each section header stands, in text order."""
        return [start for start, name in zip(*self._sections, strict=True) if name]

    def section(self, position: int) -> str:
        """Return the header under which `position` stands, such as "impression"; empty before the first header."""
        starts, names = self._sections
        index = bisect_right(starts, position)
        return names[index - 1] if index else ""


def normalise(report: str) -> ReportText:
    """Normalise a report: one spelling of characters, words, fields and lines, in lower case.

    NFKC, one dash, no invisible characters, no Markdown; words cut short written out (`abbreviations.py`), slips of the
    keyboard mended (`spelling.py`), dividers of fields made one (`fields.py`), wrapped lines joined.
    """
    if "*" in report:
        report = _TIMES.sub("x", report)
    text = report.replace("\\n", "\n").replace("\u2122", "").translate(_CHARACTERS).translate(_FRACTIONS)
    text = _join_by_case(unicodedata.normalize("NFKC", text).translate(_CHARACTERS)).lower()
    if "(r)" in text and "(l)" not in text:
        text = _TRADEMARK.sub("", text)
    elif "(tm)" in text:
        text = text.replace("(tm)", "")
    if "s)" in text:
        text = _PLURAL.sub(r"\g<ending>", text)
    text = _LINES.sub("\n", _SPACES.sub(" ", text)).strip()
    text = _BLANKS.sub(
        " ", as_lines(mended(written_out(in_plain_words(without_corrections(with_marks(text))))))
    ).strip()
    return ReportText(_unwrap(text))


_TIMES = re.compile(r"(?<=\d)\s?\*\s?(?=\d)|(?<=[mM])\s?\*\s?(?=\d)")
_LOWER_LINE = re.compile(r"(?<![.:;!?\s|])[ \t]*\n[ \t]*(?=[a-z])(?![^\n]{0,200}[|\t])")
_LOWER_START = re.compile(r"[.:;!?\n][ \t]*\n[ \t]*[a-z]")


def _join_by_case(text: str) -> str:
    """Join lines that were wrapped within a sentence, where the text begins its sentences with capitals."""
    first = next((c for c in text if c.isalpha()), "")
    if "\n" not in text or not first.isupper() or _LOWER_START.search(text):
        return text
    return _LOWER_LINE.sub(" ", text)


def _unwrap(text: str) -> str:
    lines = text.split("\n")
    joined = [lines[0]]
    for previous, line in pairwise(lines):
        wrapped = (
            _WRAP_AFTER.search(previous, max(0, len(previous) - 20)) or _WRAP_BEFORE.match(line)
        ) and not _FIELD.match(line)
        joined.append((" " if wrapped else "\n") + line)
    return "".join(joined)
