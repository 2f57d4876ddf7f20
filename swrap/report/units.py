"""Quantities as people read them: bytes, rates, speeds, moments.

Owns the choice of unit and the number of digits, so that every view says the same thing the same way.
Knows nothing of events. Called by the sentences and by every view.

Two families, on purpose: what is stored or copied is counted in bytes with binary prefixes (64 MiB), what
moves is counted with decimal ones (bytes a second, or bits a second for what a link can do), as the tools
do that a reader compares with.
"""

from __future__ import annotations

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMAL = ("", "k", "M", "G", "T", "P")


def _digits(value: float, steady: bool) -> str:
    """Three significant digits at most: 9.5, 38.1, 312. What changes all the time keeps its ".0"."""
    text = f"{value:.0f}" if value >= 99.95 else f"{value:.1f}"
    return text if steady else text.removesuffix(".0")


def _decimal(value: float, unit: str, steady: bool) -> str:
    step = 0
    while value >= 999.5 and step < len(_DECIMAL) - 1:
        value /= 1000
        step += 1
    number = f"{value:.0f}" if step == 0 else _digits(value, steady)
    return f"{number} {_DECIMAL[step]}{unit}"


def size(count: float, steady: bool = False) -> str:
    """A number of bytes: `0 B`, `64 KiB`, `33.6 MiB`; `steady` keeps `33.0 MiB` for what is growing."""
    value = float(count)
    step = 0
    while value >= 1023.5 and step < len(_BINARY) - 1:
        value /= 1024
        step += 1
    number = f"{value:.0f}" if step == 0 else _digits(value, steady)
    return f"{number} {_BINARY[step]}"


def part(done: float, total: float) -> str:
    """How much of how much, in the unit of the whole: `38.0 of 64 MiB`."""
    whole = size(total)
    scale = 1024 ** _BINARY.index(whole.rpartition(" ")[2])
    return f"{size(done)} of {whole}" if scale == 1 else f"{done / scale:.1f} of {whole}"


def byte_rate(per_second: float) -> str:
    """Measured bytes a second: `0 B/s`, `9.5 MB/s`, `10.0 MB/s`."""
    return _decimal(max(per_second, 0.0), "B/s", steady=True)


def bit_rate(per_second: float, steady: bool = False) -> str:
    """Bits a second, as the speed of a link is given: `300 Mb/s`, `10 Gb/s`; `steady` for measured ones."""
    return _decimal(max(per_second, 0.0), "b/s", steady)


def moment(seconds: float) -> str:
    """A moment of the run, in a fixed width up to an hour: `  3.42`, ` 62.10`, `3600.0`."""
    return f"{seconds:6.2f}" if seconds < 1000 else f"{seconds:6.1f}"


def duration(seconds: float) -> str:
    """A length of time: `40 ms`, `3.4 s`, `2 min 05 s`."""
    if seconds < 0.9995:
        return f"{max(seconds, 0.0) * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def clock(seconds: float) -> str:
    """A running clock: `0:03.4`."""
    tenths = int(max(seconds, 0.0) * 10)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}:{rest // 10:02d}.{rest % 10}"


def count(number: int, one: str, many: str | None = None) -> str:
    """A counted noun: `1 flow`, `2 flows`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
