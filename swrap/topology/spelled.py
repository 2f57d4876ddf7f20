"""A Topology → what a lab file says: the way back from ``loader``.

Owns the spelling of values as plain JSON, for events and records. Must not know who reads it.
"""

from __future__ import annotations

from swrap.document.node import JSON
from swrap.topology.model import Host, Interface, Limits, Topology


def spelled(topology: Topology) -> dict[str, JSON]:
    """The mapping of a lab file that means ``topology``; numbers in bits per second and seconds."""
    lab: dict[str, JSON] = {"hosts": {host.name: _host(host) for host in topology.hosts}}
    if topology.limits != Limits():
        limits = topology.limits
        lab["limits"] = {"syn-timeout": limits.syn_timeout, "retransmit-timeout": limits.retransmit_timeout}
    return lab


def _host(host: Host) -> dict[str, JSON]:
    said: dict[str, JSON] = {}
    if host.forward:
        said["forward"] = True
    if host.gateway is not None:
        said["gateway"] = str(host.gateway)
    return said | {interface.name: _interface(interface) for interface in host.interfaces}


def _interface(interface: Interface) -> dict[str, JSON]:
    plain = Interface(interface.name, interface.addresses)
    said: dict[str, JSON] = {
        "address": [str(address) for address in interface.addresses],
        "speed": interface.speed,
    }
    for key in ("rate", "rss", "rdma", "mtu", "delay"):
        value = getattr(interface, key)
        if value != getattr(plain, key):
            said[key] = value
    return said
