"""What is no file of its own in a folder: named and never opened, so that nothing waits for it."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tifffile
from small_release import picture

from benchmark.data.check import check
from benchmark.data.decode import ImageError, decode, look, stored_bytes
from benchmark.data.dmid import Release, read
from benchmark.data.inventory import MOST_LEVELS
from benchmark.data.text import printable, read_text
from benchmark.disk.content import content_hash
from benchmark.errors import UserError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    """End a test that waits for something that never comes."""

    def ring(*_: object) -> None:
        raise TimeoutError("waited for what never comes")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def unix_socket(path: Path) -> None:
    folder = Path.cwd()
    os.chdir(path.parent)  # a socket's whole path has 100 bytes
    try:
        with socket.socket(socket.AF_UNIX) as waiting:
            waiting.bind(path.name)
    finally:
        os.chdir(folder)


def link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def terabytes(path: Path) -> None:
    path.touch()
    os.truncate(path, 10**13)


SPECIAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "is a pipe"),
    "a link to a pipe": (link_to_pipe, "is a pipe"),
    "a socket": (unix_socket, "is a socket"),
    "a link to a device without an end": (lambda p: p.symlink_to("/dev/zero"), "is a device"),
    "a link to a device that waits": (lambda p: p.symlink_to("/dev/tty"), "is a device"),
    "a link to nowhere": (lambda p: p.symlink_to("nothing"), "can't be opened"),
    "a link to itself": (lambda p: p.symlink_to(p.name), "can't be opened"),
    "terabytes of nothing": (terabytes, "bytes"),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_every_reader_refuses_it(tmp_path: Path, name: str) -> None:
    make, reason = SPECIAL[name]
    path = tmp_path / "IMG001.tif"
    make(path)
    with pytest.raises(ImageError, match=rf"IMG001\.tif: .*{reason}"):
        decode(path)
    assert look(path).shape is None
    assert stored_bytes(path) == 0
    with pytest.raises((ValueError, OSError)):
        read_text(path)
    with pytest.raises(OSError, match=str(tmp_path) + "|/dev/"):
        content_hash(path)


@pytest.mark.parametrize("place", ["image", "report", "index", "sheet", "mask", "stranger"])
@pytest.mark.parametrize("name", SPECIAL)
def test_a_folder_with_one_is_read_and_it_is_named(release: Callable[..., Path], name: str, place: str) -> None:
    make, reason = SPECIAL[name]
    folder = release(3)
    (folder / "ROI Masks").mkdir()
    path = {
        "image": folder / "TIFF Images/TIFF Images/IMG002.tif",
        "report": folder / "Reports/Reports/Img002.txt",
        "index": folder / "Info.txt",
        "sheet": folder / "Metadata.xlsx",
        "mask": folder / "ROI Masks/IMG002.tif",
        "stranger": folder / "anything.bin",
    }[place]
    path.unlink(missing_ok=True)
    make(path)
    checked = check(folder, jobs=1)
    named = [p for p in checked.problems if p.path == path.relative_to(folder).as_posix()]
    assert named
    if place != "stranger":
        assert any(reason in p.reason or "larger" in p.reason for p in named)
    lost = place in ("image", "report")
    assert [s.id for s in checked.complete] == (["Img001", "Img003"] if lost else ["Img001", "Img002", "Img003"])
    assert any(p.fatal and p.record == "Img002" for p in named) == lost
    assert read(folder).fingerprint


def reasons(release: Release) -> str:
    return "\n".join(map(str, release.problems))


def test_folders_named_like_files(release: Callable[..., Path]) -> None:
    folder = release(3)
    image = folder / "TIFF Images/TIFF Images/IMG002.tif"
    image.rename(folder / "kept")
    image.mkdir()
    (folder / "kept").rename(image / "IMG002.tif")
    (folder / "Info.txt").mkdir()
    contents = read(folder)
    assert len(contents.studies) == 3
    assert "IMG002.tif: is a folder" in reasons(contents)
    assert "Info.txt: is a folder" in reasons(contents)


def test_links_back_and_around_end(release: Callable[..., Path], tmp_path: Path) -> None:
    folder = release(3)
    (folder / "again").symlink_to(folder)
    (folder / "TIFF Images/up").symlink_to("..")
    (folder / "self").symlink_to("self")
    for i in range(8):  # two ways down at each level: 256 paths to one place
        level = tmp_path / f"level{i}"
        level.mkdir()
        for name in ("left", "right"):
            (level / name).symlink_to(tmp_path / f"level{i + 1}")
    (tmp_path / "level8").mkdir()
    (folder / "around").symlink_to(tmp_path / "level0")
    assert len(read(folder).studies) == 3


def test_folders_too_deep_are_named(release: Callable[..., Path]) -> None:
    folder = release(2)
    deep = folder.joinpath(*["a"] * (MOST_LEVELS + 5))
    deep.mkdir(parents=True)
    tifffile.imwrite(deep / "IMG003.tif", picture())
    assert f"{MOST_LEVELS} folders deep" in reasons(read(folder))


def test_files_that_are_links_out_of_the_folder_are_followed_and_named(
    release: Callable[..., Path], tmp_path: Path
) -> None:
    folder = release(3)
    for number in (1, 2):
        image = folder / f"TIFF Images/TIFF Images/IMG00{number}.tif"
        image.rename(tmp_path / image.name)
        image.symlink_to(tmp_path / image.name)
    contents = read(folder)
    assert len(contents.studies) == 3
    assert [p.fatal for p in contents.problems] == [False]
    assert "and 1 more files are links out of this folder" in reasons(contents)


def test_what_may_not_be_read_is_named(release: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = release(4)
    (folder / "Locked").mkdir()
    shut = {"IMG001.tif", "Img002.txt"}
    access, scandir = os.access, os.scandir

    def guarded(path: str | Path) -> object:
        if Path(path).name == "Locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda path, mode: Path(path).name not in shut and access(path, mode))
        patched.setattr(os, "scandir", guarded)
        contents = read(folder)
    assert [s.id for s in contents.studies] == ["Img003", "Img004"]
    assert {p.record for p in contents.problems if p.fatal} == {"Img001", "Img002"}
    assert "no permission" in reasons(contents)
    assert "Locked: can't be looked into: Permission denied" in reasons(contents)


def test_files_that_vanish_between_two_looks(release: Callable[..., Path]) -> None:
    folder = release(4)
    contents = read(folder)
    gone = contents.studies[1].image
    assert gone
    gone.unlink()
    with pytest.raises(ImageError, match=r"IMG002\.tif"):
        decode(gone)
    with pytest.raises(UserError, match=r"IMG002\.tif"):
        _ = contents.fingerprint


def test_names_never_reach_a_terminal_as_commands(release: Callable[..., Path]) -> None:
    folder = release(2)
    (folder / "\x1b[2J\x07evil.bin").write_bytes(b"x")
    (folder / "\x1b]0;title\x07").mkdir()
    tifffile.imwrite(folder / "\x1b]0;title\x07" / "IMG001.tif", picture(9))
    (folder / "right\u202eto left.bin").write_bytes(b"x")
    contents = check(folder, jobs=1)
    text = "\n".join(map(str, contents.problems))
    assert all(line.isprintable() for line in text.splitlines())
    assert r"\x1b[2J\x07evil.bin" in text
    assert printable("Bericht für Ä 乳房.tif") == "Bericht für Ä 乳房.tif"


def test_names_that_are_no_text_are_named_and_passed_over(release: Callable[..., Path]) -> None:
    folder = release(2)
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/TIFF \xff\xfe Images"))
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system takes only text for names")
    (odd / "IMG003.tif").write_bytes(b"x")
    contents = read(folder)
    assert "no text; rename it" in reasons(contents)
    reasons(contents).encode()
    assert "Img003" not in reasons(contents)
