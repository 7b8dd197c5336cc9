"""The methods statement as a document: what it says first, its blanks, and that no text can break it."""

import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.methods import methods
from benchmark.board.methods_model import SOURCES
from benchmark.board.model import Board, NotThere
from benchmark.board.results import read_results
from benchmark.pages.methods import BLANK, document

HOSTILE = "# a | b `code` <script>alert(1)</script> **bold** [link](http://x) _it_ \\| $m$ & more"
SECTIONS = ["Study", "Data", "Models", "Evaluation", "Results", "Openness", "Checklists"]


@pytest.fixture(scope="module")
def board(stored: StoredSuite) -> Board:
    return collect(read_results(stored.results, "stored"))


class _Page(HTMLParser):
    """A page's headings, paragraphs, bold texts, blocks of code, entries, rows of tables, and tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: dict[str, list[str]] = {tag: [] for tag in ("h1", "h2", "p", "strong", "pre", "li", "tr")}
        self._open: list[str] = []
        self.feed(MarkdownIt("gfm-like", {"linkify": False}).render(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag in self.texts:
            self._open.append(tag)
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.texts:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.texts[tag][-1] += data


def test_it_says_first_that_miniatures_on_phantoms_are_no_published_models(board: Board) -> None:
    first = _Page(document(board)).texts["p"][0]
    assert first.startswith("Miniatures on 120 digital phantoms (drawn images, not mammograms)")
    assert "say nothing about the published models" in first
    assert "Research software, not a medical device" in first


def test_every_item_stands_there_filled_or_visibly_blank(board: Board) -> None:
    page, statement = _Page(document(board)), methods(board)
    assert page.texts["h2"] == SECTIONS
    for item in statement.items:
        paragraph = next(p for p in page.texts["p"] if p.startswith(f"{item.topic}. "))
        assert paragraph.startswith(f"{item.topic}. {BLANK}: {item.needed}.") == (item.text is None)
        # Blank space aside, which markdown doesn't keep.
        words = " ".join(paragraph.split())
        assert item.text is None or " ".join(item.text.split()) in words
        for entry in item.entries:
            assert " ".join(entry.split()) in [" ".join(e.split()) for e in page.texts["li"]]
    blanks = sum(text == BLANK for text in page.texts["strong"])
    rows = [row for row in page.texts["tr"] if BLANK in row]
    assert blanks == 1 + len(statement.blank) + len(rows)  # one in the sentence that explains the mark
    assert f"{len(statement.blank)} that no run can know" in page.texts["p"][1]


def test_every_number_that_is_asked_for_has_one_line_in_the_table(board: Board) -> None:
    page, statement = _Page(document(board)), methods(board)
    requested = {(by.checklist, by.number or item.topic) for item in statement.items for by in item.asked_by}
    assert len(page.texts["tr"]) == 1 + len(requested)
    numbers = re.findall(r"^\| TRIPOD-LLM +\| (\S+)", document(board), re.MULTILINE)
    assert numbers == sorted(numbers, key=lambda number: (int(number.rstrip("abcdef")), number))
    for name, source in SOURCES.items():
        assert f"{name}: {source}" in page.texts["li"]


def test_hostile_text_is_shown_as_itself(board: Board) -> None:
    suite = board.suite.model_copy(
        update={"title": HOSTILE, "protocol": board.suite.protocol.model_copy(update={"prompt": HOSTILE})}
    )
    checkpoints = [c.model_copy(update={"name": HOSTILE, "hub_id": HOSTILE}) for c in board.checkpoints]
    changed = {
        "suite": suite, "checkpoints": tuple(checkpoints), "labeler": HOSTILE,
        "signatures": dict.fromkeys(board.signatures, HOSTILE),
        "data": board.data.model_copy(update={"summary": HOSTILE}),
        "split": board.split.model_copy(update={"name": HOSTILE, "rule": HOSTILE}),
        "run": board.run.model_copy(update={"command": HOSTILE, "machines": (HOSTILE,), "commits": (HOSTILE,)}),
        "failed": (NotThere(label=HOSTILE, reason=f"{HOSTILE}\n\n## heading\n\n- x"),),
    }  # fmt: skip
    page = _Page(document(board.model_copy(update=changed)))
    assert page.tags <= {
        "h1", "h2", "p", "strong", "ul", "li", "code", "pre", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    assert page.texts["h2"] == SECTIONS
    assert page.texts["h1"] == [f"Methods of {HOSTILE}"]
    assert page.texts["pre"] == [f"{HOSTILE}\n"]
    assert f"Failed: {HOSTILE}: {HOSTILE} ## heading - x" in page.texts["li"]
    assert sum(HOSTILE in p for p in page.texts["p"]) >= 6


def test_a_prompt_of_several_lines_stays_one_block(board: Board) -> None:
    prompt = "First line.\n\n\tIndented: `x`\n```\n<b>last</b>\u2028\x1b[31m"
    suite = board.suite.model_copy(update={"protocol": board.suite.protocol.model_copy(update={"prompt": prompt})})
    page = _Page(document(board.model_copy(update={"suite": suite})))
    assert len(page.texts["pre"]) == 1
    block = re.sub(r"[ \t]+", " ", page.texts["pre"][0])
    assert block == "First line.\n\n Indented: `x`\n```\n<b>last</b>\n[31m\n"
    assert page.texts["h2"] == SECTIONS


def test_the_same_board_gives_the_same_text(board: Board) -> None:
    assert document(board) == document(Board.model_validate_json(board.model_dump_json()))
