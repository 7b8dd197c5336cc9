"""What dead processes left is cleared up, and what somebody works on stays."""

from pathlib import Path

from backbones.locks import Lock, temporary_folder
from benchmark.disk.files import atomic_file
from benchmark.results.store import Store
from benchmark.results.upkeep import clear_up


def test_what_nobody_works_on_goes_and_the_rest_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    dead, alive = tmp_path / "0", tmp_path / "1"
    for trial in (dead, alive):
        trial.mkdir()
        (temporary_folder(trial / "adapter") / "half").write_text("")
    for name in ("phantoms", "miniature"):
        temporary_folder(tmp_path / name)
    (dead / ".amrg-00.scores.json").write_text("half")
    (tmp_path / ".locks").mkdir()
    (tmp_path / ".locks/dead.lock").write_text("")
    (dead / ".mine").write_text("something else that is hidden")
    held = [store.lock("1"), Lock(tmp_path / ".miniature.lock")]
    assert all(lock.take() for lock in held)
    with atomic_file(alive / "scores.json") as temporary:
        temporary.write_text("half")
        clear_up(tmp_path)
        assert temporary.exists()
    assert not list(dead.glob(".adapter*"))
    assert not list(dead.glob(".amrg*"))
    assert not list(tmp_path.glob(".phantoms*"))
    assert list(alive.glob(".adapter.*"))
    assert len(list(tmp_path.glob(".miniature.*"))) == 2
    assert (dead / ".mine").exists()
    assert [path.name for path in (tmp_path / ".locks").iterdir()] == ["1.lock"]
    for lock in held:
        lock.release()
    clear_up(tmp_path)
    assert {path.name for path in tmp_path.rglob(".*")} == {".locks", ".mine"}
