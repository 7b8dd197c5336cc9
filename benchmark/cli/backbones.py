"""The verbs of `amrg` about backbones."""

import typer


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
