"""The verbs of `amrg` about data."""

import typer


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
