"""Names as clients send them: paths below a share, and search patterns (MS-FSCC 2.1.5, MS-FSA 2.1.4.4).

Pure functions. Called by create, rename and the directory query.
"""

from __future__ import annotations

import re

from server.core.errors import StatusError
from server.ports.files import FilePath
from server.wire.status import NTSTATUS

_FORBIDDEN = re.compile(r'[\x00-\x1f"*/<>?|]')
_UNNAMED_STREAM = "::$DATA"
_MAX_NAME = 255


def parse_path(name: str) -> FilePath:
    """The path that a CREATE or a rename names. StatusError: not a path, or a named stream, which none here
    has.
    """
    if name.startswith("\\"):
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a name with a leading backslash")
    if name.upper().endswith(_UNNAMED_STREAM):
        name = name[: -len(_UNNAMED_STREAM)]
    if ":" in name:
        raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, "named streams")
    if _FORBIDDEN.search(name):
        raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, name)
    parts: list[str] = []
    for part in name.removesuffix("\\").split("\\") if name else ():
        if part == "..":
            if not parts:
                raise StatusError(NTSTATUS.OBJECT_PATH_SYNTAX_BAD, name)
            parts.pop()
            continue
        if part in ("", ".") or len(part) > _MAX_NAME:
            raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, name)
        try:
            part.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise StatusError(NTSTATUS.OBJECT_NAME_INVALID, "a lone surrogate") from None
        parts.append(part)
    return tuple(parts)


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
