"""Every kind of event that a run or its network makes, with a sentence and its fields.

Owns the list that ``swrap events`` prints and that a scenario's ``event:`` is checked against. Kinds of
actors come with the actors, faults with the faults. A field whose meaning begins with «maybe» can be
absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from swrap.faults import FAULTS

RUN = "run"
NETWORK = "network"
"""The sources of these events; all others are the names of actors."""


class Kind(NamedTuple):
    """What a kind of event says. ``sample``: made by the clock, so never waited for nor counted."""

    sentence: str
    fields: Mapping[str, str]
    source: str = RUN
    sample: bool = False


_STEP = {"step": "its number, from 1", "text": "the step in words", "where": "file:line"}
_FLOW = {
    "id": "the flow's number",
    "client": "ADDRESS:PORT that connected",
    "server": "ADDRESS:PORT that was connected to",
    "client_host": "its host",
    "server_host": "its host",
}
_PATH = {**_FLOW, "interfaces": "those that it crosses, the client's first"}
_WAYS = {"to_server": "of them to the server", "to_client": "of them to the client"}
_DIRECTION = (
    "{bytes: delivered so far, packets: that carried them, lost: packets that a fault stopped, "
    "unacked: sent and not acknowledged, blocked: does the path stop it}"
)
_TOUCHED = {"flows": "how many flows it touched", "bytes": "how many of their bytes were under way"}

_RUN_KINDS = {
    "run-started": Kind(
        "A run begins.",
        {
            "title": "the scenario's",
            "file": "its file",
            "seed": "of all that is drawn",
            "backend": "shim or fake",
            "topology": "the lab, as a lab file says it",
        },
    ),
    "run-ended": Kind(
        "A run is over; nothing comes after this.",
        {
            "exit_code": "0 pass, 1 fail, 3 harness failed, 4 inconclusive, 128+n ended by signal n",
            "outcome": "the same in a word",
            "reason": "one line",
            "seconds": "since the start",
        },
    ),
    "actor-started": Kind(
        "An actor's process was started.",
        {"actor": "its name", "host": "where", "program": "what it runs", "pid": "its process"},
    ),
    "actor-ready": Kind(
        "An actor took its configuration and can be told verbs.", {"actor": "its name", "pid": "its process"}
    ),
    "actor-exited": Kind(
        "An actor's process is gone.",
        {
            "actor": "its name",
            "pid": "its process",
            "status": "maybe: its exit status",
            "signal": "maybe: the signal that ended it, without the SIG",
            "expected": "did the scenario ask for it",
        },
    ),
    "step-started": Kind("A step begins; its trigger has come.", {**_STEP, "as": "maybe: its name"}),
    "step-done": Kind(
        "A step is done.", {**_STEP, "as": "maybe: its name", "seconds": "it took", "result": "what it gave"}
    ),
    "step-failed": Kind(
        "A step failed; those after it are skipped.",
        {
            **_STEP,
            "as": "maybe: its name",
            "error": "why",
            "expected": "what should have been",
            "seen": "what was instead",
        },
    ),
    "step-skipped": Kind("A step was not done, because another one failed.", _STEP),
    "fault-missed": Kind("A fault touched nothing: the run proves nothing.", _STEP),
    "progress": Kind(
        "A verb is on its way.",
        {
            "step": "its step's number",
            "as": "maybe: its step's name",
            "actor": "whose verb",
            "done": "so far",
            "total": "in all",
        },
        sample=True,
    ),
    "expectation": Kind(
        "An expectation was judged.",
        {
            "text": "the expectation in words",
            "status": "pass, fail, or skipped where there was nothing to judge by",
            "expected": "what should have been",
            "seen": "what was",
            "where": "file:line",
        },
    ),
}

_NETWORK_KINDS = {
    "flow-opened": Kind("A connection was made: the client's connect is done.", _PATH, NETWORK),
    "flow-accepted": Kind("The server's program took a connection.", _PATH, NETWORK),
    "flow-waiting": Kind("A SYN met silence, and is sent again.", {**_FLOW, "reason": "why"}, NETWORK),
    "flow-refused": Kind("A connection was refused.", {**_FLOW, "reason": "why"}, NETWORK),
    "flow-closed": Kind(
        "A connection is over.",
        {
            **_FLOW,
            "how": "fin, reset, timeout, …",
            "bytes": "delivered, both ways",
            **_WAYS,
            "packets": "that carried them",
            "lost": "packets that a fault stopped",
        },
        NETWORK,
    ),
    "flow-sample": Kind(
        "How a flow is, a few times a second.",
        {
            **_FLOW,
            "state": "of the flow",
            "interfaces": "those that it crosses, the client's first",
            "to_server": _DIRECTION,
            "to_client": _DIRECTION,
            "client_holders": "[[pid, name], …] that hold the client's end",
            "server_holders": "[[pid, name], …] that hold the server's end",
        },
        NETWORK,
        sample=True,
    ),
    "capture-started": Kind("Packets are being written to a file.", {"file": "its path"}, NETWORK),
    "capture-ended": Kind(
        "A capture is over.",
        {
            "file": "its path",
            "packets": "in the file",
            "missing": "maybe: packets that the file was too slow for",
            "bytes": "of the file",
            "error": "maybe: what ended it early",
        },
        NETWORK,
    ),
    "events-lost": Kind("More happened than could be told.", {"count": "events that are missing"}, NETWORK),
    "gap": Kind(
        "Programs asked for something that is not emulated; told when everything has been done.",
        {
            "host": "where they ran",
            "program": "their name, cut to 15 characters",
            "pids": "the processes",
            "call": "socket, getsockopt, setsockopt, ioctl, …",
            "what": "what they asked it for",
            "count": "how often",
        },
        NETWORK,
    ),
}

_FAULT_KINDS = {
    verb: Kind(fault.sentence, {**fault.said, **(_TOUCHED if verb != "kill" else {})}, NETWORK)
    for verb, fault in FAULTS.items()
}

CATALOGUE: Mapping[str, Kind] = MappingProxyType({**_RUN_KINDS, **_FAULT_KINDS, **_NETWORK_KINDS})
"""Kind → what it means; the order is that of a run."""
