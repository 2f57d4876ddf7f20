"""The few signs that the views draw with, in a set for UTF-8 terminals and one in plain ASCII.

Called by the views, which ask once per run with the encoding of what they write to.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One sign each, a single column wide (`blocks`: rising from empty to full)."""

    up: str
    down: str
    arrow: str
    leftward: str
    rightward: str
    wire: str
    busy: str
    cut: str
    down_tee: str
    tee: str
    corner: str
    full: str
    half: str
    rest: str
    rule: str
    passed: str
    failed: str
    skipped: str
    unsure: str
    dot: str
    ellipsis: str
    blocks: str


UNICODE = Glyphs(
    up="●", down="✖", arrow="→", leftward="◂", rightward="▸",
    wire="─", busy="━", cut="╌", down_tee="┬", tee="├", corner="└",
    full="━", half="╸", rest="─", rule="─",
    passed="✔", failed="✘", skipped="○", unsure="?", dot="·", ellipsis="…", blocks=" ▁▂▃▄▅▆▇█",
)  # fmt: skip

ASCII = Glyphs(
    up="o", down="X", arrow=">", leftward="<", rightward=">",
    wire="-", busy="=", cut=".", down_tee="+", tee="+", corner="+",
    full="#", half="#", rest="-", rule="-",
    passed="+", failed="X", skipped="-", unsure="?", dot="-", ellipsis="~", blocks=" ..::==##",
)  # fmt: skip


def glyphs_for(encoding: str | None) -> Glyphs:
    """The richest set that `encoding` (as of a text stream; None: unknown) can carry."""
    try:
        "".join(getattr(UNICODE, name) for name in Glyphs.__slots__).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE
