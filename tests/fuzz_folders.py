"""Folders in DMID's layout with mutated tables, reports and names: each is read, or refused in words.

`python tests/fuzz_folders.py --count 400` prints every folder that ended otherwise; exit code 1 if there is any. Each
may take `SECONDS` of processor time and `BYTES` of memory beyond what is in use at the start.
"""

import argparse
import io
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import tifffile
from fuzzing import TooSlow, limited, mutated
from small_release import picture, report_text

from benchmark.data.check import check
from benchmark.data.leakage import leakage
from benchmark.data.split_rules import choose
from benchmark.errors import UserError

SECONDS, BYTES = 20, 1_000_000_000
STUDIES = 12
TABLE = [
    ("IMG{:03d}", "CC LT", "G", "CIRC", "B", 12, 20, 5),
    ("IMG{:03d}", "MLO LT", "F", "NORM", None, None, None, None),
    ("IMG{:03d}", "MLO RT", "D", "SPIC", "M", 7, 9, 3),
    ("IMG{:03d}", "CC RT", "G", "CALC", "B", 1, 2, 3),
]
CELLS = ('<c r="XFD1048576"><v>1</v></c>', '<c r="A1" t="s"><v>99999999</v></c>', "<row r='99999999999'/>", "</row>",
         '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>', '<c r="B2" t="inlineStr"><is><t>5</t></is></c>',
         '<dimension ref="A1:XFD1048576"/>', "<f>1/0</f>", '<c r="A2" t="d"><v>2026-99-99</v></c>', "&#0;", "&lol;",
         '<c r="A3" t="e"><v>#REF!</v></c>', "<v>1e400</v>", "<v>nan</v>")  # fmt: skip
"""Parts that are put into a sheet, some of them what no program writes."""
LEVELS = "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 12))
LAUGHS = f'<!DOCTYPE a [<!ENTITY a0 "ha">{LEVELS}]>'
"""Entities that become a hundred thousand million words, where a parser follows them."""


def sound(folder: Path) -> None:
    """Write a sound release."""
    reports, images = folder / "Reports/Reports", folder / "TIFF Images/TIFF Images"
    reports.mkdir(parents=True)
    images.mkdir(parents=True)
    lines, book = [], openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Image", "View", "Tissue", "Abnormality", "Class", "x", "y", "radius"])
    for number in range(1, STUDIES + 1):
        row = [cell.format(number) if isinstance(cell, str) else cell for cell in TABLE[number % len(TABLE)]]
        sheet.append(row)
        lines.append(" ".join(str(cell) for cell in (row[0], *row[2:]) if cell is not None))
        (reports / f"Img{number:03d}.txt").write_text(report_text("ABCD"[number % 4], str(number % 5 + 1)))
        tifffile.imwrite(images / f"IMG{number:03d}.tif", picture(number))
    (folder / "Info.txt").write_text("\n".join(lines) + "\n")
    book.save(folder / "Metadata.xlsx")


def change_workbook(folder: Path, chance: random.Random) -> None:
    """Change a workbook: its bytes, or the text of a part of it, which is packed again so that it is looked into."""
    path = folder / "Metadata.xlsx"
    if chance.random() < 0.2:
        path.write_bytes(mutated(path.read_bytes(), [path.read_bytes()], chance))
        return
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    likely = [name for name in parts if "sheet1" in name or "sharedStrings" in name]
    name = chance.choice([*likely * 4, *parts])
    content = parts[name]
    for _ in range(chance.choice((1, 1, 2, 4))):
        if chance.random() < 0.1:
            start = content.find(b"?>") + 2
            content = content[:start] + LAUGHS.encode() + content[start:].replace(b"IMG", b"&a11;", 1)
        elif chance.random() < 0.5:
            place = chance.choice([0, *(i + 1 for i, byte in enumerate(content) if byte == ord(">"))])
            content = content[:place] + chance.choice(CELLS).encode() + content[place:]
        else:
            content = mutated(content, list(parts.values()), chance)
    parts[name] = content
    if chance.random() < 0.1:
        del parts[chance.choice(list(parts))]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for part, bytes_of_part in parts.items():
            packed.writestr(part, bytes_of_part)
    path.write_bytes(buffer.getvalue())


def change_index(folder: Path, chance: random.Random) -> None:
    """Change `Info.txt`."""
    path = folder / "Info.txt"
    path.write_bytes(mutated(path.read_bytes(), [path.read_bytes()], chance))


def change_sheet_as_text(folder: Path, chance: random.Random) -> None:
    """Put a changed table of text in the workbook's place."""
    (folder / "Metadata.xlsx").unlink(missing_ok=True)
    rows = [",".join(str(cell) for cell in row).format(number) for number in range(9) for row in TABLE]
    content = "\n".join(rows).encode()
    (folder / chance.choice(("Metadata.csv", "Metadata.tsv", "Metadata.xlsx"))).write_bytes(
        mutated(content, [content], chance)
    )


def change_reports(folder: Path, chance: random.Random) -> None:
    """Change some reports."""
    paths = sorted((folder / "Reports/Reports").glob("*.txt"))
    contents = [path.read_bytes() for path in paths]
    for path in chance.sample(paths, chance.randint(1, len(paths))):
        path.write_bytes(mutated(path.read_bytes(), contents, chance))


def change_names(folder: Path, chance: random.Random) -> None:
    """Move, copy, link or replace files and folders by what isn't one."""
    for _ in range(chance.randint(1, 4)):
        path = chance.choice([path for path in sorted(folder.rglob("*")) if path.exists()] or [folder])
        if path == folder:
            return
        target = path.with_name(chance.choice(
            ("Img001.txt", "IMG2.TIF", "img 3.tif", "IMG001 (1).tif", "IMG999999999.txt", "Info.txt", "Metadata.xlsx",
             "IMG\x1b[31m.txt", "x" * 200, "Img٣.txt", "IMG-004.dcm", ".hidden", "__MACOSX", "Reports", "é\u202e.txt")
        ))  # fmt: skip
        how = chance.randrange(8)
        if target.exists() or target.is_symlink():
            continue
        if how < 3:
            path.rename(target)
        elif how == 3:
            shutil.copytree(path, target, symlinks=True) if path.is_dir() else shutil.copy(path, target)
        elif how == 4:
            target.symlink_to(chance.choice((path, folder, target, Path("/nowhere"), Path("/dev/zero"))))
        elif how == 5:
            os.mkfifo(target)
        elif how == 6:
            target.mkdir()
        elif path.is_file():
            path.write_bytes(b"")


CHANGES: Sequence[Callable[[Path, random.Random], None]] = (
    change_workbook, change_workbook, change_workbook, change_index, change_index, change_sheet_as_text,
    change_reports, change_names,
)  # fmt: skip


SOUND = ("read", "read with remarks", "refused")


def outcome(folder: Path) -> str:
    """Read a folder as `amrg data check` and `amrg data split` do; one of `SOUND`, or what is wrong with that."""
    try:
        checked = check(folder, decode_images=False)
        if late := [p.reason for p in checked.problems if "MemoryError" in p.reason]:
            return f"refused late: {late[0]}"
        if hidden := [p for p in checked.problems if not f"{p.path}{p.reason}".isprintable()]:
            return f"not printable: {hidden[0]!r}"
        chosen = choose(checked.complete, "blocked")
        leakage(chosen, checked.complete)
    except UserError:
        return "refused"
    return "read with remarks" if checked.problems else "read"


def run(count: int, seed: int, folder: Path) -> tuple[Counter[str], list[tuple[int, str]], float]:
    """Try so many folders, the same for the same seed; outcomes, what was wrong by number, seconds of the slowest."""
    outcomes: Counter[str] = Counter()
    wrong: list[tuple[int, str]] = []
    slowest = 0.0
    sound(folder / "sound")
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        place = folder / "tried"
        shutil.copytree(folder / "sound", place)
        for change in dict.fromkeys(chance.choice(CHANGES) for _ in range(chance.choice((1, 1, 2)))):
            if change is not change_workbook or zipfile.is_zipfile(place / "Metadata.xlsx"):
                change(place, chance)
        began = time.process_time()
        try:
            with limited(SECONDS):
                how = outcome(place)
        except (Exception, TooSlow):
            how = traceback.format_exc()
        slowest = max(slowest, time.process_time() - began)
        outcomes[how if how in SOUND else "wrong"] += 1
        if how not in SOUND:
            wrong.append((number, how))
        shutil.rmtree(place)
    return outcomes, wrong, slowest


def main() -> int:
    """Try the folders; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amrg-fuzz-") as place:
        run(3, options.seed + 1, Path(place) / "first")  # what is imported on the way doesn't count
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
        outcomes, wrong, slowest = run(options.count, options.seed, Path(place) / "second")
    for number, how in wrong:
        print(f"folder {number}: {how}")
    ended = ", ".join(f"{outcomes[how]} {how}" for how in (*SOUND, "wrong"))
    print(f"{options.count} folders: {ended}; the slowest took {slowest:.2f} s of the processor")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
