"""What interfaces carried and lost: the second half of `swrap ss --info`.

Owns its columns; the figures are the switch's.
"""

from __future__ import annotations

from typing import Any

from swrap.lab.joined import Joined

_HEAD = ("Interface", "Sent", "Packets", "Lost", "Received", "Packets", "Lost")
_KEYS = ("tx_bytes", "tx_packets", "tx_lost", "rx_bytes", "rx_packets", "rx_lost")


def interfaces(joined: Joined) -> list[dict[str, Any]]:
    """As the switch tells them; none in a direct lab, where nobody counts."""
    return [] if joined.record.direct else list(joined.call("interfaces"))


def show(found: list[dict[str, Any]]) -> None:
    """A line for each interface: payload bytes, packets, and packets that a fault stopped, each way."""
    lines = [_HEAD, *((one["name"], *(str(one[key]) for key in _KEYS)) for one in found)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    for name, *figures in lines:
        cells = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *cells]))
