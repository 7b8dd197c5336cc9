"""Scores → a leaderboard: `leaderboards/<suite>/` from the stored results of a suite, and from nothing else.

The same results give the same bytes: no time of day, path or machine's name is written. All documents and figures are
drawn from `results.json`, so that a leaderboard that came without its results can be checked too.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.board.against import Comparison, compare
from benchmark.board.collect import collect
from benchmark.board.earlier import JSON, Earlier, find, keep, published_text, read_board
from benchmark.board.model import Board, FloorsBoard, PlanBoard
from benchmark.board.results import SuiteResults, read_results
from benchmark.errors import RunFailed, UserError
from benchmark.executors.execute import default_processes
from benchmark.executors.forked import forked
from benchmark.pages import floors, model_card, plan
from benchmark.pages.csv import floors_csv, in_parts, results_csv
from benchmark.pages.digests import digests_of, files_in, read_digests, write_digests
from benchmark.pages.drawn import NAMES, Drawn
from benchmark.pages.readme import readme
from benchmark.pages.same_drawing import same_drawing
from benchmark.pages.scores import scores
from benchmark.pages.written import AnyBoard, Written
from benchmark.results.store import Store, atomic_file
from benchmark.suites.load import built_in, load_suite

BOARDS: dict[str, type[AnyBoard]] = {"suite": Board, "floors": FloorsBoard, "plan": PlanBoard}


def write_leaderboard(results: Path, suite: str, folder: Path, *, processes: int | None = None) -> Written:
    """Write `<folder>/<suite>/`: `README.md`, `scores.md`, `results.csv`, `results.json`, `figures/`, `model-cards/`.

    A suite that comes with amrg and has no results yet is written as what it plans. Floors are drawn again from their
    own `results.json`.

    Args:
        results: the folder of stored results.
        suite: the name of a suite.
        folder: where leaderboards lie.
        processes: how many work at the same time; None for one per core.

    Raises:
        UserError: the suite has no results, and it is unknown or its folder holds results from elsewhere.
    """
    try:
        board = _stored(folder / suite)
    except UserError:
        board = None  # damaged, or of another version: it is written again
    if isinstance(board, FloorsBoard):
        return write_board(board, suite, folder)
    if not Store(results).suite(suite).is_file() and suite in built_in():
        if isinstance(board, Board):
            raise UserError(
                f"{folder / suite} holds results that don't lie in {results}. `amrg leaderboard {suite} --check` "
                f"checks it as it is; `amrg sweep {suite}` makes results here."
            )
        return write_board(plan.plan_of(load_suite(suite)), suite, folder)
    processes = default_processes() if processes is None else processes
    stored = read_results(results, suite, processes=processes)
    return _write_results(stored, Store(results), suite, folder, processes)


def _write_results(results: SuiteResults, store: Store, suite: str, folder: Path, processes: int) -> Written:
    """Write the leaderboard of stored results, say whether it agrees with the published one, and record all that."""
    digests = read_digests(store, suite)
    before = find(store, suite, folder, digests.results_json if digests else None)
    if before is not None:
        keep(before)
    written = write_board(collect(results, processes=processes), suite, folder, processes=processes)
    files = files_of(written.board)
    agreement = _agreement(results, files[JSON].decode(), before) if before else None
    identities = [*results.record.trials, *results.record.floors]
    write_digests(store, suite, digests_of(store, suite, identities, files, before, agreement))
    return replace(written, agreement=agreement, published=before.copy if before else None)


def _agreement(results: SuiteResults, text: str, before: Earlier) -> str:
    if before.text == text:
        return f"{before.what.capitalize()} is the one that these results gave."
    try:
        return _compare(results, text, before.text, before.what).sentence(before.what)
    except UserError as error:
        return f"This run is not compared with what was published. {error}"


def against(results: Path, suite: str, published: Path) -> Comparison:
    """Compare the stored results of a suite with a published leaderboard; nothing is written.

    Args:
        results: the folder of stored results.
        suite: the name of a suite.
        published: a leaderboard's `results.json`, or the folder with it.

    Raises:
        UserError: there are no results, or the file isn't there or isn't a suite's leaderboard.
    """
    path = published / JSON if published.is_dir() else published
    text = published_text(published)
    stored = read_results(results, suite)
    return _compare(stored, files_of(collect(stored))[JSON].decode(), text, str(path))


def _compare(results: SuiteResults, fresh_json: str, published_json: str, where: str) -> Comparison:
    fresh, published = read_board(fresh_json, "the results"), read_board(published_json, where)
    scored = next((d.statistics[published.primary] for d in results.done if d.has_statistics(published.primary)), None)
    return compare(fresh, published, scored.combine if scored else None)


def write_board(board: AnyBoard, name: str, folder: Path, *, processes: int = 1) -> Written:
    """Write a leaderboard and remove figures and cards of an earlier one that it doesn't have."""
    board_folder = folder / name
    files = files_of(board, processes=processes)
    for extra in files_in(board_folder) - set(files):
        (board_folder / extra).unlink()
    for file, content in files.items():
        with atomic_file(board_folder / file) as temporary:
            temporary.write_bytes(content)
    return Written(board_folder / "README.md", board)


def files_of(board: AnyBoard, *, processes: int = 1) -> dict[str, bytes]:
    """Return the files of a leaderboard, by place in its folder.

    Args:
        board: the leaderboard.
        processes: how many draw figures and write documents at the same time; the files are the same.
    """
    kind, text = type(board), board.model_dump_json(indent=1) + "\n"
    if (kind, text) not in _remembered:
        if len(_remembered) == REMEMBERED:
            del _remembered[next(iter(_remembered))]
        _remembered[kind, text] = _files_of(kind, text, processes)
    return _remembered[kind, text]


REMEMBERED = 4
"""Leaderboards whose files are kept, since whoever writes one asks for them again."""
_remembered: dict[tuple[type[AnyBoard], str], dict[str, bytes]] = {}


def _files_of(kind: type[AnyBoard], text: str, processes: int) -> dict[str, bytes]:
    # Rendered as it is stored, so that rounding twice can't show another number.
    stored = kind.model_validate_json(text)
    files: dict[str, bytes] = {}
    if isinstance(stored, Board):
        # The longest first, so that no process is at it when the others have nothing left to do.
        pieces: list[Callable[[], Any]] = [partial(results_csv, stored)]
        pieces += [partial(_drawn, name, stored, text) for name in NAMES]
        pieces += [partial(scores, stored), partial(model_card.cards, stored)]
        csv, *made, clinical, cards = forked(pieces, processes)
        drawn, tables = [one for one in made if one is not None], in_parts(csv)
        documents = {"README.md": readme(stored, drawn, [*tables]), "scores.md": clinical} | tables | cards
        for figure in drawn:
            files |= figure.files
    elif isinstance(stored, FloorsBoard):
        documents = {"README.md": floors.readme(stored), "results.csv": floors_csv(stored)}
    else:
        documents = {"README.md": plan.readme(stored)}
    return files | {name: content.encode() for name, content in (documents | {JSON: text}).items()}


def _drawn(name: str, board: Board, text: str) -> Drawn | None:
    """Return a figure; None where the board has nothing to show of it."""
    from benchmark.pages import figures  # matplotlib takes a second, which processes that draw spend side by side

    return figures.drawn(name, board, text)


def check_leaderboard(results: Path, suite: str, folder: Path, *, processes: int | None = None) -> str:
    """Compare a leaderboard on disk with what its results give.

    Where the suite's results aren't here, it is compared with what its own `results.json` gives.

    Args:
        results: the folder of stored results.
        suite: the name of a suite.
        folder: where leaderboards lie.
        processes: how many work at the same time; None for one per core.

    Returns:
        what it was compared with, in words.

    Raises:
        RunFailed: files differ, lack or are too many; all are listed.
        UserError: there is no such leaderboard.
    """
    processes = default_processes() if processes is None else processes
    board_folder = folder / suite
    stored = _stored(board_folder)
    if stored is None:
        names = ", ".join(sorted(p.parent.name for p in folder.glob(f"*/{JSON}"))) or "none"
        raise UserError(f"{board_folder / JSON}: no such leaderboard. Those in {folder}: {names}.")
    source = f"its own {JSON}"
    if isinstance(stored, Board) and Store(results).suite(suite).is_file():
        read = read_results(results, suite, processes=processes)
        stored, source = collect(read, processes=processes), f"the results in {results}"
    elif isinstance(stored, PlanBoard) and suite in built_in():
        stored, source = plan.plan_of(load_suite(suite)), "the suite's file"
    expected = files_of(stored, processes=processes)
    problems = [f"{name}: is not of this leaderboard" for name in sorted(files_in(board_folder) - set(expected))]
    for name, content in expected.items():
        path = board_folder / name
        if not path.is_file():
            problems.append(f"{name}: is missing")
        elif (on_disk := path.read_bytes()) != content and not same_drawing(on_disk, content):
            problems.append(f"{name}: {_first_difference(on_disk, content)}")
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        again = stored.command if isinstance(stored, FloorsBoard) else f"amrg leaderboard {suite}"
        raise RunFailed(f"{board_folder} differs from what {source} gives. `{again}` writes it again.\n{listed}")
    return source


def _stored(folder: Path) -> AnyBoard | None:
    path = folder / JSON
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
        return BOARDS[json.loads(text)["kind"]].model_validate_json(text)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path}: not the results of a leaderboard of this version: {str(error).splitlines()[0]}. "
            f"`amrg leaderboard {folder.name}` writes it again."
        ) from error


def _first_difference(on_disk: bytes, expected: bytes) -> str:
    lines, expected_lines = (text.decode("utf-8", "replace").split("\n") for text in (on_disk, expected))
    if "\0" in on_disk[:64].decode("latin-1"):
        return "is another picture"
    for number, (a, b) in enumerate(zip(lines, expected_lines, strict=False), start=1):
        if a != b:
            return f"differs from line {number} on: {a[:80]!r} instead of {b[:80]!r}"
    return f"has {len(lines)} lines instead of {len(expected_lines)}"
