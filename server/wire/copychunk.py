"""Server-side copy: the payloads of its control codes (MS-SMB2 2.2.31.1, 2.2.32.1, 2.2.32.3).

Pure values. Which ranges may be copied is the server's affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from server.wire.buffers import Buffer, unpack_at

_HEAD = Struct("<24sII")
_CHUNK = Struct("<QQII")
_RESPONSE = Struct("<III")
_RESUME_KEY = Struct("<24sI4x")

RESUME_KEY_SIZE = 24
RESPONSE_SIZE = _RESPONSE.size


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes from `source` on in the one file to `target` on in the other."""

    source: int
    target: int
    length: int


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """SRV_COPYCHUNK_COPY. `key` names the open that is copied from."""

    key: bytes
    chunks: tuple[Chunk, ...] = ()

    @staticmethod
    def count(data: Buffer) -> int:
        """How many chunks a request says that it has. MalformedError: it is too short to say."""
        found: int = unpack_at(_HEAD, data, 0, "SRV_COPYCHUNK_COPY")[1]
        return found

    @classmethod
    def decode(cls, data: Buffer) -> CopyRequest:
        """MalformedError: fewer chunks than it says. So `count` before, to bound them."""
        key, count, _ = unpack_at(_HEAD, data, 0, "SRV_COPYCHUNK_COPY")
        chunks = (
            unpack_at(_CHUNK, data, _HEAD.size + number * _CHUNK.size, "SRV_COPYCHUNK")[:3]
            for number in range(count)
        )
        return cls(key, tuple(Chunk(*chunk) for chunk in chunks))

    def encode(self) -> bytes:
        chunks = (_CHUNK.pack(one.source, one.target, one.length, 0) for one in self.chunks)
        return _HEAD.pack(self.key, len(self.chunks), 0) + b"".join(chunks)


@dataclass(frozen=True, slots=True)
class CopyResponse:
    """SRV_COPYCHUNK_RESPONSE: what was copied; with INVALID_PARAMETER, what may be at most: chunks, bytes of one,
    bytes of all. `partial`: bytes of a chunk that was not copied to its end.
    """

    chunks: int
    partial: int
    total: int

    @classmethod
    def decode(cls, data: Buffer) -> CopyResponse:
        return cls(*unpack_at(_RESPONSE, data, 0, "SRV_COPYCHUNK_RESPONSE"))

    def encode(self) -> bytes:
        return _RESPONSE.pack(self.chunks, self.partial, self.total)


def encode_resume_key(key: bytes) -> bytes:
    """SRV_REQUEST_RESUME_KEY, as long as Windows makes it."""
    return _RESUME_KEY.pack(key, 0)


def decode_resume_key(data: Buffer) -> bytes:
    key: bytes = unpack_at(_RESUME_KEY, data, 0, "SRV_REQUEST_RESUME_KEY")[0]
    return key
