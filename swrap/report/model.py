"""Folds the events of a run into its present state.

Owns the meaning of each event kind for the state. Pure: no clock, no output; a test plays it a list of
events and looks at ``state``. Called by every reporter that shows a state.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from swrap.events import Event
from swrap.faults import RULINGS

from .meter import Meter
from .outcome import Verdict
from .sentences import Tone, sentence
from .state import Channel, Copy, State

_ENDED_FLOWS = 64
"""How many ended channels are remembered: a server under load has opened thousands."""


@dataclass(slots=True)
class _Connection:
    """What a server has told of one of its connections."""

    client: str = ""
    server: str = ""
    owner: int | None = None
    handed_from: int | None = None


class Model:
    """The present ``state``, and what is needed besides to understand the next event."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.state = State()
        self._connections: dict[tuple[str, str], _Connection] = {}
        self._told: dict[str, _Connection] = {}
        self._by_client: dict[str, Channel] = {}
        self._gone: deque[str] = deque()
        self._texts: dict[str, str] = {}
        self._made: dict[str, str] = {}  # the fault of each rule

    def apply(self, event: Event) -> None:
        """Take in one event. A kind that the state does not depend on is only counted and told."""
        if event.kind == "run-started":
            self._reset()  # a stream may hold several runs; each begins from nothing
        state = self.state
        state.at = max(state.at, event.at)
        state.counted[event.kind] += 1
        state.outcome.apply(event)
        fold = _FOLDS.get(event.kind)
        if fold is not None:
            fold(self, event)
        line = sentence(event)
        if line.tone is not Tone.SILENT:
            state.lines.append(line)

    def finish(self, verdict: Verdict | int | None = None) -> None:
        """The run is over, with this verdict or (None) the one that ``run-ended`` told."""
        self.state.outcome.settle(verdict)
        self.state.ended = True

    # -- what the folds below share ------------------------------------------------------------------

    def _channel(self, event: Event) -> Channel:
        data = event.data
        flow = _word(data.get("flow", data.get("id", f"{data.get('client')}>{data.get('server')}")))
        channel = self.state.channels.get(flow)
        if channel is None:
            channel = Channel(
                flow=flow,
                client=_end(data.get("client", "?")),
                server=_end(data.get("server", "?")),
                interfaces=_names(data.get("interfaces")),
                opened=event.at,
                to_server=Meter(event.at),
                to_client=Meter(event.at),
            )
            self.state.channels[flow] = channel
            self._claim(channel)
        return channel

    def _ended(self, channel: Channel) -> None:
        """Remember the channels that ended of late, and forget the one before them."""
        self._gone.append(channel.flow)
        if len(self._gone) > _ENDED_FLOWS:
            gone = self.state.channels.pop(self._gone.popleft(), None)
            if gone is not None and self._by_client.get(gone.client) is gone:
                del self._by_client[gone.client]
                self._told.pop(gone.client, None)

    def _claim(self, channel: Channel) -> None:
        """A flow is known: whoever has told of a connection between its ends serves it."""
        self._by_client[channel.client] = channel
        connection = self._told.get(channel.client)
        if connection is not None:
            self._served(connection)

    def _served(self, connection: _Connection) -> None:
        """A connection is known: the flow between its ends is served by its owner."""
        self._told[connection.client] = connection
        channel = self._by_client.get(connection.client)
        if channel is not None and channel.open and channel.server == connection.server:
            channel.owner, channel.handed_from = connection.owner, connection.handed_from


def _word(value: Any) -> str:
    return str(value)


def _end(value: Any) -> str:
    """An end of a flow. A dual-stack server sees IPv4 clients as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2)."""
    return re.sub(r"^\[?::ffff:(\d+\.\d+\.\d+\.\d+)\]?(?=:|$)", r"\1", str(value))


def _number(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and isfinite(value) else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def _run_started(model: Model, event: Event) -> None:
    model.state.title = _word(event.data.get("title") or "")
    model.state.file = _word(event.data.get("file") or "")
    model.state.network.load(event.data.get("topology") or {})


def _run_ended(model: Model, event: Event) -> None:
    model.state.ended = True


def _link(up: bool) -> Callable[[Model, Event], None]:
    def fold(model: Model, event: Event) -> None:
        model.state.network.port(_word(event.data.get("interface", "?"))).turn(up, event.at)

    return fold


def _rate(model: Model, event: Event) -> None:
    rate = event.data.get("rate")
    model.state.network.port(_word(event.data.get("interface", "?"))).rate = _number(rate) or None


def _ruled(model: Model, event: Event) -> None:
    number = _word(event.data.get("rule", len(model.state.rules) + 1))
    model.state.rules[number] = sentence(event).text
    model._made[number] = event.kind


def _lifted(model: Model, event: Event) -> None:
    rule = event.data.get("rule")
    makes = {"unblock": "block", "release": "hold"}.get(event.kind)
    gone = [_word(rule)] if rule is not None else list(model.state.rules)
    for number in gone:
        if rule is not None or makes in (None, model._made.get(number)):
            model.state.rules.pop(number, None)
    if event.kind == "heal" and rule is None:
        for port in model.state.network.ports.values():
            port.turn(True, event.at)
            port.rate = port.first_rate


def _flow_opened(model: Model, event: Event) -> None:
    model._channel(event).state = _word(event.data.get("state", "open"))


def _flow_waiting(model: Model, event: Event) -> None:
    model._channel(event).state = "waiting"


def _flow_refused(model: Model, event: Event) -> None:
    channel = model._channel(event)
    channel.closed, channel.how = event.at, "refused"
    model._ended(channel)


def _flow_sample(model: Model, event: Event) -> None:
    data = event.data
    channel = model._channel(event)
    to_server, to_client = _mapping(data.get("to_server")), _mapping(data.get("to_client"))
    there, back = _number(to_server.get("bytes")), _number(to_client.get("bytes"))
    model.state.carry(channel, there, back)
    channel.to_server.sample(event.at, there)
    channel.to_client.sample(event.at, back)
    channel.unacked = _number(to_server.get("unacked")) + _number(to_client.get("unacked"))
    channel.blocked = bool(to_server.get("blocked") or to_client.get("blocked"))
    channel.state = _word(data.get("state", channel.state))
    channel.interfaces = _names(data.get("interfaces")) or channel.interfaces
    holders = data.get("server_holders")
    if isinstance(holders, (list, tuple)):
        channel.holders = tuple(
            (_number(holder[0]), _word(holder[1]))
            for holder in holders
            if isinstance(holder, (list, tuple)) and len(holder) == 2
        )


def _flow_closed(model: Model, event: Event) -> None:
    channel = model._channel(event)
    channel.closed = event.at
    channel.how = {"fin": "closed", "reset": "reset"}.get(_word(event.data.get("how", "fin")), "")
    channel.how = channel.how or _word(event.data.get("how"))
    channel.blocked, channel.unacked = False, 0
    model._ended(channel)


def _connection(model: Model, event: Event) -> _Connection:
    key = event.source, _word(event.data.get("connection", event.data.get("client", "?")))
    connection = model._connections.setdefault(key, _Connection())
    connection.client = _end(event.data.get("client", connection.client))
    connection.server = _end(event.data.get("server", connection.server))
    return connection


def _connection_accepted(model: Model, event: Event) -> None:
    connection = _connection(model, event)
    connection.owner = _number(event.data.get("pid")) or None
    model._served(connection)


def _connection_passed(model: Model, event: Event) -> None:
    connection = _connection(model, event)
    connection.handed_from = _number(event.data.get("from_pid")) or None
    connection.owner = _number(event.data.get("to_pid")) or connection.owner
    model._served(connection)


def _connection_ready(model: Model, event: Event) -> None:
    connection = _connection(model, event)
    connection.owner = _number(event.data.get("pid")) or connection.owner
    model._served(connection)


def _connection_closed(model: Model, event: Event) -> None:
    connection = model._connections.pop((event.source, _word(event.data.get("connection", "?"))), None)
    if connection is not None and model._told.get(connection.client) is connection:
        del model._told[connection.client]


def _process_started(model: Model, event: Event) -> None:
    model.state.roles[_number(event.data.get("pid"))] = _word(event.data.get("role") or "")


def _step_started(model: Model, event: Event) -> None:
    model._texts[_word(event.data.get("step", "?"))] = _word(event.data.get("text", ""))


def _progress(model: Model, event: Event) -> None:
    step = _word(event.data.get("step", "?"))
    done, total = _number(event.data.get("done")), _number(event.data.get("total"))
    copy = model.state.copies.get(step)
    if copy is None:
        text = model._texts.get(step) or step
        copy = model.state.copies[step] = Copy(step, text, done, total, event.at, Meter(event.at))
    copy.done, copy.total = done, total
    copy.meter.sample(event.at, done)


def _step_ended(failed: bool) -> Callable[[Model, Event], None]:
    def fold(model: Model, event: Event) -> None:
        copy = model.state.copies.get(_word(event.data.get("step", "?")))
        if copy is not None:
            copy.ended, copy.failed = event.at, failed

    return fold


_FOLDS: Mapping[str, Callable[[Model, Event], None]] = {
    "run-started": _run_started,
    "run-ended": _run_ended,
    "link-down": _link(False),
    "link-up": _link(True),
    "rate": _rate,
    **dict.fromkeys(RULINGS, _ruled),
    **dict.fromkeys(("unblock", "release", "heal"), _lifted),
    "flow-opened": _flow_opened,
    "flow-waiting": _flow_waiting,
    "flow-refused": _flow_refused,
    "flow-sample": _flow_sample,
    "flow-closed": _flow_closed,
    "connection-accepted": _connection_accepted,
    "connection-passed": _connection_passed,
    "connection-ready": _connection_ready,
    "connection-closed": _connection_closed,
    "process-started": _process_started,
    "step-started": _step_started,
    "step-done": _step_ended(False),
    "step-failed": _step_ended(True),
    "progress": _progress,
}
