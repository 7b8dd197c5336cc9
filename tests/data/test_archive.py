import stat
import zipfile
from pathlib import Path
from zipfile import ZipInfo

import pytest

from benchmark.data.archive import SMALLEST_LIMIT, unpack
from benchmark.errors import RunFailed


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Return archive, target and temporary folder inside a folder of their own, so that an escape would be seen."""
    home = tmp_path / "home"
    home.mkdir()
    return home / "a.zip", home / "a", home / ".unpacking"


def test_a_zip_is_unpacked_as_it_is(places: tuple[Path, Path, Path]) -> None:
    archive, target, temporary = places
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("TIFF Images/IMG001.tif", b"one" * 1000)
        out.mkdir("TIFF Images/empty")
        out.writestr("Info.txt", "two")
    unpack(archive, target, temporary=temporary)
    assert (target / "TIFF Images/IMG001.tif").read_bytes() == b"one" * 1000
    assert (target / "TIFF Images/empty").is_dir()
    assert (target / "Info.txt").read_text() == "two"
    assert not temporary.exists()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE = {
    "a parent": ["../out.txt"],
    "a parent further in": ["a/../../out.txt"],
    "an absolute path": ["/tmp/amrg-out.txt"],
    "a drive": ["C:/out.txt"],
    "a parent with backslashes": ["a\\..\\..\\out.txt"],
    "a link": [link("out")],
    "the same name twice": ["a.txt", "A.txt", "a.txt"],
}


@pytest.mark.parametrize("names", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_hostile_zip_leaves_nothing(
    places: tuple[Path, Path, Path], tmp_path: Path, names: list[str | ZipInfo]
) -> None:
    archive, target, temporary = places
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("good.txt", "good")
        for name in names:
            out.writestr(name, "/etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunFailed, match=r"a\.zip"):
        unpack(archive, target, temporary=temporary)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb_is_refused_before_it_goes_off(places: tuple[Path, Path, Path]) -> None:
    archive, target, temporary = places
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out, out.open("zeros", "w") as zeros:
        for _ in range(SMALLEST_LIMIT // 1_000_000 + 10):
            zeros.write(bytes(1_000_000))
    with pytest.raises(RunFailed, match="would come out of"):
        unpack(archive, target, temporary=temporary)
    assert not temporary.exists()
    assert not target.exists()


def test_a_lie_about_the_size_is_found_and_leaves_nothing(places: tuple[Path, Path, Path]) -> None:
    archive, target, temporary = places
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("a.txt", "content " * 100)
    content = bytearray(archive.read_bytes())
    content[content.index(b"content") + 3] ^= 1
    archive.write_bytes(content)
    with pytest.raises(RunFailed, match="CRC"):
        unpack(archive, target, temporary=temporary)
    assert not temporary.exists()
    assert not target.exists()


def test_a_truncated_zip(places: tuple[Path, Path, Path]) -> None:
    archive, target, temporary = places
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("a.txt", "content " * 100)
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(RunFailed, match="can't be unpacked"):
        unpack(archive, target, temporary=temporary)
    assert not target.exists()


def test_what_was_there_is_replaced_as_a_whole(places: tuple[Path, Path, Path]) -> None:
    archive, target, temporary = places
    target.mkdir()
    (target / "old.txt").write_text("old")
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("new.txt", "new")
    unpack(archive, target, temporary=temporary)
    assert [p.name for p in target.iterdir()] == ["new.txt"]
