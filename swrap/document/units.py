"""Sizes, rates and times as people write them.

Owns the units and their spelling. Knows nothing of documents. Used by the checks of files, by the command
line and by whoever shows a number to a person.

Every parser takes text or a number and raises ValueError with a sentence that says what to write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from swrap.document.suggest import nearest

SIZES: Mapping[str, int] = MappingProxyType(
    {"B": 1}
    | {f"{letter}B": 1000**power for power, letter in enumerate("kMGTP", 1)}
    | {f"{letter}iB": 1024**power for power, letter in enumerate("KMGTP", 1)}
)
"""Bytes; SI and IEC prefixes."""

RATES: Mapping[str, int] = MappingProxyType({"": 1} | {k: 1000**p for p, k in enumerate("kMGT", 1)})
"""Bits per second; SI prefixes, with or without ``bit/s``."""

TIMES: Mapping[str, float] = MappingProxyType(
    {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
)
"""Seconds."""

_NUMBER_AND_UNIT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(\S*)\s*")
_BITS = re.compile(r"(?:bit/s|bits/s|b/s|bps|bit)$")


def size(value: str | int | float) -> int:
    """Bytes: ``"64MiB"``, ``"10MB"``, ``4096``."""
    number, unit = _split(value, "a size", "64MiB, 10MB or 4096")
    factor = SIZES.get(unit or "B")
    if factor is None:
        raise ValueError(f"unknown unit {unit!r} of a size{_hint(unit, SIZES, 'such as MiB or MB')}")
    return _whole(number * factor, value, "bytes")


def rate(value: str | int | float) -> int:
    """Bits per second: ``"10G"``, ``"300M"``, ``"80Mbit/s"``, ``1000000``."""
    number, unit = _split(value, "a rate", "10G, 300M or 1000000")
    if unit.endswith(("B/s", "Bps", "B")):
        raise ValueError(f"{value!r} counts bytes; a rate is in bits per second, as 80M")
    factor = RATES.get(_BITS.sub("", unit))
    if factor is None:
        raise ValueError(f"unknown unit {unit!r} of a rate{_hint(unit, RATES, 'one of k, M, G, T')}")
    return _whole(number * factor, value, "bits per second")


def duration(value: str | int | float) -> float:
    """Seconds: ``"3s"``, ``"250ms"``, ``"2m"``, or a number of seconds."""
    number, unit = _split(value, "a time", "3s, 250ms or 2m")
    factor = TIMES.get(unit or "s")
    if factor is None:
        raise ValueError(f"unknown unit {unit!r} of a time{_hint(unit, TIMES, 'one of us, ms, s, m, h')}")
    return number * factor


def chance(value: str | int | float) -> float:
    """From 0, never, to 1, always: ``"1%"``, ``0.01``."""
    number, unit = _split(value, "a chance", "1% or 0.01")
    share = number / 100 if unit == "%" else float(number)
    if unit not in ("", "%") or not 0 <= share <= 1:
        raise ValueError(f"{value!r} is not a chance: 0% to 100%, or 0 to 1")
    return share


def show_size(count: int) -> str:
    """``67108864`` → ``"64 MiB"``; three digits at most, the unit always told."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1000 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if amount >= 100 or amount == int(amount) else f"{amount:.1f} {unit}"


def show_rate(bits: int) -> str:
    """``80000000`` → ``"80 Mb/s"``."""
    amount = float(bits)
    for unit in ("b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"):
        if amount < 1000 or unit == "Tb/s":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if amount >= 100 or amount == int(amount) else f"{amount:.1f} {unit}"


def show_duration(seconds: float) -> str:
    """``0.25`` → ``"250 ms"``, ``90`` → ``"90 s"``, ``6.71`` → ``"6.7 s"``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.0f} s" if seconds >= 100 or seconds == int(seconds) else f"{seconds:.1f} s"


def _split(value: str | int | float, what: str, examples: str) -> tuple[float, str]:
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not {what}: write {examples}")
    if isinstance(value, int | float):
        if value < 0:
            raise ValueError(f"{what} is not negative")
        return value, ""
    match = _NUMBER_AND_UNIT.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is not {what}: write {examples}")
    digits = match.group(1)
    return (float(digits) if "." in digits else int(digits)), match.group(2)


def _whole(amount: float, value: object, unit: str) -> int:
    if amount != int(amount):
        raise ValueError(f"{value!r} is not a whole number of {unit}")
    return int(amount)


def _hint(unit: str, known: Mapping[str, object], otherwise: str) -> str:
    found = nearest(unit, [name for name in known if name])
    return f"; did you mean {found!r}?" if found else f": write {otherwise}"
