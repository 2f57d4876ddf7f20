"""Each kind of event of the catalogue as one readable sentence.

Owns the wording and how loudly an event speaks (its tone); must not know what it is printed on. Called by
the model (live view, HTML) and by the plain lines.

A template is text with `{field}` or `{field|form}` in it; `{a/b}` takes the first of the fields that is
there. A part in square brackets falls away when a field in it is missing or null, so that an actor may
leave out what it does not know. A field outside of brackets that is missing shows as `?`: a sentence never
fails. A kind without a template is shown as its name and its fields. Of the forms after the bar, a 0 is as
good as missing to ``flows``, ``requests``, ``some`` and ``bits``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from swrap.document.units import show_duration
from swrap.events import Event
from swrap.faults import FAULTS

from . import units


class Tone(Enum):
    """How an event speaks: SILENT ones are data for the views and never a line of their own."""

    SILENT = "silent"
    QUIET = "quiet"
    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A line to read: when (s since the run's start), who says it, what, how loudly."""

    at: float
    source: str
    text: str
    tone: Tone


_S, _Q, _P, _G, _W, _B = Tone

_WHAT = ("[ {direction}][ {state}][ {interface}][ {host|list}][ {address}][ {between|pair}][ port {port}]"
         "[ flow {flow}]")  # fmt: skip

TEMPLATES: Mapping[str, tuple[Tone, str]] = {
    # The run itself.
    "run-started": (_Q, "{title}[ ({file})]"),
    "step-started": (_P, "{text}"),
    "step-done": (_Q, "done: {text}"),
    "step-failed": (_B, "failed: {text}[: {error}][ ({where})]"),
    "step-skipped": (_Q, "skipped: {text}"),
    "fault-missed": (_W, "touched nothing: {text}[ ({where})]"),
    "expectation": (_S, "{text}: {status}"),
    "run-ended": (_Q, "the run is over[: {outcome}][, {reason}]"),
    "progress": (_S, "{step}: {done|size} of {total|size}"),
    # Faults. The words are those of the scenario file.
    "link-down": (_B, "{interface} is pulled[, {flows|flows} frozen][, {bytes|some} under way]"),
    "link-up": (_G, "{interface} is plugged in again[, {flows|flows} go on]"),
    "block": (_B, "blocked:" + _WHAT + "[, {flows|flows} frozen][, {bytes|some} under way]"),
    "unblock": (_G, "unblocked[ rule {rule}][, {flows|flows} go on]"),
    "cut": (_B, "{between|pair} are cut apart[ ({direction})][, {flows|flows} frozen][, {bytes|some} under way]"),
    "partition": (_B, "{between|pair} are kept apart[ ({direction})][, {flows|flows} frozen]"
                      "[, {bytes|some} under way]"),
    "hold": (_B, "held on the way:" + _WHAT + "[, {flows|flows}][, {bytes|some} under way]"),
    "release": (_G, "released[ rule {rule}][, {flows|flows} go on]"),
    "lose-acks": (_B, "ACKs are lost:" + _WHAT + "[, {flows|flows}][, {bytes|some} under way]"),
    "delay": (_W, "delayed by {time|time}[ ± {jitter|time}]:" + _WHAT + "[, {flows|flows}]"),
    "loss": (_W, "{chance|share} lost:" + _WHAT + "[, {flows|flows}]"),
    "corrupt": (_W, "{chance|share} damaged:" + _WHAT + "[, {flows|flows}]"),
    "duplicate": (_W, "{chance|share} come twice:" + _WHAT + "[, {flows|flows}]"),
    "reorder": (_W, "{chance|share} come {time|time} late:" + _WHAT + "[, {flows|flows}]"),
    "reset": (_B, "reset:" + _WHAT + "[, {flows|flows}][, {bytes|some} lost]"),
    "rate": (_W, "{interface} has another rate[: {rate|bits}][, {flows|flows}]"),
    "speed": (_W, "{interface} reports another speed[: {speed|bits}]"),
    "add-address": (_P, "{interface} has one address more: {address}"),
    "remove-address": (_B, "{address} is gone[, {flows|flows} frozen][, {bytes|some} under way]"),
    "move": (_B, "{address} moves to {to}[, {flows|flows}][, {bytes|some} under way]"),
    "heal": (_G, "healed[ from rule {rule}][, {flows|flows} go on]"),
    "kill": (_B, "SIG{signal} to[ {actor}][ {role}][: process {pid/pids|list}]"),
    # What the switch sees.
    "flow-opened": (_Q, "{client} → {server}[ over {interfaces|path}]"),
    "flow-accepted": (_Q, "{client} → {server} accepted"),
    "flow-waiting": (_W, "{client} → {server} meets silence[: {reason}]"),
    "flow-refused": (_W, "{client} → {server} refused[: {reason}]"),
    "flow-closed": (_Q, "{client} → {server} closed[: {how}][ after {bytes|size}]"),
    "flow-sample": (_S, "{client} → {server} {state}"),
    "gap": (_S, "{program} on {host}: {call} {what}"),
    "capture-started": (_Q, "packets are written to {file}"),
    "capture-ended": (_P, "{packets} packets are in {file}[, {missing} are missing: it was too slow]"
                      "[; it ended early: {error}]"),
    "events-lost": (_W, "{count} events were lost: more happened than could be told"),
    # Processes.
    "process-started": (_Q, "process {pid} started[ as {role}]"),
    "process-ended": (_W, "process {pid} ended[ ({role})][ with status {status}]"),
    "actor-started": (_Q, "{actor} started[: {program}][ on {host}][ as process {pid}]"),
    "actor-ready": (_Q, "{actor} is ready"),
    "actor-exited": (_Q, "{actor} ended[ with status {status}][ by SIG{signal}][ (process {pid})]"),
    # A server that hands its connections over.
    "connection-accepted": (_Q, "{client} accepted by process {pid}"),
    "connection-passed": (_P, "[connection {connection} ]handed over: process {from_pid} → {to_pid}"),
    "connection-ready": (_G, "[{client} ]is served by process {pid}"),
    "connection-closed": (_Q, "[connection {connection} ]closed[ at process {pid}][: {reason}]"),
    # Sessions of several channels.
    "session-opened": (_G, "session {session_id} opened[ for {user}][ ({dialect}[, {signing}])]"
                       "[ at process {pid}]"),
    "session-lost": (_B, "session {session_id} lost[: {reason}]"),
    "session-closed": (_P, "session {session_id} closed"),
    "channel-bound": (_Q, "[connection {connection} ]joined session {session_id}[ at process {pid}]"),
    "channel-opened": (_G, "channel[ {channel}] open: {local} → {remote}[ ({speed|bits})]"),
    "channel-failed": (_W, "no channel to {remote}[: {reason}]"),
    "channel-silent": (_W, "channel[ {channel}] is silent[: {reason}][, {unacked|some} un-acked]"
                       "[, {outstanding|requests} outstanding]"),
    "channel-alive": (_G, "channel[ {channel}] is alive again[: {remote}]"),
    "channel-closed": (_P, "channel[ {channel}] closed[: {remote}][, {reason}]"),
    "channel-lost": (_B, "channel[ {channel}] lost[: {remote}][, {reason}]"
                     "[, {outstanding|requests} outstanding]"),
    "channel-moved": (_P, "channel[ {channel}] moved[ from {from}][ to {to}]"),
    "replayed": (_W, "{requests|requests}[ of channel {channel}] sent again[ over channel {over|list}]"
                 "[, channel sequence {channel_sequence}]"),
    "path-changed": (_W, "best path[ {from}] → {to}[: {reason}]"),
    "interfaces-changed": (_W, "the server's interfaces changed[: {appeared|list} appeared]"
                           "[, {vanished|list} vanished]"),
    "transfer": (_S, "{path}: {bytes|size}"),
}  # fmt: skip


def _pair(value: Any) -> str:
    return " and ".join(map(_list, value)) if isinstance(value, (list, tuple)) else str(value)


def _path(value: Any) -> str:
    return " → ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _list(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _counted(one: str) -> Callable[[Any], str]:
    def form(value: Any) -> str:
        # A count, or the list of what is counted: actors report either.
        number = len(value) if isinstance(value, (list, tuple)) else int(value)
        return units.count(number, one) if number else ""

    return form


_FORMS: Mapping[str, Callable[[Any], str]] = {
    "size": lambda value: units.size(float(value)),
    "some": lambda value: units.size(float(value)) if value else "",
    "bits": lambda value: units.bit_rate(float(value)) if value else "",
    "time": lambda value: show_duration(float(value)) if value else "",
    "share": lambda value: f"{float(value) * 100:.3g} %",
    "flows": _counted("flow"),
    "requests": _counted("request"),
    "pair": _pair,
    "path": _path,
    "list": _list,
}

_FIELD = re.compile(r"\{([a-z_/]+)(?:\|([a-z]+))?\}")


def shown(value: Any) -> str:
    """Any JSON value as a short text on one line; control characters are made visible."""
    if isinstance(value, bool) or value is None:
        text = json.dumps(value)
    elif isinstance(value, float):
        text = f"{value:.6g}"
    elif isinstance(value, (dict, list, tuple, Mapping)):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    return one_line(text)


def one_line(text: str) -> str:
    """`text` without anything that could move a cursor: line ends become spaces, controls `\\xNN`."""
    text = re.sub(r"\s*[\r\n]+\s*", " ", text)
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda match: f"\\x{ord(match[0]):02x}", text)


class _Missing(Exception):
    """A field inside of brackets is not there: the part falls away."""


def _fill(template: str, data: Mapping[str, Any], strict: bool) -> str:
    def value_of(match: re.Match[str]) -> str:
        for name in match[1].split("/"):
            value = data.get(name)
            if value is None or value == "":
                continue
            try:
                text = one_line(_FORMS[match[2]](value)) if match[2] else shown(value)
            except (TypeError, ValueError, OverflowError):
                return shown(value)  # not of the type that the catalogue says: shown as it came
            if text or not strict:
                return text
        if strict:
            raise _Missing
        return "?"

    return _FIELD.sub(value_of, template)


def render(template: str, data: Mapping[str, Any]) -> str:
    """`template` filled with `data`; brackets nest: an inner one falls away without its outer one."""
    outputs = [""]
    alive = [True]
    for piece in re.split(r"([\[\]])", template):
        if piece == "[":
            outputs.append("")
            alive.append(True)
        elif piece == "]" and len(outputs) > 1:
            inner, whole = outputs.pop(), alive.pop()
            outputs[-1] += inner if whole else ""
        else:
            try:
                outputs[-1] += _fill(piece, data, strict=len(outputs) > 1)
            except _Missing:
                alive[-1] = False
    return "".join(outputs)


def tone(event: Event) -> Tone:
    """How loudly the event speaks; what another event says as well is quiet."""
    if event.kind == "step-started" and str(event.data.get("text")).split(" ")[0].rstrip(":") in FAULTS:
        return Tone.QUIET  # the fault's own event follows and says what it touched
    if event.kind == "connection-ready" and event.data.get("passed"):
        return Tone.QUIET  # the hand-over has been told
    if event.kind == "actor-exited" and not event.data.get("expected", True):
        return Tone.BAD
    known = TEMPLATES.get(event.kind)
    return known[0] if known else Tone.PLAIN


def sentence(event: Event) -> Sentence:
    """The event as a line to read."""
    known = TEMPLATES.get(event.kind)
    if known is None:
        fields = " ".join(f"{one_line(name)}={shown(value)}" for name, value in event.data.items())
        text = f"{one_line(event.kind)} {fields}".rstrip()
    else:
        text = render(known[1], event.data)
    return Sentence(event.at, one_line(event.source), text, tone(event))
