"""What a timeline needs besides the present: each flow's bytes over time, and all marks.

Owns how much of it is kept, so that a long run does not fill the memory. Called by ``html``.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from dataclasses import dataclass, field

from swrap.events import Event

from .sentences import Sentence, Tone
from .state import State

_POINTS = 4096
_MARKS = 2000
_TRACKS = 400


@dataclass(slots=True)
class Track:
    """One flow: its ends, whom it was served by at last, and (s, bytes in both directions so far)."""

    label: str
    opened: float
    owner: str = ""
    closed: float | None = None
    how: str = ""
    points: list[tuple[float, float]] = field(default_factory=list)

    def add(self, at: float, total: float) -> None:
        self.points.append((at, total))
        if len(self.points) > _POINTS:
            # Every other point but the last: twice as coarse, over the whole of the run alike.
            del self.points[1:-1:2]

    def bytes_at(self, at: float) -> float:
        """Bytes up to ``at`` (s), on a straight line between two samples."""
        place = bisect_left(self.points, (at, 0.0))
        before = self.points[place - 1] if place else (self.opened, 0.0)
        if place == len(self.points):
            return before[1]
        after = self.points[place]
        span = after[0] - before[0]
        return before[1] + (max((at - before[0]) / span, 0.0) if span > 0 else 0.0) * (after[1] - before[1])

    def rates(self, end: float, bins: int) -> list[float]:
        """Bytes per second in each of ``bins`` equal parts of 0 … ``end``."""
        width = end / bins
        totals = [self.bytes_at(number * width) for number in range(bins + 1)]
        return [max(later - earlier, 0.0) / width for earlier, later in itertools.pairwise(totals)]


@dataclass(slots=True)
class History:
    """All tracks by flow, the marks of one run, and how many of both there was no room for."""

    tracks: dict[str, Track] = field(default_factory=dict)
    marks: list[Sentence] = field(default_factory=list)
    dropped: int = 0
    untracked: int = 0

    def apply(self, event: Event, state: State, sentence: Sentence) -> None:
        """Take in one event, after ``state`` has."""
        if sentence.tone is not Tone.SILENT:
            if len(self.marks) < _MARKS:
                self.marks.append(sentence)
            else:
                self.dropped += 1
        if not event.kind.startswith("flow-"):
            return
        flow = str(event.data.get("flow", event.data.get("id")))
        channel = state.channels.get(flow)
        if channel is None:
            return
        track = self.tracks.get(flow)
        if track is None and len(self.tracks) >= _TRACKS:
            self.untracked += event.kind == "flow-opened"
            return
        if track is None:
            track = self.tracks[flow] = Track(f"{channel.client} → {channel.server}", channel.opened)
        track.closed, track.how = channel.closed, channel.standing()
        owner = state.owner_of(channel)
        if owner:
            track.owner = f"{owner[1]} {owner[0]}".strip()
        if event.kind == "flow-sample":
            track.add(event.at, channel.to_server.total + channel.to_client.total)
