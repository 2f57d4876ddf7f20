"""Channel sequence: keeping the late requests of a dead channel off an open (MS-SMB2 3.3.5.2.10, 3.3.4.1).
 Owns the three numbers of an open that the rule needs. Must not know requests: it is told what their headers
say. Called when a request has found its open, and when that request is over.
"""

from __future__ import annotations

from dataclasses import dataclass

_HALF = 0x7FFF


class StaleError(Exception):
    """The request is fenced off: STATUS_FILE_NOT_AVAILABLE."""


@dataclass(slots=True)
class Fence:
    """`outstanding`: requests under way with the present sequence; `before`: with earlier ones."""

    sequence: int
    outstanding: int = 0
    before: int = 0

    def admit(self, sequence: int, *, replay: bool, modifying: bool) -> int | None:
        """Count the request: what to tell `done`; or let it pass uncounted (None). `modifying`: WRITE, SET_INFO or
        IOCTL. StaleError: a modifying request that is too late, or a replay while earlier requests are under way.
        """
        ahead = (sequence - self.sequence) & 0xFFFF
        if ahead > _HALF:
            return self._refuse(modifying)
        if ahead:
            self.before += self.outstanding
            self.outstanding = 0
            self.sequence = sequence
        if replay and self.before:
            return self._refuse(modifying)
        self.outstanding += 1
        return sequence

    def done(self, sequence: int) -> None:
        """The counted request is over: answered, or dropped with its connection."""
        if sequence == self.sequence:
            self.outstanding -= 1
        else:
            self.before -= 1

    @staticmethod
    def _refuse(modifying: bool) -> None:
        if modifying:
            raise StaleError
