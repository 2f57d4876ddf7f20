"""MD4 (RFC 1320) and RC4: what NTLM is made of and current crypto libraries rightly leave out.

Owns these two algorithms and nothing else. Neither is fit for anything new. Called by ``ntlm`` alone.
"""

from __future__ import annotations

import struct

_MASK = 0xFFFF_FFFF

# Round: (additive constant, order in which the 16 words are taken, the four shift counts).
_ROUNDS: tuple[tuple[int, tuple[int, ...], tuple[int, int, int, int]], ...] = (
    (0, tuple(range(16)), (3, 7, 11, 19)),
    (0x5A827999, (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13)),
    (0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)


def _select(x: int, y: int, z: int) -> int:
    return (x & y) | (~x & z)


def _majority(x: int, y: int, z: int) -> int:
    return (x & y) | (x & z) | (y & z)


def _parity(x: int, y: int, z: int) -> int:
    return x ^ y ^ z


_FUNCTIONS = (_select, _majority, _parity)


def md4(data: bytes) -> bytes:
    """The 16-byte MD4 digest of ``data``."""
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", len(data) * 8)
    for block in range(0, len(padded), 64):
        words = struct.unpack_from("<16I", padded, block)
        a, b, c, d = state
        for mix, (constant, order, shifts) in zip(_FUNCTIONS, _ROUNDS, strict=True):
            for step, word in enumerate(order):
                total = (a + mix(b, c, d) + words[word] + constant) & _MASK
                shift = shifts[step % 4]
                # The four registers take turns: the new value goes where the next step calls it b.
                a, b, c, d = d, (total << shift | total >> (32 - shift)) & _MASK, b, c
        state = [(old + new) & _MASK for old, new in zip(state, (a, b, c, d), strict=True)]
    return struct.pack("<4I", *state)


def rc4(key: bytes, data: bytes) -> bytes:
    """``data`` under the RC4 key stream of ``key``, from its start; its own inverse."""
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 0xFF
        box[i], box[j] = box[j], box[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) & 0xFF
        j = (j + box[i]) & 0xFF
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) & 0xFF])
    return bytes(out)
