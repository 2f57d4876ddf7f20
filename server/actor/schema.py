"""The two actors, for the entry points of the group ``swrap.actors``: what each takes, does and tells."""

from __future__ import annotations

from server.actor.schema_client import CLIENT
from server.actor.schema_server import SERVER

__all__ = ["CLIENT", "SERVER"]
