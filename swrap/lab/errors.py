"""What can go wrong with a lab, said so that a person knows what to do.

Raised by everything in `swrap.lab`; the command line prints the message and ends with `status`.
"""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot be had or used; the message says what, where and what to do."""

    status = 3
    """Exit status of the command line: the harness failed."""


class Refused(LabError):
    """The user asked for something that is not there or not allowed: a host, a file, somebody else's lab."""

    status = 2


class NoLab(Refused):
    """No lab runs there."""


class CannotWrap(LabError):
    """The program was found, but cannot be run inside a host. `status` is what a shell gives: 126."""

    status = 126


class NoProgram(LabError):
    """There is no such program. `status` is what a shell gives: 127."""

    status = 127
