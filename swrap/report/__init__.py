"""Everything that a person or a CI reads about a run, from one stream of events.

::

    events ─► model ─► state ─┬─► screen (wires, rows) ─► live        a terminal
        │                     ├─► history, timeline ───► html         a file for a browser
        └─► sentences         ├─► outcome ─► table, results, junit    the result
             └─► plain        └─► picture                             the README
        └─► record ─► replay                                          a run, shown again

It reads events and nothing else, so a recorded run looks as it did. Called by ``swrap.cli``; knows nothing
of how a run is carried out, and nothing of the programs in it beyond the events that they declare.
"""

from .reporter import Reporter, ReportError, Reporters
from .reporters import reporters

__all__ = ["ReportError", "Reporter", "Reporters", "reporters"]
