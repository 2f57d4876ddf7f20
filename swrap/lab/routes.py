"""rtnetlink in a lab without a switch: its hosts' interfaces, which never change there, are told from the page.

Owns the service and what it waits for. It is imported by the first program that asks, since most never do. Called by
the keeper, the one helper that every lab has.
"""

from __future__ import annotations

import select
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swrap.switch.rtnetlink.service import RouteService


class Routes:
    """Behind the listening socket `door`. `poll` wakes the keeper, who hands on what is ready."""

    def __init__(self, directory: Path, door: int, poll: select.poll) -> None:
        self._directory = directory
        self._door = door
        self._poll = poll
        self._service: RouteService | None = None
        self.watch(door, select.POLLIN)

    def ready(self, fd: int, events: int) -> None:
        """Deal with `fd`, which is ready for `events`."""
        if self._service is None:
            self._service = self._start()
        if self._service.owns(fd):
            self._service.ready(fd, events)

    def watch(self, fd: int, events: int) -> None:
        """Wake us when `fd` is ready for `events`, whose numbers are the same for epoll and poll."""
        self._poll.register(fd, events)

    def unwatch(self, fd: int) -> None:
        """No more."""
        self._poll.unregister(fd)

    def _start(self) -> RouteService:
        from swrap.abi.page import Page
        from swrap.switch.rtnetlink.answer import Answers
        from swrap.switch.rtnetlink.link import Traffic
        from swrap.switch.rtnetlink.service import RouteService

        page = Page.open(self._directory / "page")
        return RouteService(page, socket.socket(fileno=self._door), self, Answers(page, lambda _: Traffic()))
