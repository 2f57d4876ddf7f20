"""A copy as a person sees it: a bar, and a row a channel.

Owns the drawing, with rich, on a terminal; elsewhere plain lines of what happens to channels. Called by the
command line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from server.client.client import Client
from server.client.events import Field

_WORTH_A_LINE = (
    "channel-silent",
    "channel-lost",
    "channel-opened",
    "channel-closed",
    "path-changed",
    "session-renewed",
    "handle-lost",
    "session-lost",
)


class Display:
    """``event`` is the client's observer, ``progress`` its progress callback."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=None)
        self._client: Client | None = None
        self._copying = False

    def event(self, kind: str, fields: Mapping[str, Field]) -> None:
        if self._copying and kind in _WORTH_A_LINE:
            told = ", ".join(f"{name} {value}" for name, value in fields.items() if name != "session_id")
            self._console.print(f"{kind}: {told}", markup=False)

    def progress(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    @contextlib.contextmanager
    def copying(self, name: str, client: Client) -> Iterator[None]:
        self._client, self._copying = client, True
        self._bar.update(self._task, description=name)
        try:
            if self._console.is_terminal:
                with Live(console=self._console, get_renderable=self._draw, refresh_per_second=5):
                    yield
            else:
                yield
        finally:
            self._copying = False

    def _draw(self) -> Group:
        table = Table("channel", "from", "to", "interface", "state", "outstanding", box=None, pad_edge=False)
        for channel in self._client.channels if self._client else []:
            table.add_row(
                str(channel.number),
                channel.local,
                channel.remote,
                channel.path.interface or "",
                channel.state.value,
                f"{channel.outstanding} ({channel.outstanding_bytes >> 20} MiB)",
            )
        return Group(self._bar, table)
