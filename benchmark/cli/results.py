"""The verbs `amrg results verify` and `amrg results gc`."""

from pathlib import Path
from typing import Annotated

import typer

Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Where the results lie.")]


def verify(results: Results = Path("results")) -> None:
    """Read every stored file and compare it with what was written; exit code 1 where one differs. Nothing is changed.

    A sweep looks only at files that were touched since they were read last; this reads them all.

    Example: amrg results verify
    """
    from benchmark.errors import RunFailed
    from benchmark.results.upkeep import verify as check

    found = check(results)
    typer.echo(f"{found.trials} trials and floors, {found.files} files with digests in {results}")
    if found.without_digests:
        typer.echo(
            f"{len(found.without_digests)} are of an earlier version and have no digests: their files can be read, "
            "which is all that can be said."
        )
    if found.problems:
        listed = "\n".join(f"  - {path}: {why}" for path, why in sorted(found.problems.items()))
        raise RunFailed(
            f"{len(found.problems)} files aren't what was written:\n{listed}\n"
            "The sweeps of their suites make them again from what is sound."
        )


def gc(
    results: Results = Path("results"),
    unnamed: Annotated[
        bool, typer.Option("--unnamed", help="Trials that no suite of these results names, as well.")
    ] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Remove what is listed.")] = False,
) -> None:
    """List what nobody needs: temporary files, free locks, snapshots of what is done. Nothing goes without --delete.

    Example: amrg results gc --delete
    """
    from benchmark.results.upkeep import discard, leftovers, size_of
    from benchmark.results.upkeep import unnamed as trials_of_no_suite

    found = leftovers(results)
    if unnamed:
        found |= dict.fromkeys(trials_of_no_suite(results), "no suite of these results names it")
    total = 0
    for path, why in sorted(found.items()):
        size = size_of(path)
        gone = not delete or discard(results, path)
        total += size if gone else 0
        typer.echo(f"{path}: {why}, {size:,} bytes" + ("" if gone else "; somebody works on it, so it stays"))
    done = "removed" if delete else "could be removed (--delete)"
    typer.echo(f"{len(found)} of {results}, {total:,} bytes {done}.")


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    group = typer.Typer(help="Look after stored results.", no_args_is_help=True)
    group.command()(verify)
    group.command()(gc)
    app.add_typer(group, name="results")
