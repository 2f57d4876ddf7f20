"""The network as values: hosts, interfaces, addresses, limits. Nothing here runs or opens anything."""

from swrap.topology.loader import load_lab, topology_from, topology_of
from swrap.topology.model import Host, Interface, Limits, Topology, TopologyError

__all__ = [
    "Host",
    "Interface",
    "Limits",
    "Topology",
    "TopologyError",
    "load_lab",
    "topology_from",
    "topology_of",
]
