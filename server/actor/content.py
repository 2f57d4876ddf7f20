"""Bytes for files that a scenario only gives a size and a seed: the same everywhere, cheap, incompressible.

Owns the stream and the reading of sizes. Called by both actors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?\s*", re.IGNORECASE)


def content(seed: int, size: int, chunk: int = 1 << 20) -> Iterator[bytes]:
    """``size`` bytes in pieces of ``chunk``; how it is cut does not change them."""
    key = hashlib.sha256(b"content %d" % seed).digest()[:16]
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    while size > 0:
        piece = min(chunk, size)
        yield stream.update(bytes(piece))
        size -= piece


def size_of(value: int | str) -> int:
    """Bytes, from a number or text such as "64MiB", "10MB", "4096". ValueError: neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is no size; sizes look like 4096, 10MB, 64MiB")
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()])
