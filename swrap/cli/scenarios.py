"""run, check, schema, demo, events: scenarios."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
