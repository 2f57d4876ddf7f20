"""8.3 names (MS-FSCC 2.1.5.2.1): what a file with a long one is called by programs that know no others.

Pure functions. A short name is made of the long one alone, so that nothing has to be kept: its first letter, six
digits of a hash, and the beginning of its extension.
"""

from __future__ import annotations

import hashlib
import re

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALLOWED = r"A-Z0-9!#$%&'()\-@^_`{}~"
_SHORT = re.compile(rf"[{_ALLOWED}]{{1,8}}(\.[{_ALLOWED}]{{1,3}})?")
_OTHER = re.compile(r"[^A-Z0-9]")
_MADE = re.compile(r"[A-Z0-9_][0-9A-Z]{5}~[0-9A-Z](\.[A-Z0-9]{1,3})?")


def is_short(name: str) -> bool:
    return _SHORT.fullmatch(name.upper()) is not None


def short_name(name: str) -> str:
    """In capitals; of a name that is short, that name."""
    if is_short(name):
        return name.upper()
    stem, dot, extension = name.upper().rpartition(".")
    if not dot:
        stem, extension = extension, ""
    number = int.from_bytes(
        hashlib.blake2b(name.casefold().encode("utf-8", "surrogatepass"), digest_size=8).digest()
    )
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    first = (_OTHER.sub("", stem) or "_")[0]
    extension = _OTHER.sub("", extension)[:3]
    return f"{first}{digits[:5]}~{digits[5]}" + (f".{extension}" if extension else "")


def may_be_made(name: str) -> bool:
    """Whether `short_name` makes such names."""
    return _MADE.fullmatch(name.upper()) is not None
