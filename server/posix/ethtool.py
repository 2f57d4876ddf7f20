"""What a network driver says of its link: SIOCETHTOOL (ethtool(8), linux/ethtool.h).
 Owns the ioctl's structures. Every question may be unanswered (None): loopback and virtual interfaces have no
driver to ask. Called by `server.posix.interfaces` alone.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
from struct import Struct

_SIOCETHTOOL = 0x8946
_GSET = 0x00000001
_GLINK = 0x0000000A
_GRXRINGS = 0x0000002D
_GLINKSETTINGS = 0x0000004C

_IFREQ = Struct("16sQ16x")
_VALUE = Struct("II")
_SPEED_UNKNOWN = (0, 0xFFFF, 0xFFFF_FFFF)
_GSET_SIZE = 44
_RXNFC_SIZE = 192
_LINK_HEADER = 48
_MAX_WORDS = 127


class Ethtool:
    """One socket to ask on; a context manager."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def __enter__(self) -> Ethtool:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def link(self, name: str) -> bool | None:
        """Whether there is carrier."""
        raw = self._ask(name, _VALUE.pack(_GLINK, 0))
        return None if raw is None else bool(_VALUE.unpack_from(raw)[1])

    def speed(self, name: str) -> int | None:
        """Bit/s."""
        megabits = self._link_settings(name)
        if megabits is None:
            megabits = self._old_settings(name)
        return None if megabits is None or megabits in _SPEED_UNKNOWN else megabits * 1_000_000

    def rings(self, name: str) -> int | None:
        """Receive queues: more than one is what SMB calls RSS."""
        raw = self._ask(name, _GRXRINGS.to_bytes(4, "little").ljust(_RXNFC_SIZE, b"\0"))
        # struct ethtool_rxnfc: cmd, flow_type, then 64-bit data
        return None if raw is None else int.from_bytes(raw[8:16], "little")

    def _link_settings(self, name: str) -> int | None:
        """ETHTOOL_GLINKSETTINGS: asked with no words, it says (negated) how many its bitmaps have."""
        request = bytearray(_LINK_HEADER + 3 * 4 * _MAX_WORDS)
        request[:4] = _GLINKSETTINGS.to_bytes(4, "little")
        raw = self._ask(name, bytes(request))
        if raw is None:
            return None
        words = int.from_bytes(raw[15:16], "little", signed=True)
        if words < 0:
            request[15:16] = (-words).to_bytes(1, "little")
            raw = self._ask(name, bytes(request))
            if raw is None:
                return None
        return int.from_bytes(raw[4:8], "little")

    def _old_settings(self, name: str) -> int | None:
        raw = self._ask(name, _GSET.to_bytes(4, "little").ljust(_GSET_SIZE, b"\0"))
        if raw is None:
            return None
        # struct ethtool_cmd: speed is split, low half at 12, high half at 28
        return int.from_bytes(raw[12:14], "little") | int.from_bytes(raw[28:30], "little") << 16

    def _ask(self, name: str, command: bytes) -> bytes | None:
        buffer = ctypes.create_string_buffer(command, len(command))
        request = _IFREQ.pack(name.encode()[:15], ctypes.addressof(buffer))
        try:
            fcntl.ioctl(self._socket.fileno(), _SIOCETHTOOL, request)
        except OSError:
            return None
        return buffer.raw
