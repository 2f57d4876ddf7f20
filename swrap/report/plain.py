"""One line an event worth reading, for a log or a pipe.

Owns the form of the lines and what is left out: samples, and progress between the tenths. Must not know
terminals; colours are rich's decision (NO_COLOR is honoured). Called through ``reporters``.
"""

from __future__ import annotations

from rich.console import Console

from swrap.events import Event

from . import units
from .canvas import encodable, styled
from .glyphs import glyphs_for
from .model import Model
from .outcome import Verdict
from .rows import TONES
from .sentences import Sentence, Tone, sentence
from .table import print_result

_SOURCE = 8


class PlainReporter:
    """Writes to ``console`` as the events come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._glyphs = glyphs_for(console.encoding)
        self._model = Model()
        self._tenths: dict[str, int] = {}

    def event(self, e: Event, /) -> None:
        self._model.apply(e)
        if e.kind == "run-started":
            self._tenths.clear()
        if e.kind == "progress":
            self._progress(e)
            return
        line = sentence(e)
        if line.tone is not Tone.SILENT:
            self._line(line)

    def finish(self, verdict: Verdict | int | None = None, /) -> None:
        self._model.finish(verdict)
        print_result(self._model.state.outcome, self._model.state.at, self._console, self._glyphs, width=None)

    def close(self) -> None:
        """Nothing is held."""

    def _progress(self, e: Event) -> None:
        step = str(e.data.get("step", "?"))
        copy = self._model.state.copies[step]
        tenth = int(copy.fraction * 10)
        if tenth > self._tenths.get(step, 0):
            self._tenths[step] = tenth
            text = f"{copy.text}: {tenth * 10} % ({units.part(copy.done, copy.total)})"
            self._line(Sentence(e.at, e.source, text, Tone.QUIET))

    def _line(self, said: Sentence) -> None:
        line = styled(units.moment(said.at), "dim")
        line.append(f"  {said.source:<{_SOURCE}}  ", style="dim")
        line.append(said.text, style="" if said.tone in (Tone.QUIET, Tone.PLAIN) else TONES[said.tone])
        self._console.print(encodable(line, self._console.encoding, self._glyphs), soft_wrap=True)
