"""Against a server on this machine that answers as figshare's API and file store do."""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import tifffile
from small_release import picture, report_text

from benchmark.data.dmid import read
from benchmark.data.download import Fetched, download
from benchmark.errors import RunFailed, UserError


def packed(files: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return buffer.getvalue()


def tiff(seed: int) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, picture(seed, 200, 150))
    return buffer.getvalue()


class Figshare(ThreadingHTTPServer):
    """The article's files, and how the server misbehaves."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {
            "TIFF Images.zip": packed({f"TIFF Images/IMG{i:03d}.tif": tiff(i) for i in range(1, 5)}),
            "Reports.zip": packed({f"Reports/Img{i:03d}.txt": report_text(findings=str(i)) for i in range(1, 5)}),
            "DICOM Images.zip": packed({"DICOM Images/IMG001.dcm": b"x"}),
            "Info.txt": b"IMG001 G NORM N\n",
        }
        self.listed = {name: hashlib.md5(content).hexdigest() for name, content in self.files.items()}
        self.sizes = {name: len(content) for name, content in self.files.items()}
        self.breaks: dict[str, list[int]] = {}  # name to bytes after which each next transfer of it breaks off
        self.answers: dict[str, list[int]] = {}  # path to statuses of the next answers
        self.ranges = True
        self.page_size_limit = 1000
        self.requests: list[tuple[str, str | None]] = []

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v2"

    def list_files(self) -> list[dict[str, Any]]:
        return [
            {
                "id": i,
                "name": name,
                "size": self.sizes[name],
                "is_link_only": False,
                "download_url": f"http://127.0.0.1:{self.server_port}/files/{i}",
                "supplied_md5": md5,
                "computed_md5": md5,
                "mimetype": "application/zip",
            }
            for i, (name, md5) in enumerate(self.listed.items())
        ]


class Handler(BaseHTTPRequestHandler):
    server: Figshare

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.requests.append((url.path, self.headers.get("Range")))
        waiting = self.server.answers.get(url.path)
        if waiting:
            self.send_error(waiting.pop(0))
        elif url.path == "/v2/articles/24522883/versions/2/files":
            query = {key: int(value[0]) for key, value in parse_qs(url.query).items()}
            start = (query["page"] - 1) * query["page_size"]
            body = json.dumps(self.server.list_files()[start : start + query["page_size"]]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif url.path.startswith("/files/"):
            self.send_response(302)  # figshare sends on to its store
            self.send_header("Location", url.path.replace("/files/", "/store/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif url.path.startswith("/store/"):
            self.send_file(list(self.server.listed)[int(url.path.rsplit("/", 1)[1])])
        else:
            self.send_error(404)

    def send_file(self, name: str) -> None:
        content = self.server.files[name]
        start = 0
        wanted_range = self.headers.get("Range")
        if wanted_range and self.server.ranges:
            start = int(wanted_range.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        breaks = self.server.breaks.get(name)
        self.wfile.write(body[: breaks.pop(0)] if breaks else body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def figshare() -> Iterator[Figshare]:
    server = Figshare()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def fetch(figshare: Figshare, folder: Path, **options: Any) -> Fetched:
    return download(folder, api=figshare.api, wait=0.001, **options)


def visible(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_the_release_is_fetched_verified_unpacked_and_readable(figshare: Figshare, tmp_path: Path) -> None:
    calls = {}
    outcome = fetch(
        figshare, tmp_path / "dmid", progress=lambda name, received, size: calls.update({name: (received, size)})
    )
    assert outcome.fetched == tuple(figshare.files)
    assert visible(tmp_path / "dmid") == ["DICOM Images", "Info.txt", "Reports", "TIFF Images"]
    release = read(tmp_path / "dmid")
    assert [s.id for s in release.studies] == ["Img001", "Img002", "Img003", "Img004"]
    assert release.studies[0].tissue == "G"
    assert release.problems == ()
    assert calls == {name: (size, size) for name, size in figshare.sizes.items()}
    assert [p.name for p in (tmp_path / "dmid/.download").iterdir()] == ["done.json"]


def test_a_second_call_fetches_nothing(figshare: Figshare, tmp_path: Path) -> None:
    fetch(figshare, tmp_path)
    figshare.requests.clear()
    outcome = fetch(figshare, tmp_path)
    assert (outcome.fetched, outcome.present) == ((), tuple(figshare.files))
    assert [path for path, _ in figshare.requests] == ["/v2/articles/24522883/versions/2/files"]


def test_files_can_be_left_out_and_fetched_later(figshare: Figshare, tmp_path: Path) -> None:
    outcome = fetch(figshare, tmp_path, skip=["DICOM*"])
    assert outcome.skipped == ("DICOM Images.zip",)
    assert "DICOM Images" not in visible(tmp_path)
    assert fetch(figshare, tmp_path).fetched == ("DICOM Images.zip",)


def test_archives_can_be_kept(figshare: Figshare, tmp_path: Path) -> None:
    fetch(figshare, tmp_path, keep_archives=True)
    assert (tmp_path / ".download/Reports.zip").read_bytes() == figshare.files["Reports.zip"]


def test_a_transfer_that_breaks_off_goes_on_from_there_within_one_call(figshare: Figshare, tmp_path: Path) -> None:
    figshare.breaks["TIFF Images.zip"] = [1000, 500]
    fetch(figshare, tmp_path)
    ranges = [r for path, r in figshare.requests if path == "/store/0"]
    assert ranges == [None, "bytes=1000-", "bytes=1500-"]
    assert len(read(tmp_path).studies) == 4


def test_a_transfer_that_stays_broken_goes_on_with_the_next_call(figshare: Figshare, tmp_path: Path) -> None:
    figshare.breaks["TIFF Images.zip"] = [700] + [0] * 20
    with pytest.raises(RunFailed, match=r"TIFF Images\.zip.*broke off.*goes on from there"):
        fetch(figshare, tmp_path)
    assert visible(tmp_path) == []
    figshare.breaks.clear()
    figshare.requests.clear()
    fetch(figshare, tmp_path)
    assert [r for path, r in figshare.requests if path == "/store/0"] == ["bytes=700-"]
    assert len(read(tmp_path).studies) == 4


def test_a_server_without_ranges_is_read_from_the_start(figshare: Figshare, tmp_path: Path) -> None:
    figshare.ranges = False
    figshare.breaks["Reports.zip"] = [100]
    fetch(figshare, tmp_path)
    assert len(read(tmp_path).studies) == 4


def test_a_part_that_was_damaged_on_disk_is_fetched_anew(figshare: Figshare, tmp_path: Path) -> None:
    working = tmp_path / ".download"
    working.mkdir()
    content = figshare.files["TIFF Images.zip"]
    (working / "TIFF Images.zip.part").write_bytes(b"?" * 500 + content[500:900])
    fetch(figshare, tmp_path)
    assert [r for path, r in figshare.requests if path == "/store/0"] == ["bytes=900-", None]
    assert len(read(tmp_path).studies) == 4


def test_a_part_longer_than_the_file_is_fetched_anew(figshare: Figshare, tmp_path: Path) -> None:
    (tmp_path / ".download").mkdir()
    (tmp_path / ".download/Reports.zip.part").write_bytes(b"x" * 100_000)
    fetch(figshare, tmp_path)
    assert len(read(tmp_path).studies) == 4


def test_what_is_not_what_is_listed_is_refused_and_removed(figshare: Figshare, tmp_path: Path) -> None:
    content = figshare.files["Reports.zip"]
    figshare.files["Reports.zip"] = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(RunFailed, match=r"Reports\.zip: its MD5 is"):
        fetch(figshare, tmp_path)
    assert visible(tmp_path) == ["TIFF Images"]
    assert not list((tmp_path / ".download").glob("Reports*"))


def test_more_than_is_listed_is_not_written(figshare: Figshare, tmp_path: Path) -> None:
    figshare.files["Info.txt"] = b"x" * 5_000_000
    with pytest.raises(RunFailed, match=r"more than the 16 bytes"):
        fetch(figshare, tmp_path)
    assert sum(p.stat().st_size for p in (tmp_path / ".download").glob("Info*")) <= 16


def test_passing_errors_of_the_server_are_waited_out(figshare: Figshare, tmp_path: Path) -> None:
    figshare.answers["/v2/articles/24522883/versions/2/files"] = [503, 429]
    figshare.answers["/store/1"] = [500, 502]
    assert fetch(figshare, tmp_path).fetched == tuple(figshare.files)


@pytest.mark.parametrize("status", [404, 403])
def test_other_errors_are_told_at_once(figshare: Figshare, tmp_path: Path, status: int) -> None:
    figshare.answers["/v2/articles/24522883/versions/2/files"] = [status]
    with pytest.raises(RunFailed, match=f"HTTP {status}"):
        fetch(figshare, tmp_path)
    assert len(figshare.requests) == 1


def test_a_list_of_many_pages(figshare: Figshare, tmp_path: Path) -> None:
    for i in range(205):
        figshare.files[f"note{i}.txt"] = b"x"
        figshare.listed[f"note{i}.txt"] = hashlib.md5(b"x").hexdigest()
        figshare.sizes[f"note{i}.txt"] = 1
    outcome = fetch(figshare, tmp_path, skip=["note*"])
    assert len(outcome.skipped) == 205
    assert len(outcome.fetched) == 4


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out", "a/b.txt", "..\\out.txt", ".hidden"])
def test_names_that_are_paths_are_refused(figshare: Figshare, tmp_path: Path, name: str) -> None:
    figshare.files[name] = b"x"
    figshare.listed[name] = hashlib.md5(b"x").hexdigest()
    figshare.sizes[name] = 1
    with pytest.raises(RunFailed, match="no plain file names"):
        fetch(figshare, tmp_path / "dmid")
    assert list(tmp_path.rglob("*")) == []


def test_a_hostile_archive_is_not_unpacked(figshare: Figshare, tmp_path: Path) -> None:
    content = packed({"../../out.txt": "x"})
    figshare.files["Reports.zip"] = content
    figshare.listed["Reports.zip"] = hashlib.md5(content).hexdigest()
    figshare.sizes["Reports.zip"] = len(content)
    with pytest.raises(RunFailed, match="leads outside"):
        fetch(figshare, tmp_path / "a/b")
    assert not list(tmp_path.rglob("out.txt"))
    assert visible(tmp_path / "a/b") == ["TIFF Images"]


def test_what_another_put_there_is_not_replaced(figshare: Figshare, tmp_path: Path) -> None:
    (tmp_path / "Reports").mkdir()
    (tmp_path / "Reports/mine.txt").write_text("mine")
    with pytest.raises(UserError, match="Reports is here already"):
        fetch(figshare, tmp_path)
    assert (tmp_path / "Reports/mine.txt").read_text() == "mine"


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(figshare: Figshare, tmp_path: Path) -> None:
    figshare.sizes["TIFF Images.zip"] = 10**15
    with pytest.raises(UserError, match=r"GB are needed.*--skip"):
        fetch(figshare, tmp_path)
    assert all(not path.startswith("/store") for path, _ in figshare.requests)


def test_a_skip_that_leaves_nothing(figshare: Figshare, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leaves nothing"):
        fetch(figshare, tmp_path, skip=["*"])


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="could not be read"):
        download(tmp_path, api="http://127.0.0.1:9", wait=0.001)


def test_an_answer_that_is_no_list_of_files(
    figshare: Figshare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figshare, "list_files", lambda: [{"message": "gone"}])
    with pytest.raises(RunFailed, match="not the answer of a figshare API"):
        fetch(figshare, tmp_path)
