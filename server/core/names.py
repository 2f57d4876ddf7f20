"""Names as clients send them: paths below a share, and search patterns (MS-FSCC 2.1.5, MS-FSA 2.1.4.4).

Pure functions. Called by create, rename and the directory query.
"""

from __future__ import annotations

import re
from functools import lru_cache

from server.core.errors import StatusError
from server.ports.files import FilePath
from server.wire.status import NTSTATUS

_FORBIDDEN = re.compile(r'[\x00-\x1f"*/<>?|]')
_STREAM_TYPE = "$DATA"
_MAX_NAME = 255
_SHORT = 260
"""Characters of a path of which it is remembered what it says."""


def parse_path(name: str) -> FilePath:
    """The path that a CREATE or a rename names, as `server.ports.files` has them: `file:stream` is a named stream.
    StatusError: not a path.
    """
    return _short_path(name) if len(name) <= _SHORT else _path(name)


def _path(name: str) -> FilePath:
    if name.startswith("\\"):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a name with a leading backslash")
    above, backslash, last = name.rpartition("\\")
    last, stream = _split_stream(last)
    name = above + backslash + last
    if _FORBIDDEN.search(name) or ":" in name:
        raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, name)
    parts: list[str] = []
    for part in name.removesuffix("\\").split("\\") if name else ():
        if part == "..":
            if not parts:
                raise StatusError(NTSTATUS.OBJECT_PATH_SYNTAX_BAD, name)
            parts.pop()
            continue
        if part in ("", "."):
            raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, name)
        _check_part(part)
        parts.append(part)
    return with_stream(tuple(parts), stream) if stream else tuple(parts)


_short_path = lru_cache(_path)
"""What is opened once is often opened again."""


def parse_stream(name: str) -> str:
    """The stream that a rename within its file names, `:stream`. "": the unnamed one."""
    if not name.startswith(":"):
        raise StatusError(NTSTATUS.SHARING_VIOLATION, "a stream stays with its file")
    return _split_stream(name)[1]


def is_stream(path: FilePath) -> bool:
    return bool(path) and ":" in path[-1]


def without_stream(path: FilePath) -> FilePath:
    """The path of the file that the stream is of."""
    if not is_stream(path):
        return path
    name = path[-1].partition(":")[0]
    return (*path[:-1], name) if name else path[:-1]


def with_stream(path: FilePath, stream: str) -> FilePath:
    return (*path[:-1], f"{path[-1] if path else ''}:{stream}")


def names_data(name: str) -> bool:
    """Whether it names a stream, be it the unnamed one: that a directory has not."""
    return ":" in name.rpartition("\\")[2]


def _split_stream(name: str) -> tuple[str, str]:
    """`file:stream:$DATA` (MS-FSCC 2.1.5.2), of which the end may be left out."""
    name, colon, stream = name.partition(":")
    if not colon:
        return name, ""
    stream, typed, kind = stream.partition(":")
    if (typed and kind.upper() != _STREAM_TYPE) or not (stream or typed):
        raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, "not a stream")
    if "/" in stream or "\0" in stream:
        raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, stream)
    _check_part(stream)
    return name, stream


def _check_part(part: str) -> None:
    try:
        part.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, "a lone surrogate") from None
    if len(part) > _MAX_NAME:
        raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, "too long")


_WILDCARDS = {"*": ".*", "?": ".", "<": ".*", ">": ".?", '"': r"\.?"}


def pattern(text: str) -> re.Pattern[str]:
    """A matcher for whole names, without regard to case. `<`, `>` and `"` are the DOS forms of `*`, `?` and
    `.`.
    """
    if text in ("", "*", "*.*"):
        return re.compile(".*", re.DOTALL)
    # Runs of stars are one star: nested ones would take exponential time.
    expression = re.sub(
        r"(\.\*)+", ".*", "".join(_WILDCARDS.get(letter, re.escape(letter)) for letter in text)
    )
    return re.compile(expression, re.IGNORECASE | re.DOTALL)
