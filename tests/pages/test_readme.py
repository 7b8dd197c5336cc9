"""The documents of a leaderboard: what they say first, and that no name or reason can break them."""

import csv
import json
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.format import escape, table
from benchmark.board.model import Board, NotThere
from benchmark.board.published import PUBLISHED
from benchmark.board.results import read_results
from benchmark.pages.csv import in_parts
from benchmark.pages.leaderboard import files_of

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "a | b `code` <script>alert(1)</script> **bold** [link](http://x) _it_ \\| $m$\nnext & more"


@pytest.fixture(scope="module")
def board(stored: StoredSuite) -> Board:
    return collect(read_results(stored.results, "stored"))


@pytest.fixture(scope="module")
def files(board: Board) -> dict[str, bytes]:
    return files_of(board)


def _html(text: str) -> str:
    return MarkdownIt("gfm-like", {"linkify": False}).render(text)


def _headings(text: str) -> set[str]:
    """The headings of a document, as links name them."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    return {tokens[i + 1].content.lower().replace(" ", "-") for i, t in enumerate(tokens) if t.type == "heading_open"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))))
@example("__0__")
def test_escaped_text_is_shown_as_itself_in_a_cell(text: str) -> None:
    page = _Text()
    page.feed(_html(table(["head"], [[f"x{escape(text)}x"]])))
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td"}
    cell = page.text.split("head", 1)[1].strip()
    assert "".join(cell.split()) == "x" + "".join(text.split()) + "x"


def test_a_reason_can_hold_anything(board: Board) -> None:
    hostile = board.model_copy(update={"failed": (NotThere(label="x", reason=HOSTILE),)})
    page = _Text()
    page.feed(_html(files_of(hostile)["README.md"].decode()))
    assert "script" not in page.tags
    assert "<script>alert(1)</script> **bold** [link](http://x) _it_ \\| $m$ next & more" in page.text


def test_every_row_of_every_table_has_the_cells_of_its_head(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".md"):
            for block in content.decode().split("\n\n"):
                lines = block.strip().split("\n")
                if all(line.startswith("|") for line in lines):
                    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1, name


def test_the_first_sentence_says_that_miniatures_on_phantoms_say_nothing_of_models(files: dict[str, bytes]) -> None:
    first = files["README.md"].decode().split("\n\n")[1]
    assert first.startswith("**Miniatures on 120 digital phantoms (drawn images, not mammograms)")
    assert "say nothing about the published models" in first
    assert "not a medical device" in first
    assert "medgemma-4b-it (miniature)" in files["README.md"].decode()


def test_on_mammograms_the_first_sentence_does_not_speak_of_dmid_models(board: Board) -> None:
    real = board.model_copy(update={"data": board.data.model_copy(update={"source": "dmid"})})
    first = files_of(real)["README.md"].decode().split("\n\n")[1]
    assert first.startswith("**Miniatures on 120 mammograms in DMID's layout")


def test_all_links_and_images_resolve(files: dict[str, bytes]) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(files["README.md"].decode())
    headings = {name: _headings(files[name].decode()) for name in ("README.md", "scores.md")}
    inline = [child for token in tokens for child in token.children or []]
    images = [str(t.attrs["src"]) for t in inline if t.type == "image"]
    links = [str(t.attrs["href"]) for t in inline if t.type == "link_open"]
    assert len(images) == 6
    assert all(t.content for t in inline if t.type == "image"), "alternative text"
    for target in (*images, *links):
        file, _, heading = target.partition("#")
        assert (file or "README.md") in files, target
        assert not heading or heading in headings[file or "README.md"], target
    assert {f for f in files if f.endswith(".png")} == set(images)


def test_published_rows_stand_apart_with_their_sources(files: dict[str, bytes]) -> None:
    text = files["README.md"].decode()
    part = text.split("## Published results", 1)[1].split("\n## ", 1)[0]
    assert "not comparable" in part
    for published in PUBLISHED:
        assert published.name in part
        assert published.source in part
        assert published.name not in text.split("## Floors", 1)[0]


def test_the_csv_has_every_number_of_the_json(board: Board, files: dict[str, bytes]) -> None:
    rows = list(csv.DictReader(StringIO(files["results.csv"].decode())))
    content = json.loads(files["results.json"])
    assert content["kind"] == "suite"
    by_key = {(r["kind"], r["name"], r["rank"], r["alpha"], r["seed"], r["score"]): r for r in rows}
    assert len(by_key) == len(rows)
    for row in content["rows"]:
        point = (row["name"], str(row["rank"]), str(row["alpha"]))
        for name, score in row["scores"].items():
            line = by_key["row", *point, "", name]
            if score["value"] is None:
                assert line["value"] == ""
            else:
                assert float(line["value"]) == pytest.approx(score["value"], rel=1e-5, abs=1e-6)
                assert line["signature"]
            for seed, value in zip(row["seeds"], score["by_seed"], strict=True):
                assert (by_key["seed", *point, str(seed), name]["value"] == "") == (value is None)


def test_a_model_card_is_valid_and_says_whether_the_floor_is_cleared(files: dict[str, bytes]) -> None:
    text = files["model-cards/medgemma-4b-it.md"].decode()
    front, body = text.split("---\n")[1:3]
    card = yaml.safe_load(front)
    assert card["library_name"] == "peft"
    assert "base_model" not in card, "a miniature is not the model it is named after"
    names = [m["type"] for m in card["model-index"][0]["results"][0]["metrics"]]
    assert "rouge_l" in names
    assert "image-blind floor" in body
    assert "not a medical device" in body


def test_a_folder_s_weights_are_not_taken_for_the_published_ones(board: Board) -> None:
    checkpoints = [c.model_copy(update={"miniature": False, "folder": True, "hub_id": "google/medgemma-4b-it",
                                        "revision": "290cda5eeccb"}) for c in board.checkpoints]  # fmt: skip
    files = files_of(board.model_copy(update={"checkpoints": tuple(checkpoints)}))
    card, page = (files[name].decode() for name in ("model-cards/medgemma-4b-it.md", "README.md"))
    assert "base_model" not in yaml.safe_load(card.split("---\n")[1])
    assert "whether its weights are the published ones isn't known" in card
    assert checkpoints[0].fingerprint[:16] in card
    assert "a folder in the layout of google/medgemma-4b-it, whose weights aren't known" in page
    assert "with weights from a folder, published ones or not," in card
    assert "290cda5eeccb" not in card + page


def test_the_golden_leaderboard_is_drawn_as_before() -> None:
    stored = Board.model_validate_json((GOLDEN / "results.json").read_text(encoding="utf-8"))
    again = files_of(stored)
    for name in ("README.md", "scores.md", "results.csv", "results.json"):
        assert again[name].decode() == (GOLDEN / name).read_text(encoding="utf-8"), (
            f"{name} changed. If that is meant: python tests/pages/write_golden.py"
        )


DIGESTS = {
    1: "e011a4aa646772f7d40335901737f1a8dcc1e97e1a2f2d56b6522472068e5fc7",
    2: "3ea72421bc89221f842b5d2ed0ed084c800454a6edfa5ad2728abf15e548b6f5",
    3: "8052e5223a0c55e83f1bd336f5e30fe8eb4c69e46ab7c05591323f30337f77a6",
    4: "9aacb7694a633f1a6849316718cbfec156bf1fe38b0110c954903ff0a4cf0f56",
    5: "54960510e52b3dc6b60c66afa9cf6f327dde6c375ec4f4c3a35a26cb5d7ace96",
    6: "997a9a0167dbe0b433de573b55dbd07a441e4b4615eb9201b89132f8549c9fc7",
    7: "78aafc41e55084b1590eb3c80bf4daaad68d8158639e416f60b4e32097f3f7f9",
    8: "3792da6008db3589c2ba4ca3c5f53c3b1863429122c883e6fcb9641c6c1451fa",
}
"""The digest of the golden leaderboard, by the version of documents that makes it."""


def test_documents_and_figures_change_with_their_version_only() -> None:
    """Of figures the words and styles, not the coordinates: those differ with fonts and processors."""
    import hashlib
    import re

    from benchmark.board.model import DOCUMENTS

    board = Board.model_validate_json((GOLDEN / "results.json").read_text(encoding="utf-8"))
    total = hashlib.sha256()
    for name, content in sorted(files_of(board).items()):
        if name.endswith(".svg"):
            marks = re.findall(r"<!-- .*? -->|style=\"[^\"]*\"", content.decode())
            content = "\n".join(mark for mark in marks if "amrg:" not in mark).encode()
        if not name.endswith(".png"):
            total.update(name.encode() + b"\0" + content + b"\0")
    assert DIGESTS.get(DOCUMENTS) == total.hexdigest(), (
        "a leaderboard's documents or figures changed: raise DOCUMENTS in benchmark/board/model.py and write the new "
        f"digest here: {total.hexdigest()}"
    )


def test_a_table_that_is_too_large_comes_in_parts_that_are_read_by_themselves_and_together() -> None:
    text = "name,value\n" + "".join(f"row {number},{number}\n" for number in range(1000))
    assert in_parts(text) == {"results.csv": text}
    parts = in_parts(text, most=3000)
    assert [*parts] == ["results.csv", *(f"results-{number}.csv" for number in range(2, len(parts) + 1))]
    assert len(parts) > 3
    assert all(len(part) <= 3000 for part in parts.values())
    rows = [row for part in parts.values() for row in csv.DictReader(StringIO(part))]
    assert rows == list(csv.DictReader(StringIO(text)))
