"""A lab that somebody else runs, and a program that goes into it.

Owns what may be done there without owning it: environment, exec in place, one-line questions to its switch.
Called by the command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

from swrap.abi import options
from swrap.abi.page import Page
from swrap.lab import environment, guard, proc, registry, target
from swrap.lab.errors import LabError, NoLab, Refused
from swrap.lab.listeners import Listener, listeners
from swrap.lab.record import Record
from swrap.switch.client import ControlError, control_call


class Joined:
    """A running lab: its directory and its record."""

    def __init__(self, directory: Path, record: Record) -> None:
        self.directory = directory
        self.record = record

    @classmethod
    def at(cls, directory: Path) -> Joined:
        """The lab in this directory. NoLab where none lives, Refused where it cannot be reached from
        here.
        """
        found = registry.at(directory)
        return cls.of(found)

    @classmethod
    def of(cls, found: registry.Running) -> Joined:
        """A lab that was found running."""
        record = found.record
        if not record.ready:
            raise NoLab(f"{found.directory}: the lab is still starting")
        here, there = proc.namespace("self"), record.network
        if here and there and here != there:
            raise Refused(
                f"{found.directory}: this lab runs in another network namespace ({there}, this is {here}); "
                f"nsenter -t {record.owner.pid} -n goes there"
            )
        return cls(found.directory, record)

    @property
    def name(self) -> str:
        """For messages: the file that it runs from, or its directory."""
        return self.record.source or str(self.directory)

    def host(self, host: str | None) -> str:
        """``host`` if the lab has it; the only one where none was named.

        Refused names those that there are.
        """
        return environment.pick_host(self.record.hosts, host, self.name)

    def environment(self, host: str, base: Mapping[str, str]) -> dict[str, str]:
        """The variables that put a program with the environment ``base`` into ``host``."""
        return environment.inside(self.directory, self.host(host), base)

    def enter(self, host: str, argv: Sequence[str]) -> NoReturn:
        """Become ``argv`` inside ``host``, behind the guard.

        NoProgram and CannotWrap are raised before anything is changed.
        """
        env = dict(os.environ)
        env.update(self.environment(host, env))
        program = target.check(argv, env=env)
        sys.stdout.flush()
        sys.stderr.flush()
        guard.default_signals()
        if self.record.guard:
            guard.install()
        try:
            os.execve(program, list(argv), env)  # noqa: S606 running the user's program is what this is for
        except OSError as error:
            raise LabError(f"{argv[0]}: {error.strerror}") from None

    def call(self, do: str, **arguments: Any) -> Any:
        """One command to the switch, and its result.

        Refused with the switch's own words where it refuses.
        """
        if self.record.direct:
            raise Refused(
                f"{self.name}: a direct lab has no switch, so nothing can be cut, blocked or counted in it"
            )
        try:
            return control_call(self.directory, do, **arguments)
        except ControlError as error:
            raise Refused(str(error)) from None
        except OSError as error:
            raise LabError(f"{self.name}: the switch does not answer ({error.strerror})") from None

    def gaps(self) -> tuple[list[options.Gap], int]:
        """What programs asked for and did not get; and how much more there was no room to list."""
        return options.gaps(self.directory / options.NAME)

    def listeners(self) -> list[Listener]:
        """The sockets that listen in it."""
        with closing(Page.open(self.directory / "page")) as page:
            return listeners(page, pid=self.record.owner.pid)
