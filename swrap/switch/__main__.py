"""`python -m swrap.switch DIR`: the switch of the lab in DIR. Started by the lab; prints nothing.

The C loop moves bytes without the GIL and comes back when something concerns Python; then commands are
carried out, and back it goes. So no byte moves while a fault is being put in force.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swrap.abi.names import service_address
from swrap.abi.page import Page
from swrap.switch.control import Control
from swrap.switch.network import Network
from swrap.switch.plane import Plane
from swrap.switch.rtnetlink import door
from swrap.switch.rtnetlink.answer import Answers
from swrap.switch.rtnetlink.link import Traffic
from swrap.switch.rtnetlink.service import RouteService
from swrap.topology import Limits

OPENING_TIMEOUT = 10.0
"""Seconds for the first message of a connection: the shim writes it at once, or nobody does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; the exit status."""
    options = _arguments(argv)
    try:
        page = Page.open(options.directory / "page", write=True)
    except (OSError, ValueError) as error:
        print(f"swrap.switch: {error}", file=sys.stderr)
        return 2
    _take_all_fds()
    try:
        plane = Plane(
            page,
            syn_timeout=options.syn_timeout,
            retransmit_timeout=options.retransmit_timeout,
            opening_timeout=options.opening_timeout,
        )
    except OSError as error:
        print(f"swrap.switch: cannot listen for lab {page.lab}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        _serve(page, plane, options)
    finally:
        plane.close()
        page.close()
    return 0


def _serve(page: Page, plane: Plane, options: argparse.Namespace) -> None:
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    wake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGTERM, stop)
    # A Ctrl-C at the owner's terminal is the owner's affair: its programs end before their network does.
    signal.signal(signal.SIGINT, stop if options.owner_fd is None else signal.SIG_IGN)
    plane.watch(wake, select.EPOLLIN)
    if options.owner_fd is not None:
        plane.watch(options.owner_fd, select.EPOLLIN)

    def emit(event: dict[str, Any]) -> None:
        control.event(event)
        route.refresh()  # each change by itself: down and up again are two

    network = Network(page, plane, emit)
    control = Control(
        service_address(page, "control"), plane, do=network.do, subscribed=plane.subscribe, stop=stop
    )
    answers = Answers(page, lambda position: Traffic(*plane.interface_counts(position)))
    route = RouteService(page, door.listen(page), plane, answers)
    try:
        _report_ready(options.ready_fd)
        while not stopping:
            for fd, events in plane.run():
                if fd == wake:
                    os.read(wake, 4096)  # its handler has run, or does before the next line
                elif fd == options.owner_fd:
                    stopping = stopping or _ended(fd)
                elif control.owns(fd):
                    control.ready(fd, events)
                elif route.owns(fd):
                    route.ready(fd, events)
                elif network.capture.owns(fd):
                    network.capture.ended()
            for event in network.events():
                control.event(event)
    finally:
        signal.set_wakeup_fd(-1)
        network.capture.close()
        route.close()
        control.close()


def _ended(fd: int) -> bool:
    """The owner's end is closed: nobody wants this network any more."""
    try:
        return os.read(fd, 4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _report_ready(fd: int | None) -> None:
    if fd is None:
        return
    with contextlib.suppress(BrokenPipeError):
        os.write(fd, json.dumps({"ready": True}).encode() + b"\n")
    os.close(fd)


def _take_all_fds() -> None:
    """A flow needs two of them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="swrap.switch", description="The network of one lab.")
    parser.add_argument("directory", type=Path, metavar="DIR", help="the lab's folder, with its page")
    parser.add_argument("--owner-fd", type=int, metavar="N", help="end when this is closed at its other end")
    parser.add_argument("--ready-fd", type=int, metavar="N", help='write {"ready": true} here, then close it')
    parser.add_argument("--syn-timeout", type=float, metavar="S", default=Limits().syn_timeout)
    parser.add_argument("--retransmit-timeout", type=float, metavar="S", default=Limits().retransmit_timeout)
    parser.add_argument("--opening-timeout", type=float, metavar="S", default=OPENING_TIMEOUT)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
