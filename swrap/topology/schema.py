"""What a lab file may say: the JSON Schema (draft-07) that the check reads and that ``swrap schema`` prints.

Owns the spelling of a network in YAML. ``loader`` turns what fits into ``model`` values.
"""

from __future__ import annotations

from swrap.document.formats import DURATION, RATE
from swrap.document.reader import Schema
from swrap.topology.model import MAX_MTU, MIN_MTU

ADDRESS: Schema = {
    "type": "string",
    "format": "interface-address",
    "title": "an address with its prefix such as 10.0.1.1/24",
    "examples": ["10.0.1.1/24", "fd00:2::1/64"],
}

ADDRESSES: Schema = {"type": "array", "items": ADDRESS}

INTERFACE: Schema = {
    "title": "an address such as 10.0.1.1/24, a list of them, or a mapping",
    "anyOf": [
        ADDRESS,
        ADDRESSES,
        {
            "type": "object",
            "properties": {
                "address": {
                    "anyOf": [ADDRESS, ADDRESSES],
                    "title": "an address such as 10.0.1.1/24, or a list of them",
                },
                "speed": RATE | {"description": "What the interface reports; 1G by default."},
                "rate": RATE | {"description": "What it carries; no limit by default."},
                "delay": DURATION | {"description": "Added in each direction."},
                "mtu": {"type": "integer", "minimum": MIN_MTU, "maximum": MAX_MTU},
                "rss": {"type": "boolean", "description": "It has more than one receive queue."},
                "rdma": {"type": "boolean", "description": "It reports RDMA; there is none."},
            },
            "required": ["address"],
            "additionalProperties": False,
        },
    ],
}

HOST: Schema = {
    "type": "object",
    "title": "a mapping of interfaces",
    "properties": {
        "forward": {"type": "boolean", "description": "It passes on what is not for itself: a router."},
        "gateway": {"type": "string", "format": "address", "description": "Where all else goes."},
    },
    "additionalProperties": INTERFACE,
}

LIMITS: Schema = {
    "type": "object",
    "properties": {
        "syn-timeout": DURATION | {"description": "A connect into silence ends after this; 127s by default."},
        "retransmit-timeout": DURATION | {"description": "Data without an ACK does; 924.6s by default."},
    },
    "additionalProperties": False,
}

LAB: Schema = {
    "type": "object",
    "title": "a lab",
    "properties": {
        "hosts": {
            "type": "object",
            "title": "a host",
            "minProperties": 1,
            "additionalProperties": HOST,
            "description": "Interfaces in one subnet hang on one segment.",
        },
        "limits": LIMITS,
    },
    "required": ["hosts"],
    "additionalProperties": False,
}
