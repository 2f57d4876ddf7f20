"""Structured log lines: time, level, message, then key=value, one line a fact, to standard error.
 Owns the format. A `Log` is handed down, never looked up; `bind` gives one that always says a thing. No line
ever has a traceback, a key or a password in it.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Lines(Protocol):
    """Where log lines go: a text stream, or anything that takes lines."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Log:
    """`stream` None: nothing is written. `clock` gives ns since 1970."""

    stream: Lines | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    clock: Callable[[], int] = time.time_ns

    def bind(self, **fields: Any) -> Log:
        return Log(self.stream, {**self.fields, **fields}, self.clock)

    def info(self, message: str, **fields: Any) -> None:
        self._write("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._write("warning", message, fields)

    def failure(self, message: str, error: BaseException, **fields: Any) -> None:
        """An error of our own making: what it is and where, in one line."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
        self._write("error", message, {**fields, "error": f"{type(error).__name__}: {error}", "where": where})

    def unhandled(self, _loop: object, context: Mapping[str, Any]) -> None:
        """An event loop's exception handler: one line instead of a traceback."""
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.failure(str(context.get("message")), error)
        else:
            self.warning(str(context.get("message")))

    def _write(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        if self.stream is None:
            return
        seconds, rest = divmod(self.clock(), 1_000_000_000)
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1_000_000:03d}Z"
        pairs = "".join(f" {key}={_text(value)}" for key, value in {**self.fields, **fields}.items())
        try:
            self.stream.write(f"{stamp} {level} {_text(message)}{pairs}\n")
            self.stream.flush()
        except OSError:
            return  # whoever read the log is gone; the server is not there for its log


def _text(value: Any) -> str:
    text = str(value)
    plain = text and all(33 <= ord(letter) < 127 and letter not in '"=\\' for letter in text)
    return text if plain else json.dumps(text, ensure_ascii=True)
