"""FILETIME: 100 ns units since 1601-01-01 UTC (MS-DTYP 2.3.3), against Unix nanoseconds.

Pure functions; called by the codecs' users, who keep times as FILETIME integers on the wire side.
"""

from __future__ import annotations

EPOCH = 116_444_736_000_000_000
"""1970-01-01 as a FILETIME."""

UNCHANGED = 0xFFFF_FFFF_FFFF_FFFF
"""In FileBasicInformation: leave this time as it is, and do not update it through this handle (MS-FSCC
2.4.7).
"""

RESUME = 0xFFFF_FFFF_FFFF_FFFE
"""In FileBasicInformation: update it again (MS-FSCC 2.4.7)."""


def from_unix_ns(ns: int) -> int:
    """Nanoseconds since 1970 → FILETIME; before 1601 gives 0."""
    found = ns // 100 + EPOCH
    return found if found > 0 else 0


def to_unix_ns(filetime: int) -> int:
    """FILETIME → nanoseconds since 1970, negative before it."""
    return (filetime - EPOCH) * 100
